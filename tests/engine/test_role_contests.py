"""Parts of a role that somebody else changes again and again are contested."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.rows import Resource

from tests.engine.conftest import ROLE, World, reason_of
from tests.engine.events import Events, events_of

NAME = "AWSServiceRoleForECRReplication"
MANAGED: dict[str, Any] = {"managed": True, "tags": {"team": "a", "env": "prod"}}


@pytest.fixture
async def events(world: World) -> Events:
    created = await events_of(world)
    await world.set_spec(MANAGED, ROLE)
    await world.reconcile(ROLE)
    await created.pass_time(60)
    return created


async def robot(events: Events, value: str = "robot") -> Resource:
    """Change a tag as somebody else, and reconcile after the event."""
    world = events.world
    await world.raw("TagRole", "iam", RoleName=NAME, Tags=[{"Key": "team", "Value": value}])
    return await observed(events)


async def observed(events: Events) -> Resource:
    world = events.world
    await world.db.write(lambda tx: resources.enqueue_by_event(tx, [str(ROLE)]))
    await events.pass_time(12)
    return await world.reconcile(ROLE)


def contested(row: Resource) -> bool:
    return any(each.type == "Contested" for each in row.role_state.conditions)


async def test_third_remediation_makes_a_tag_contested(events: Events) -> None:
    rows = [await robot(events) for _ in range(4)]
    assert [contested(row) for row in rows] == [False, False, True, True]
    assert [row.role_state.drifted for row in rows] == [False, False, False, True]
    assert reason_of(rows[-1], "Ready") == "CONTESTED"


async def test_other_parts_of_a_contested_role_are_written(events: Events) -> None:
    world = events.world
    for _ in range(4):
        await robot(events)
    world.aws.calls.clear()
    await world.raw("UntagRole", "iam", RoleName=NAME, TagKeys=["env"])
    row = await observed(events)
    assert world.aws.writes == ["TagRole"]
    assert row.role_state.role is not None
    assert row.role_state.role.tags == {"team": "robot", "env": "prod"}


async def test_contested_tag_is_tried_after_a_window_and_calms_down(events: Events) -> None:
    world = events.world
    for _ in range(4):
        await robot(events)
    await events.pass_time(600)
    row = await observed(events)
    assert row.role_state.role is not None
    assert row.role_state.role.tags["team"] == "a"
    await events.pass_time(700)
    await world.resync(ROLE)
    row = await observed(events)
    assert not contested(row)
    assert row.role_state.contests == {}


async def test_deleted_role_is_recreated_once_a_window_at_most(events: Events) -> None:
    world, created = events.world, []
    for _ in range(60):
        if (await world.row(ROLE)).role_state.role is not None:
            await world.raw("DeleteServiceLinkedRole", "iam", RoleName=NAME)
        world.aws.calls.clear()
        await observed(events)
        if "CreateServiceLinkedRole" in world.aws.writes:
            created.append(world.seconds)
    gaps = [later - earlier for earlier, later in zip(created, created[1:], strict=False)]
    assert len(created) >= 3
    assert all(gap >= 600 for gap in gaps[2:])


async def test_declared_change_of_a_contested_tag_is_written_at_once(events: Events) -> None:
    world = events.world
    for _ in range(4):
        await robot(events)
    await world.set_spec({**MANAGED, "tags": {"team": "b", "env": "prod"}}, ROLE)
    row = await world.reconcile(ROLE)
    assert row.role_state.role is not None
    assert row.role_state.role.tags["team"] == "b"
