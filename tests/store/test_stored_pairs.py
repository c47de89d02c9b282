"""Many pairs are read alike from rows of every form, on both databases.

Release 0.1.0 stored each pair alone. Version 1 adds owners and times to differences,
version 2 stores destinations and filters.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from ecrkeeper.v1.registry_pb2 import Element
from ecrkeeper_server.api.messages.registry import registry
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.settings import stored_elements, suspects
from ecrkeeper_server.settings.algebra import compose, plan
from ecrkeeper_server.settings.element_sets import union
from ecrkeeper_server.settings.elements import FEW, keys_of
from ecrkeeper_server.settings.ownership import finding_drift, owned_elements
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store import drifting, resources
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.drift_rows import storing_drift
from ecrkeeper_server.store.filter_expression import Restriction, condition_of
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.specs import RegistrySpec
from ecrkeeper_server.store.states import RegistryState, State
from ecrkeeper_server.store.stored_drift import Remediation
from ecrkeeper_server.store.unit_of_work import Origin
from ecrkeeper_server.turns import finish
from msgspec.structs import replace

from tests import declaring
from tests.unit.settings import replication_by_pair

NAME = "replication_configuration"
SETTING = SETTINGS[NAME]
REGISTRY = RegistryName("111111111111", "us-east-1")
TIME = 1_800_000_000_000_000
VALUE = {"deleteReplication": False}


def shape(filters: int) -> dict[str, Any]:
    """Return a rule with three destinations."""
    places = [{"region": "eu-west-1", "registryId": f"22222222222{at}"} for at in range(3)]
    texts = [{"filter": f"team-{at:02}/", "filterType": "PREFIX_MATCH"} for at in range(filters)]
    return {"rules": [{"destinations": places, "repositoryFilters": texts}]}


DECLARED, OBSERVED = shape(60), shape(20)
BY_PAIR = replication_by_pair.split(DECLARED)
MISSING = sorted(BY_PAIR.keys() - replication_by_pair.split(OBSERVED).keys())
DRIFT_0_1_0 = [{"setting": NAME, "key": key, "kind": "MISSING", "desired": VALUE, "observed": None} for key in MISSING]
DRIFT_1 = [{**each, "owners": ["platform"], "since": TIME} for each in DRIFT_0_1_0]
SUSPECT = suspects.Suspect(
    {}, "INVALID_ARGUMENT", "AWS_REJECTED", "no", "", "", first=1, next=2, tries=1, lasting=True
)  # fmt: skip
DIGESTS = dict.fromkeys(MISSING, suspects.digest(VALUE))


def by_pair(drift: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a state with one member for each pair."""
    return {
        "observed": {NAME: OBSERVED},
        "applied": {NAME: BY_PAIR},
        "settled": {NAME: BY_PAIR},
        "unconfirmed": {NAME: sorted(BY_PAIR)},
        "drift": drift,
        "remediation": {"time": TIME, "drift": drift},
        "suspects": {NAME: [{**SUSPECT.to_json(), "values": DIGESTS}]},
    }


def by_filter() -> dict[str, Any]:
    """Return the state that this release stores."""
    elements = {NAME: SETTING.split(DECLARED)}
    planned = {NAME: plan(SETTING, elements[NAME], elements[NAME], SETTING.split(OBSERVED))}
    stored = finish(storing_drift(finish(finding_drift(planned, compose({"platform": elements})))))
    drift = [replace(each, since=TIME) for each in stored]
    rejected = replace(SUSPECT, values=suspects.values_of(planned[NAME].changes))
    state = RegistryState({}).changed(
        observed={NAME: OBSERVED}, applied=elements, settled=elements, unconfirmed={NAME: keys_of(elements[NAME])},
        drift=drift, remediation=Remediation(TIME, drift), suspects={NAME: [rejected]},
    )  # fmt: skip
    return state.to_json()


STORED = {"0.1.0": by_pair(DRIFT_0_1_0), "version 1": by_pair(DRIFT_1), "version 2": by_filter()}
ABANDONED = {NAME: sorted(BY_PAIR)}
SPECS = {
    "0.1.0": {"mode": "ENFORCE", "abandoned": ABANDONED},
    "version 1": {"mode": "ENFORCE", "abandoned": ABANDONED},
    "version 2": RegistrySpec(abandoned={NAME: keys_of(SETTING.split(DECLARED))}).to_json(),
}


async def read(db: Database, release: str) -> tuple[Resource, Declaration]:
    """Store a row as a release did, and read it."""
    name = SettingsName(REGISTRY, "platform")

    def store(tx: Tx) -> None:
        stored = resources.ensure(tx, REGISTRY, SPECS[release])
        changed = resources.patch(tx, stored.name, state=STORED[release])
        drifting.change(tx, stored.name, finish(drifting.comparing(State({}), changed.registry_state)))
        declaring.put(tx, name, {NAME: DECLARED}, registry_generation=1, origin=Origin("Test"))

    await db.write(store)
    row = await db.read(lambda tx: resources.get(tx, str(REGISTRY)))
    declared = await db.read(lambda tx: declaring.get(tx, name))
    assert row is not None and declared is not None
    return row, declared


def test_forms_differ() -> None:
    assert len(BY_PAIR) > FEW and len(MISSING) > FEW
    assert STORED["version 2"]["applied"][0] == SPECS["version 2"]["abandoned"][0] == stored_elements.VERSION
    assert (len(STORED["version 2"]["drift"]), len(STORED["0.1.0"]["drift"])) == (1, len(MISSING))


@pytest.mark.parametrize("release", STORED)
async def test_row_of_each_form_is_read_alike(db: Database, release: str) -> None:
    row, declared = await read(db, release)
    state = row.registry_state
    assert state.applied == state.settled == {NAME: BY_PAIR}
    assert state.unconfirmed == row.registry_spec.abandoned == {NAME: BY_PAIR.keys()}
    assert owned_elements(state.applied, row.registry_spec.abandoned, {NAME: SETTING.split(DECLARED)}) == {
        NAME: BY_PAIR
    }
    assert union(each.keys for each in state.drift) == set(MISSING)
    assert {(each.kind, each.desired["deleteReplication"], each.observed) for each in state.drift} == {
        ("MISSING", False, None)
    }
    planned = {NAME: plan(SETTING, SETTING.split(DECLARED), state.applied[NAME], SETTING.split(OBSERVED))}
    (suspect,) = suspects.pending(state.suspects, planned, {NAME: SETTING.split(OBSERVED)})[NAME]
    assert suspect.values == DIGESTS
    message = registry(row, [declared])
    assert [(len(each.pairs.destinations), len(each.pairs.filters), each.state) for each in message.elements] == [
        (3, 20, Element.IN_SYNC), (3, 40, Element.OUT_OF_SYNC)
    ]  # fmt: skip
    for drift in (message.drift, message.last_remediation.drift):
        (one,) = drift
        assert (len(one.pairs.destinations), len(one.pairs.filters), one.key) == (3, 40, MISSING[0])
        assert list(one.owners) == ([] if release == "0.1.0" else ["platform"])


@pytest.mark.parametrize("release", STORED)
async def test_drift_of_each_form_is_found_by_its_elements(db: Database, release: str) -> None:
    await read(db, release)
    for key in (MISSING[0], MISSING[-1]):
        rows = await db.read(partial(with_element, key))
        assert [each.name for each in rows] == [str(REGISTRY)]


def with_element(key: str, tx: Tx) -> list[Resource]:
    """Return the registries whose element differs."""
    return resources.page(
        tx, REGISTRY.kind, "-", "", 10, condition_of(Restriction("element", True, key), REGISTRY.kind)
    )
