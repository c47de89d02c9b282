"""GetFleet over many sets, for callers who may read some of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from ecrkeeper.v1 import fleet_pb2
from ecrkeeper_server.access.patterns import Pattern
from ecrkeeper_server.access.policy import Policy, Principal, Rule, Verb
from ecrkeeper_server.api.layers.access import CALLER, Access
from ecrkeeper_server.api.services.fleet import FleetView
from ecrkeeper_server.fleet.account_commands import new_account
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import fleet_accounts, resources, rollouts
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.fleet_specs import Selector, SetSpec, Wave
from ecrkeeper_server.store.tables import resources as table
from sqlalchemy import update

from .test_rollouts import rollout_row

CLIENT_BYTES = 4 * 2**20


async def fleet(db: Database, *rules: Rule) -> fleet_pb2.Fleet:
    CALLER.set(Principal("team"))
    access = Access(lambda: Policy(rules)) if rules else Access()
    view = FleetView(cast(Any, SimpleNamespace(db=db, access=access)))
    return await view.GetFleet(cast(Any, None), cast(Any, None))


def reads(**parts: tuple[Pattern, ...]) -> Rule:
    return Rule("team", (Pattern("team"),), (), frozenset({Verb.READ}), **parts)


async def test_rollouts_of_unreadable_sets_hide_no_readable_ones(db: Database) -> None:
    def change(tx: Tx) -> None:
        for number in range(120):
            rollouts.add(tx, rollout_row(f"other-{number:03}"))
        rollouts.add(tx, rollout_row("team-set"))

    await db.write(change)
    overview = await fleet(db, reads(owners=(Pattern("team-set"),)))
    assert [each.name for each in overview.rollouts] == ["registrySets/team-set/rollouts/1"]
    assert len((await fleet(db)).rollouts) == 100


async def test_largest_strategies_fit_into_one_response(db: Database) -> None:
    names = tuple(f"accounts/{number:012}/registries/us-east-1" for number in range(400))
    large = SetSpec(selector=Selector(), settings={}, waves=(Wave(selector=Selector(exclude=names)),) * 50).to_json()

    def change(tx: Tx) -> None:
        for number in range(6):
            rollouts.add(tx, rollout_row(f"set-{number}", spec=large))

    await db.write(change)
    overview = await fleet(db)
    assert len(overview.rollouts) > 0
    assert overview.ByteSize() < CLIENT_BYTES


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({}, 3),
        ({"accounts": (Pattern("1*"),)}, 2),
        ({"owners": (Pattern("team-set"),)}, 0),
        ({"regions": (Pattern("us-east-1"),)}, 0),
    ],
)
async def test_account_count_is_that_of_readable_accounts(
    db: Database, parts: dict[str, tuple[Pattern, ...]], expected: int
) -> None:
    def change(tx: Tx) -> None:
        for account in ("111111111111", "122222222222", "333333333333"):
            fleet_accounts.add(tx, new_account(account))

    await db.write(change)
    assert (await fleet(db, reads(**parts))).account_count == expected


async def test_resources_that_nobody_declares_are_no_problem(db: Database) -> None:
    reasons = {"us-east-1": None, "eu-west-1": "UNMANAGED", "sa-east-1": "AWS_ACCESS_DENIED"}

    def change(tx: Tx) -> None:
        for region, reason in reasons.items():
            row = resources.ensure(tx, RegistryName("111111111111", region), {})
            tx.conn.execute(update(table).where(table.c.name == row.name).values(reason=reason))

    await db.write(change)
    overview = await fleet(db)
    assert (overview.registry_count, overview.ready_registry_count) == (3, 2)
    assert [(each.reason, each.resource_count) for each in overview.registry_reasons] == [("AWS_ACCESS_DENIED", 1)]
    assert [each.resource for each in overview.worst_problems] == ["accounts/111111111111/registries/sa-east-1"]
