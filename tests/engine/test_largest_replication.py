"""The largest replication is kept by filters and destinations, not by pairs."""

from __future__ import annotations

import json
from typing import Any

from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store import audit, audit_pages, resources
from ecrkeeper_server.store.filter_expression import Restriction, condition_of

from tests.engine.conftest import REGISTRY, World, holds

NAME = "replication_configuration"
_MOST_BYTES = 300_000


def rules(*numbers: int) -> dict[str, Any]:
    """25 destinations, and 100 filters for each of the rules."""
    places = [{"region": "eu-west-1", "registryId": str(222_222_222_200 + i)} for i in range(25)]
    return {
        NAME: {
            "rules": [
                {
                    "destinations": places,
                    "repositoryFilters": [
                        {"filter": f"team-{rule:02}/{i:02}", "filterType": "PREFIX_MATCH"} for i in range(100)
                    ],
                }
                for rule in numbers
            ]
        }
    }


async def test_rows_grow_with_filters_and_destinations(world: World) -> None:
    await world.declare(rules(*range(25)))
    row = await world.reconcile()
    assert holds(row, "Ready")
    assert len(json.dumps(row.stored_state)) < _MOST_BYTES
    state = row.registry_state
    assert len(state.applied[NAME]) == len(state.settled[NAME]) == 62_500
    events = await world.db.read_then_parse(lambda tx: audit_pages.reading_page(tx, audit.Selection(), None, 10))
    assert 0 < max(event.size for event in events) < _MOST_BYTES


async def test_pairs_that_nobody_declares_any_more_are_removed(world: World) -> None:
    await world.declare(rules(*range(25)))
    await world.reconcile()
    await world.declare(rules(*range(20)))
    row = await world.reconcile()
    assert holds(row, "Ready")
    assert len(row.registry_state.applied[NAME]) == 50_000
    assert len(SETTINGS[NAME].split((await world.present())["replicationConfiguration"])) == 50_000


async def test_drift_of_many_pairs_is_one_and_found_by_any_element(world: World) -> None:
    await world.declare(rules(*range(25)), owner="one")
    await world.reconcile()
    await world.set_spec({"mode": "OBSERVE"})
    await world.seed({"replicationConfiguration": rules(*range(20))[NAME]})
    row = await world.reconcile()
    (drift,) = row.registry_state.drift
    assert (len(drift.keys), drift.owners) == (12_500, ["one"])
    assert "12500 elements differ" in json.dumps(row.stored_state["conditions"])
    condition = condition_of(Restriction("element", True, max(drift.keys)), REGISTRY.kind)
    page = await world.db.read(lambda tx: resources.page(tx, REGISTRY.kind, "-", "", 10, condition))
    assert [each.name for each in page] == [str(REGISTRY)]
