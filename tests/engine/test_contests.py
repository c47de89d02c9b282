"""Contested elements are written with backoff; everything else goes out."""

from __future__ import annotations

import pytest
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.rows import Resource

from tests.engine.conftest import ACCOUNT, REGISTRY, World, holds, reason_of
from tests.engine.events import Events, events_of

WINDOW = 600.0
MINE = {"destinations": [{"region": "eu-west-1", "registryId": ACCOUNT}]}
OTHER = {"destinations": [{"region": "us-west-2", "registryId": ACCOUNT}]}


def replication(*rules: object) -> dict[str, object]:
    return {"replication_configuration": {"rules": list(rules)}}


@pytest.fixture
async def events(world: World) -> Events:
    created = await events_of(world)
    await world.declare(replication(MINE))
    await world.reconcile()
    await created.pass_time(60)
    return created


async def robot(events: Events, *, ask: bool = True) -> Resource:
    """Empty the rules as somebody else, and reconcile after the event."""
    world = events.world
    await world.raw("PutReplicationConfiguration", replicationConfiguration={"rules": []})
    await world.db.write(lambda tx: resources.enqueue_by_event(tx, [str(REGISTRY)]))
    await events.pass_time(12)
    row = await world.reconcile()
    if ask:
        await events.ask()
    return row


def puts(world: World) -> int:
    return world.aws.writes.count("PutReplicationConfiguration")


async def test_third_remediation_makes_an_element_contested(events: Events) -> None:
    rows = [await robot(events) for _ in range(4)]
    conditions = [{each.type: each for each in row.registry_state.conditions} for row in rows]
    assert ["Contested" in each for each in conditions] == [False, False, True, True]
    message = conditions[-1]["Contested"].message
    assert f"arn:aws:iam::{ACCOUNT}:root changed it 3 times in 24 s" in message
    assert conditions[-1]["Contested"].reason == "CONTESTED"
    assert reason_of(rows[-1], "Ready") == "CONTESTED"
    assert rows[-1].registry_state.drift[0].setting == "replication_configuration"


async def test_contested_element_is_written_once_a_window_at_most(events: Events) -> None:
    written = []
    for _ in range(60):
        await events.world.raw("PutReplicationConfiguration", replicationConfiguration={"rules": []})
        await events.world.db.write(lambda tx: resources.enqueue_by_event(tx, [str(REGISTRY)]))
        await events.pass_time(30)
        await events.world.reconcile()
        written.append(puts(events.world))
    # Three at once, then after 600 s, and after 1200 s more.
    assert sum(written) == 4
    assert written[:3] == [1, 1, 1]


async def test_other_elements_of_the_document_go_out(events: Events) -> None:
    world = events.world
    for _ in range(4):
        await robot(events)
    await world.declare(replication(OTHER), owner="team-b")
    row = await world.reconcile()
    [rule] = (await world.present())["replicationConfiguration"]["rules"]
    assert rule["destinations"] == OTHER["destinations"]
    assert not holds(row, "Synced")
    assert row.registry_state.owners["team-a"].error is not None
    assert row.registry_state.owners["team-b"].error is None


async def test_declared_change_of_a_contested_element_is_written_at_once(events: Events) -> None:
    world = events.world
    for _ in range(4):
        await robot(events)
    await world.raw("PutReplicationConfiguration", replicationConfiguration={"rules": [MINE]})
    await world.declare(replication(OTHER))
    row = await world.reconcile()
    [rule] = (await world.present())["replicationConfiguration"]["rules"]
    assert rule["destinations"] == OTHER["destinations"]
    assert holds(row, "Ready")


async def test_contested_element_is_written_when_a_caller_asks(events: Events) -> None:
    world = events.world
    for _ in range(4):
        await robot(events)
    assert puts(world) == 0
    await world.begin("ReconcileRegistry")
    row = await world.reconcile()
    assert puts(world) == 1
    assert holds(row, "Synced")
    assert "Contested" in {each.type: each for each in row.registry_state.conditions}


async def test_contest_ends_when_the_element_stays_in_place(events: Events) -> None:
    world = events.world
    for _ in range(4):
        await robot(events)
    await events.pass_time(WINDOW)
    row = await world.reconcile()
    assert puts(world) == 1
    assert "Contested" in {each.type for each in row.registry_state.conditions}
    # Nobody changes it any more.
    due = await world.due_in()
    assert due is not None
    assert due <= WINDOW
    await events.pass_time(WINDOW)
    row = await world.reconcile()
    assert "Contested" not in {each.type for each in row.registry_state.conditions}
    assert row.registry_state.contests == {}
    assert holds(row, "Ready")


async def test_drift_once_in_a_while_is_no_contest(events: Events) -> None:
    world = events.world
    for _ in range(4):
        row = await robot(events, ask=False)
        assert puts(world) == 1
        await events.pass_time(1300)
        await world.reconcile()
    assert row.registry_state.contests != {}
    assert (await world.row()).registry_state.contests == {}


async def test_second_keeper_is_named(events: Events) -> None:
    world = events.world
    other = "0c0c0c0c-0000-4000-8000-00000000000b"
    world.others._wire._product = f"ecrkeeper/0.2.0 install/{other}"
    for _ in range(4):
        row = await robot(events)
    condition = {each.type: each for each in row.registry_state.conditions}["Contested"]
    assert condition.reason == "SECOND_KEEPER"
    assert other in condition.message
