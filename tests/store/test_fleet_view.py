"""GetFleet over many sets, for callers who may read some of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ecrkeeper.v1 import fleet_pb2
from ecrkeeper_server.access.patterns import Pattern
from ecrkeeper_server.access.policy import Policy, Principal, Rule, Verb
from ecrkeeper_server.api.layers.access import CALLER, Access
from ecrkeeper_server.api.services.fleet import FleetView, _showing_problems
from ecrkeeper_server.fleet.account_commands import new_account
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import fleet_accounts, fleet_counts, resources, rollouts
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.fleet_counts import Example
from ecrkeeper_server.store.fleet_specs import Selector, SetSpec, Wave
from ecrkeeper_server.store.rollout_rows import RolloutState
from ecrkeeper_server.store.tables import resources as table
from ecrkeeper_server.turns import finish
from sqlalchemy import delete, update

from tests.parsing import Parsed

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


MESSAGE = "ECR rejected the policy"
PROBLEMS = [f"accounts/{at:012}/registries/us-east-1" for at in range(6)]
Sizes = list[tuple[str, list[int]]]


def problem(at: int, characters: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a state and its columns; every other replication does not work."""
    condition = {"type": "Ready", "status": "FALSE", "reason": "AWS_REJECTED", "message": MESSAGE, "since": at}
    destination = {"registryId": "222222222222", "region": "us-east-1"}
    finding = {"reason": "DENIED", "subject": "", "message": "the destination denies it"}
    check = {"destination": destination, "result": "BROKEN", "findings": [finding], "arrivals": [], "time": 1}
    state = {"applied": {"a": ["x" * 1_000] * (characters // 1_000)}, "conditions": [condition], "checks": [check]}
    return state, {"reason": "AWS_REJECTED", "replication": "BROKEN" if at % 2 else None}


async def store_problems(db: Database, characters: int) -> None:
    def change(tx: Tx) -> None:
        for at, name in enumerate(PROBLEMS):
            resources.ensure(tx, RegistryName.parse(name), {})
            state, columns = problem(at, characters)
            resources.patch(tx, name, state=state)
            tx.conn.execute(update(table).where(table.c.name == name).values(**columns))

    await db.write(change)


def states_read(monkeypatch: pytest.MonkeyPatch) -> Sizes:
    """Collect the member and the sizes of the texts of each read of states."""
    read, states = Sizes(), fleet_counts.states

    def counted(tx: Tx, some: Sequence[Example], member: str) -> dict[str, str]:
        texts = states(tx, some, member)
        read.append((member, [len(text) for text in texts.values()]))
        return texts

    monkeypatch.setattr(fleet_counts, "states", counted)
    return read


async def test_problems_of_large_states_are_shown_like_those_of_small_ones(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store_problems(db, 1_000)
    small, read = await fleet(db), states_read(monkeypatch)
    shown = [(each.resource, each.reason, each.message) for each in small.worst_problems]
    assert shown == [
        *((name, "REPLICATION_BROKEN", "the destination denies it") for name in PROBLEMS[1::2]),
        *((name, "AWS_REJECTED", MESSAGE) for name in PROBLEMS[:3]),
    ]
    await fleet(db)
    assert [member for member, _ in read] == ["checks", "conditions"]
    read.clear()
    await store_problems(db, 800_000)
    parsed = Parsed(monkeypatch, short=True)
    assert await fleet(db) == small
    assert [len(sizes) for _, sizes in read] == [1] * 6, "few states are in memory at a time"
    if db.reads_inline:
        assert max(max(sizes) for _, sizes in read) < 1_000, "SQLite reads a part of a state"
    # Nothing but the shown members is parsed, and nothing in a thread.
    assert parsed.longest < 1_000
    assert parsed.in_threads == 0


@pytest.mark.parametrize("member", ["conditions", "checks"])
async def test_states_of_problems_go_in_steps(db: Database, monkeypatch: pytest.MonkeyPatch, member: str) -> None:
    await store_problems(db, 200_000)
    counted = await db.count(lambda tx: fleet_counts.count(tx, None, None))
    some = [each for each in counted.examples if each.member == member]
    assert len(some) == 3
    texts = {each.name: json.dumps(problem(1, 200_000)[0]) for each in some}
    steps = _showing_problems(some, texts, member)
    assert len(list(steps)) >= len(some), "each long state is split in a step of its own"
    few = {each.name: json.dumps(problem(1, 1_000)[0]) for each in some}
    assert len(list(_showing_problems(some, few, member))) == 0


async def test_problem_that_ends_meanwhile_is_left_out(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await store_problems(db, 1_000)
    counted = await db.count(lambda tx: fleet_counts.count(tx, None, None))
    first, second, third = PROBLEMS[1], PROBLEMS[3], PROBLEMS[0]

    def change(tx: Tx) -> None:
        tx.conn.execute(update(table).where(table.c.name == first).values(replication=None))
        tx.conn.execute(update(table).where(table.c.name == third).values(reason="AWS_ACCESS_DENIED"))
        tx.conn.execute(delete(table).where(table.c.name == second))

    await db.write(change)
    for member, remaining in (("checks", PROBLEMS[5:]), ("conditions", PROBLEMS[1:3])):
        some = [each for each in counted.examples if each.member == member]
        texts = await db.count(lambda tx, some=some, member=member: fleet_counts.states(tx, some, member))  # type: ignore[misc]
        assert sorted(texts) == remaining
        assert [each.resource for each in finish(_showing_problems(some, texts, member))] == remaining


async def test_rollouts_that_end_meanwhile_are_left_out(db: Database) -> None:
    names = [f"set-{at}" for at in range(4)]

    def change(tx: Tx) -> None:
        for name in names:
            rollouts.add(tx, rollout_row(name))
            rollouts.add(tx, rollout_row(name, 2, state=RolloutState.QUEUED))

    await db.write(change)
    keys = await db.count(rollouts.open_keys)
    assert keys == [(name, number) for name in names for number in (1, 2)]
    sizes = await db.read_in_turns(lambda tx: rollouts.reading_sizes_of(tx, keys[1:]))
    assert [each.key for each in sizes] == keys[1:]
    assert all(each.size > 10 for each in sizes)
    ended = {"state": RolloutState.SUCCEEDED}
    await db.write(
        lambda tx: tx.conn.execute(update(rollouts.table).where(rollouts.table.c.number == 1).values(**ended))
    )
    rows = await db.read_then_parse(lambda tx: rollouts.reading_open(tx, keys[2:]))
    assert [(row.set_id, row.number) for row in rows] == [(name, 2) for name in names[1:]]


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
