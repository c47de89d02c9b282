"""CloudTrail names who caused drift; remediation does not wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ecrkeeper_server.aws_errors import Temporary
from ecrkeeper_server.ecr.principals import Principals
from ecrkeeper_server.engine import attribution
from ecrkeeper_server.engine.options import EngineOptions
from ecrkeeper_server.engine.worker import Engine
from ecrkeeper_server.errors import Unavailable
from ecrkeeper_server.events.records import Actor
from ecrkeeper_server.store import attributions, audit_pages, cloud_events, findings, resources
from ecrkeeper_server.store.audit import Selection
from ecrkeeper_server.store.causes import StoredCause
from ecrkeeper_server.store.cloud_events import CloudEvent
from ecrkeeper_server.store.database import Tx

from tests.engine.conftest import ACCOUNT, REGISTRY, World, a_world
from tests.engine.events import CACHING, HUB, REPLICATION, RULE, Events, events_of


@pytest.fixture
async def events(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Events]:
    async with a_world(database_url, monkeypatch) as world:
        yield await events_of(world)


async def declared(events: Events, settings: dict[str, object]) -> World:
    await events.world.declare(settings)
    await events.world.reconcile()
    await events.pass_time(900)
    return events.world


async def emptied(events: Events) -> World:
    """Somebody empties the replication rules, and the next attempt puts them back."""
    world = await declared(events, REPLICATION)
    await world.raw("PutReplicationConfiguration", replicationConfiguration={"rules": []})
    await events.pass_time(1100)
    await world.reconcile()
    return world


async def test_cause_is_named_after_remediation(events: Events) -> None:
    world = await emptied(events)
    assert (await world.row()).registry_state.remediation is not None
    assert await events.causes() == []
    assert await events.ask() == 1
    [entry] = await events.causes()
    cause = entry["cause"]
    assert cause["principal"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert cause["confidence"] == "CONFIRMED"
    row = await world.row()
    remediation = row.registry_state.remediation
    assert remediation is not None
    [shown] = findings.with_causes(row.events, remediation.drift, remediation.time)
    assert shown.cause == StoredCause.from_json(cause)


async def test_cause_is_asked_again_until_cloudtrail_shows_it(events: Events) -> None:
    await events.world.control("PUT", "settings", {"lookup_events_delay_seconds": 1100 + 200})
    world = await emptied(events)
    lookups = [await events.ask()]
    for seconds in (59, 1, 239, 1):
        await events.pass_time(seconds)
        lookups.append(await events.ask())
    assert lookups == [1, 0, 1, 0, 1]
    assert [each["cause"]["confidence"] for each in await events.causes()] == ["CONFIRMED"]
    assert set(world.aws.writes) == {"LookupEvents"}
    await events.pass_time(600)
    assert await events.ask() == 1
    # The second answer was the same, so there is nothing left to ask.
    assert await events.pending() == []


async def test_questions_end_when_cloudtrail_knows_nobody(events: Events) -> None:
    world = await declared(events, REPLICATION)
    await world.seed({"replicationConfiguration": {"rules": []}})
    await events.pass_time(1100)
    await world.reconcile()
    lookups = 0
    for _ in range(20):
        lookups += await events.ask()
        await events.pass_time(100)
    assert (lookups, await events.pending(), await events.causes()) == (4, [], [])


async def test_own_writes_are_no_cause(events: Events) -> None:
    world = await emptied(events)
    await events.ask()
    await world.raw("PutReplicationConfiguration", replicationConfiguration={"rules": []})
    await events.pass_time(1100)
    await world.reconcile()
    await events.pass_time(60)
    await events.ask()
    ids = {each["cause"]["event_id"] for each in await events.causes()}
    assert len(ids) == 2
    assert all("install/" not in each["cause"]["user_agent"] for each in await events.causes())


async def test_own_write_is_known_though_its_answer_was_lost(events: Events) -> None:
    world = await declared(events, REPLICATION)
    await world.seed({"replicationConfiguration": {"rules": []}})
    fault = {"kind": "drop_after", "operation": "PutReplicationConfiguration", "count": 1}
    await world.control("POST", "faults", fault)
    await events.pass_time(1100)
    await world.reconcile()
    await events.pass_time(300)
    await world.reconcile()
    await events.ask()
    assert await events.causes() == []


async def test_collection_names_the_caller_of_each_element(events: Events) -> None:
    world = await declared(events, {"pull_through_cache_rules": {"rules": [HUB, RULE]}})
    for prefix in ("quay", "k8s"):
        await world.raw("DeletePullThroughCacheRule", ecrRepositoryPrefix=prefix)
        await events.pass_time(5)
    await events.pass_time(1100)
    await world.reconcile()
    await events.ask()
    event_ids = {tuple(each["elements"]): each["cause"]["event_id"] for each in await events.causes()}
    assert set(event_ids) == {("quay",), ("k8s",)}
    assert len(set(event_ids.values())) == 2
    trail = await world.db.read_then_parse(lambda tx: audit_pages.reading_page(tx, Selection(), None, 10))
    writes = [each for each in trail if each.method == "ecr:CreatePullThroughCacheRule" and each.cause is not None]
    named = {(each.changes[0]["key"],): each.cause["event_id"] for each in writes if each.cause is not None}
    assert named == event_ids


async def test_another_installation_is_named(events: Events) -> None:
    world = await declared(events, CACHING)
    other = "0c0c0c0c-0000-4000-8000-00000000000b"
    monkey = world.others._wire
    monkey._product = f"ecrkeeper/0.2.0 install/{other}"
    await world.raw("DeletePullThroughCacheRule", ecrRepositoryPrefix="quay")
    await events.pass_time(1100)
    await world.reconcile()
    await events.ask()
    assert [each["cause"]["installation"] for each in await events.causes()] == [other]


async def test_audit_event_of_the_write_names_the_cause(events: Events) -> None:
    world = await emptied(events)
    await events.ask()
    trail = await world.db.read_then_parse(lambda tx: audit_pages.reading_page(tx, Selection(), None, 10))
    causes = [each.cause for each in trail if each.method == "ecr:PutReplicationConfiguration"]
    # The newest write is the one that reverted the drift, the oldest the one that made the declaration true.
    assert causes[0] is not None
    assert causes[0]["principal"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert causes[-1] is None


async def test_missing_right_is_a_condition_and_nothing_is_asked_again(events: Events) -> None:
    world = await emptied(events)
    denied = Temporary(
        "cloudtrail:LookupEvents: AccessDenied", reason="AWS_ACCESS_DENIED", aws_code="AccessDenied",
        operation="LookupEvents", after=60.0,
    )  # fmt: skip
    world.aws.faults["LookupEvents"] = lambda _: denied
    assert await events.ask() == 1
    row = await world.row()
    [condition] = findings.Findings.from_json(row.events).conditions()
    assert (condition.type, condition.status, condition.reason) == ("CausesUnknown", "TRUE", "AWS_ACCESS_DENIED")
    assert await events.pending() == []
    await world.raw("PutReplicationConfiguration", replicationConfiguration={"rules": []})
    await events.pass_time(1100)
    await world.reconcile()
    assert await events.ask() == 0
    # After an hour the right may have been granted.
    world.aws.faults.clear()
    await world.raw("PutReplicationConfiguration", replicationConfiguration={"rules": []})
    await events.pass_time(3601)
    await world.reconcile()
    assert await events.ask() == 1
    assert findings.Findings.from_json((await world.row()).events).conditions() == []


async def test_cloudtrail_that_fails_is_asked_again(events: Events) -> None:
    world = await emptied(events)
    away = Temporary("away", reason="AWS_UNREACHABLE", operation="LookupEvents")
    world.aws.faults["LookupEvents"] = lambda _: away
    assert await events.ask() == 1
    assert await events.ask() == 0
    world.aws.faults.clear()
    await events.pass_time(60)
    assert await events.ask() == 1
    assert len(await events.causes()) == 1


async def test_pauses_between_failing_questions_double(events: Events) -> None:
    world = await emptied(events)
    away = Temporary("away", reason="AWS_UNREACHABLE", operation="LookupEvents")
    world.aws.faults["LookupEvents"] = lambda _: away
    times = []
    for minute in range(20):
        if await events.ask():
            times.append(minute)
        await events.pass_time(60)
    assert times == [0, 1, 2, 4, 8, 16]


async def test_incomplete_answers_of_cloudtrail_name_nobody(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    world = await emptied(events)

    async def answer(*_: object) -> dict[str, Any]:
        return {"Events": [{}]}

    monkeypatch.setattr(world.aws, "call", answer)
    await events.ask()
    assert [each.lookups for each in await events.pending()] == [1]


async def test_incomplete_answer_of_sts_names_no_principal(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(*_: object) -> dict[str, Any]:
        return {"Account": ACCOUNT}

    monkeypatch.setattr(events.world.aws, "call", answer)
    assert await Principals(events.world.aws, "us-east-1").arn(ACCOUNT) == ""


async def test_store_that_is_away_after_a_timeout_is_no_crash(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    world = await emptied(events)

    async def away(change: object) -> None:
        raise Unavailable("away", reason="STORE_UNAVAILABLE")

    async def slow(*_: object) -> None:
        monkeypatch.setattr(world.db, "write", away)
        await asyncio.sleep(60)

    monkeypatch.setattr(attribution, "_TIMEOUT_SECONDS", 0.01)
    monkeypatch.setattr(world.aws, "call", slow)
    await events.attributor.claim_once()
    [task] = events.attributor._running
    await events.attributor.drain()
    assert task.exception() is None


async def test_returning_drift_asks_once_a_minute(events: Events) -> None:
    world = await emptied(events)
    lookups = await events.ask()
    for _ in range(12):
        await world.raw("PutReplicationConfiguration", replicationConfiguration={"rules": []})
        await world.db.write(lambda tx: resources.enqueue_by_event(tx, [str(REGISTRY)]))
        await events.pass_time(10)
        await world.reconcile()
        lookups += await events.ask()
    assert lookups <= 4


async def test_causes_that_are_shown_are_never_evicted(events: Events) -> None:
    world = await emptied(events)
    await events.pass_time(60)
    await events.ask()
    [first] = await events.causes()
    cause = StoredCause.from_json(first["cause"])

    def crowd(tx: Tx) -> None:
        for number in range(60):
            findings.change(tx, str(REGISTRY), lambda stored, at=number: stored.with_cause("x", None, at, cause))  # type: ignore[misc]

    await world.db.write(crowd)
    causes = await events.causes()
    assert len(causes) == 21
    assert causes[-1] == first


async def test_switched_off_attribution_asks_nothing_and_uses_events(events: Events) -> None:
    world = events.world
    world.engine = Engine(world.db, world.aws, EngineOptions(attribution=False), jitter=lambda: 0.5)
    await declared(events, REPLICATION)
    await world.raw("PutReplicationConfiguration", replicationConfiguration={"rules": []})
    await events.pass_time(1100)
    actor = Actor("arn:aws:iam::111111111111:role/Admin", "ann", "", "", "e1", int(world.seconds * 1_000_000))
    event = CloudEvent.of(actor, str(REGISTRY), "replication_configuration", "", "")
    await world.db.write(lambda tx: cloud_events.add(tx, [event]))
    await world.reconcile()
    assert await events.pending() == []
    assert [each["cause"]["event_id"] for each in await events.causes()] == ["e1"]
    assert await events.ask() == 0


async def test_attribution_without_an_answer_ends_after_a_week(events: Events) -> None:
    world = await emptied(events)
    await world.db.write(attributions.purge)
    assert len(await events.pending()) == 1
    world.seconds += 8 * 86_400
    await world.db.write(attributions.purge)
    assert await events.pending() == []
