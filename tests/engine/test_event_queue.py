"""Events from a queue make exactly their resources due."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ecrkeeper_server.api.messages.registry import registry
from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws_errors import Permanent
from ecrkeeper_server.ecr.principals import Principals
from ecrkeeper_server.engine import event_intake
from ecrkeeper_server.engine.attribution import Own
from ecrkeeper_server.engine.event_intake import EventIntake
from ecrkeeper_server.engine.event_queue import EventQueue
from ecrkeeper_server.errors import Unavailable
from ecrkeeper_server.events.queue_url import QueueUrl
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import cloud_events, findings, fleet_accounts, fleet_syncs
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_rows import AccountRow

from tests.engine.conftest import ACCOUNT, REGISTRY, ROLE, World, a_world
from tests.engine.events import CACHING, QUEUE_ARN, QUEUE_URL, REPLICATION, Queue, events_of, queue_of, receive_once
from tests.events import samples


@pytest.fixture
async def queue(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Queue]:
    async with a_world(database_url, monkeypatch) as world:
        events = await events_of(world)
        created = await queue_of(events)
        await world.declare(REPLICATION)
        await world.reconcile()
        await created.receive()
        await events.pass_time(120)
        created.woken.clear()
        created.base = created.counted()
        yield created
        await created.client.close()


async def emptied(queue: Queue) -> World:
    """Somebody empties the replication rules."""
    world = queue.events.world
    await world.raw("PutReplicationConfiguration", replicationConfiguration={"rules": []})
    return world


async def healthy_places(queue: Queue) -> set[cloud_events.Place]:
    page = await queue.events.world.db.read(cloud_events.health_page)
    assert page.last is None
    return {place for place, micros in page.remaining.items() if micros > 0}


async def send(queue: Queue, *bodies: str) -> None:
    """Put messages into the queue as they are."""
    for body in bodies:
        params = {"QueueUrl": QUEUE_URL.url, "MessageBody": body}
        await queue.client.write(Call(QUEUE_URL.account, "us-east-1", "sqs", "SendMessage", params))


async def test_out_of_band_change_makes_its_registry_due_and_has_a_caller(queue: Queue) -> None:
    world = await emptied(queue)
    assert await queue.receive() == 1
    assert await world.due_in() == pytest.approx(2)
    assert queue.woken == [2], "the engine is woken when the registry is due"
    assert await queue.messages() == 0
    await queue.events.pass_time(2)
    await world.reconcile()
    row = await world.row()
    remediation = row.registry_state.remediation
    assert remediation is not None
    [shown] = findings.with_causes(row.events, remediation.drift, remediation.time)
    assert shown.cause is not None
    assert shown.cause.principal == f"arn:aws:iam::{ACCOUNT}:root"
    assert shown.cause.confidence == "LIKELY"
    # CloudTrail confirms the same event.
    await queue.events.ask()
    confirmed = (await queue.events.causes())[0]["cause"]
    assert confirmed == {**shown.cause.to_json(), "confidence": "CONFIRMED"}
    await queue.receive()
    assert queue.kinds() == {"own": 1, "foreign": 1}


async def test_later_call_does_not_become_the_cause_of_earlier_drift(queue: Queue) -> None:
    world = await emptied(queue)
    await queue.receive()
    await queue.events.pass_time(2)
    await world.reconcile()
    await queue.events.ask()
    [before] = await queue.events.causes()
    await queue.events.pass_time(30)
    await emptied(queue)
    await queue.receive()
    assert await queue.events.causes() == [before]
    await queue.events.pass_time(10)
    await world.reconcile()
    after = await queue.events.causes()
    assert after[1:] == [before]
    assert after[0]["cause"]["event_id"] != before["cause"]["event_id"]


async def test_own_writes_make_nothing_due(queue: Queue) -> None:
    # The fixture's declaration was written, and ECR made the role that it needs.
    assert queue.base == {"own": 2}
    assert (await queue.events.world.due_in() or 0) > 100
    assert (await queue.events.world.row()).event_due_at is None


async def test_own_write_of_this_process_needs_no_transaction(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    world, install = queue.events.world, queue.events.install
    own = Own(install, Principals(world.aws, "us-east-1"), world.aws.client.written)
    intake = EventIntake(world.db, own, queue.metrics.events, queue.woken.append, clock=lambda: world.seconds)
    consumer = EventQueue(queue.client, QUEUE_URL, intake, queue.metrics.events)
    writes, write = list[int](), world.db.write

    async def counted(change: Any) -> Any:
        writes.append(1)
        return await write(change)

    async def write_again(*, seconds: float) -> None:
        """Let the server write, and its event come back."""
        await queue.events.pass_time(seconds)
        await world.seed({"replicationConfiguration": {"rules": []}})
        await world.resync()
        writes.clear()
        assert await receive_once(consumer) == 1

    monkeypatch.setattr(world.db, "write", counted)
    await write_again(seconds=86_401)
    # The first event of a minute makes the place healthy.
    assert (len(writes), await healthy_places(queue)) == (1, {(ACCOUNT, "us-east-1")})
    monkeypatch.setattr(intake, "_noted", {REGISTRY: True})
    await write_again(seconds=0)
    assert writes == []
    assert queue.kinds() == {"own": 2}
    assert (await world.row()).event_due_at is None
    assert await queue.messages() == 0


async def test_call_without_a_request_id_is_not_own(queue: Queue) -> None:
    world = queue.events.world
    await world.raw("PutReplicationConfiguration", replicationConfiguration={"rules": []})
    written = {"": True}
    own = Own(queue.events.install, Principals(world.aws, "us-east-1"), written)
    intake = EventIntake(world.db, own, queue.metrics.events, queue.woken.append)
    body = json.dumps(samples.event({**samples.RECORD, "awsRegion": "us-east-1", "requestID": None}))
    await intake.store([body], QUEUE_URL)
    assert queue.kinds() == {"foreign": 1}


async def test_own_event_before_its_outcome_is_stored_is_dropped(queue: Queue) -> None:
    world = queue.events.world
    await world.seed({"replicationConfiguration": {"rules": []}})
    received: list[int] = []

    async def receive() -> None:
        received.append(await queue.receive())

    # Between the write and the end of its attempt.
    writes = 0

    async def after_write() -> None:
        nonlocal writes
        writes += 1
        # The document is read once more before the write, and again after it.
        world.aws.before["DescribeRegistry"] = reread

    async def reread() -> None:
        world.aws.before["DescribeRegistry"] = receive

    world.aws.before["PutReplicationConfiguration"] = after_write
    await world.resync()
    assert (writes, received) == (1, [1])
    assert queue.kinds()["own"] == 1
    assert (await world.row()).event_due_at is None


async def test_duplicates_are_dropped(queue: Queue) -> None:
    world = queue.events.world
    await world.control("POST", "events/faults", {"kind": "duplicate", "copies": 14})
    await emptied(queue)
    assert await queue.receive() == 15
    assert queue.kinds() == {"foreign": 1, "duplicate": 14}
    first = (await world.row()).event_due_at
    await queue.events.pass_time(2)
    await world.reconcile()
    await send(queue, json.dumps(samples.event()))
    assert (await world.row()).event_due_at == first


@pytest.mark.parametrize(
    "variant", ["truncated", "nested", "not_an_object", "no_detail", "null_detail", "no_event_name", "wrong_types"]
)
async def test_malformed_events_are_counted_and_deleted(queue: Queue, variant: str) -> None:
    world = queue.events.world
    await world.control("POST", "events/faults", {"kind": "malform", "variant": variant})
    await emptied(queue)
    assert await queue.receive() == 1
    assert await queue.messages() == 0
    assert queue.kinds() == {"malformed": 1}


@pytest.mark.parametrize("fault", [{"forged_source": "my.app"}, {"forged_account": "444444444444"}])
async def test_forged_events_are_counted_and_deleted(queue: Queue, fault: dict[str, str]) -> None:
    world = queue.events.world
    await world.control("POST", "events/faults", {"kind": "forge", **fault})
    await emptied(queue)
    assert await queue.receive() == 2
    assert queue.kinds() == {"foreign": 1, "forged": 1}


async def test_changes_of_the_fleet_make_its_synchronizations_due(queue: Queue) -> None:
    world, account_id = queue.events.world, "777777777777"
    account = AccountRow(account=account_id, uid="u", check_at=2**60)

    def change(tx: Tx) -> None:
        fleet_accounts.add(tx, account)
        assert fleet_syncs.claim(tx, fleet_syncs.ORGANIZATION, 1) is not None

    await world.db.write(change)
    await world.control("PUT", f"accounts/{account_id}", {"enabled_regions": ["us-east-1"]})
    await world.control("PUT", f"accounts/{account_id}", {"enabled_regions": ["us-east-1", "af-south-1"]})
    await world.control("PUT", "organization", {"management": "999999999999", "accounts": {account_id: {}}})
    await queue.receive()
    assert queue.kinds() == {"account": 1, "organization": 1}
    assert await world.db.read(fleet_accounts.check_is_due)
    assert not await world.db.read(lambda tx: fleet_syncs.is_due(tx, fleet_syncs.ORGANIZATION))
    await queue.events.pass_time(5)
    assert await world.db.read(lambda tx: fleet_syncs.is_due(tx, fleet_syncs.ORGANIZATION))


async def test_rejected_unrelated_and_unknown_events_make_nothing_due(queue: Queue) -> None:
    world = queue.events.world
    record = {**samples.RECORD, "recipientAccountId": ACCOUNT, "awsRegion": "us-east-1"}
    await send(
        queue,
        json.dumps(samples.event({**record, "errorCode": "AccessDenied"})),
        json.dumps(samples.event({**record, "eventName": "PutImage"})),
        json.dumps(samples.event({**record, "readOnly": True})),
        json.dumps(samples.event({**record, "awsRegion": "ap-south-1"})),
        json.dumps(samples.event({**record, "recipientAccountId": "555555555555"})),
        json.dumps(samples.event({**record, "awsRegion": "cn-north-1"})),
    )
    await queue.receive()
    assert queue.kinds() == {"refused": 1, "unrelated": 2, "unknown": 2, "forged": 1}
    assert (await world.row()).event_due_at is None


async def test_events_in_the_envelope_of_sns_are_read(queue: Queue) -> None:
    world = queue.events.world
    route = {"queue": QUEUE_ARN, "form": "sns", "rewrite_envelope": True}
    await world.control("PUT", "events/routes", {"routes": [route]})
    await emptied(queue)
    await queue.receive()
    assert queue.kinds() == {"foreign": 1}


async def test_events_of_iam_make_the_roles_of_the_account_due(queue: Queue) -> None:
    world = queue.events.world
    await world.set_spec({"managed": True}, ROLE)
    await world.reconcile()
    await queue.receive()
    before = queue.kinds().get("foreign", 0)
    await world.raw("TagRole", "iam", RoleName="AWSServiceRoleForECRReplication", Tags=[{"Key": "a", "Value": "b"}])
    await queue.receive()
    assert queue.kinds()["foreign"] == before + 1
    assert await world.due_in(ROLE) == pytest.approx(2)


async def test_message_stays_until_its_registry_is_due(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    world = await emptied(queue)

    async def away(change: object) -> None:
        raise Unavailable("away", reason="STORE_UNAVAILABLE")

    with monkeypatch.context() as patched:
        patched.setattr(world.db, "write", away)
        with pytest.raises(Unavailable):
            await receive_once(queue.consumer)
    assert await queue.messages() == 1
    await queue.events.pass_time(31)
    assert await queue.receive() == 1
    assert await world.due_in() == pytest.approx(2)


async def test_message_that_was_not_deleted_comes_again_as_duplicate(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    await emptied(queue)

    async def killed(*_: object) -> dict[str, Any]:
        raise SystemExit

    call = queue.consumer._call
    with monkeypatch.context() as patched:
        patched.setattr(
            queue.consumer, "_call", lambda name, params: killed() if name.startswith("Delete") else call(name, params)
        )
        with pytest.raises(SystemExit):
            await receive_once(queue.consumer)
    await queue.events.pass_time(31)
    assert await queue.receive() == 1
    assert queue.kinds() == {"foreign": 1, "duplicate": 1}


async def test_two_consumers_share_a_queue(queue: Queue) -> None:
    world = queue.events.world
    other = EventQueue(queue.client, QUEUE_URL, queue.consumer._intake, queue.metrics.events)
    await world.control("POST", "events/faults", {"kind": "duplicate", "copies": 19})
    await emptied(queue)
    assert (await receive_once(other), await receive_once(queue.consumer)) == (10, 10)
    assert queue.kinds() == {"foreign": 1, "duplicate": 19}


async def test_queue_of_another_account_is_wrong_account(queue: Queue) -> None:
    url = QueueUrl.parse("https://sqs.us-east-1.amazonaws.com/777777777777/events")
    other_queue = EventQueue(queue.client, url, queue.consumer._intake, queue.metrics.events)
    with pytest.raises(Permanent) as caught:
        await receive_once(other_queue)
    assert caught.value.reason == "WRONG_ACCOUNT"


async def test_deliveries_show_whether_images_arrive(queue: Queue) -> None:
    world = queue.events.world
    failed = {"result": "FAILED", "source-account": ACCOUNT, "source-region": "us-east-1"}
    event = {"detail_type": "ECR Replication Action", "account": ACCOUNT, "region": "eu-west-1"}
    await world.control("POST", "events", {**event, "detail": failed})
    await queue.receive()
    [condition] = findings.Findings.from_json((await world.row()).events).conditions()
    assert (condition.type, condition.reason) == ("ReplicationFailing", "REPLICATION_FAILED")
    assert f"{ACCOUNT}/eu-west-1" in condition.message
    await queue.events.pass_time(5)
    await world.control("POST", "events", {**event, "detail": {**failed, "result": "SUCCESS"}})
    await queue.receive()
    stored = findings.Findings.from_json((await world.row()).events)
    assert stored.conditions() == []
    target = stored.deliveries("replication_configuration")[f"{ACCOUNT}/eu-west-1"]
    assert (target.last_success or 0) > (target.last_failure or 0) > 0
    [shown] = registry(await world.row(), []).image_deliveries
    assert (shown.setting, shown.target) == ("replication_configuration", f"{ACCOUNT}/eu-west-1")
    assert shown.last_success_time.seconds * 1_000_000 == target.last_success
    assert shown.last_failure_time.seconds * 1_000_000 == target.last_failure
    assert shown.failure_reason == target.reason


async def test_cache_failure_names_the_rule_and_its_reason(queue: Queue) -> None:
    world = queue.events.world
    await world.declare(CACHING, owner="team-b")
    detail = {"sync-status": "FAILED", "failure-code": "UPSTREAM_ACCESS_DENIED", "failure-reason": "denied"}
    event = {"detail_type": "ECR Pull Through Cache Action", "account": ACCOUNT, "region": "us-east-1"}
    await world.control("POST", "events", {**event, "detail": detail})
    await queue.receive()
    [condition] = findings.Findings.from_json((await world.row()).events).conditions()
    assert (condition.type, condition.reason) == ("CacheFailing", "CACHE_FAILED")
    assert "quay: UPSTREAM_ACCESS_DENIED: denied" in condition.message
    [shown] = registry(await world.row(), []).image_deliveries
    assert (shown.setting, shown.target) == ("pull_through_cache_rules", "quay")
    assert not shown.HasField("last_success_time")
    assert shown.failure_reason.startswith("UPSTREAM_ACCESS_DENIED: denied")


async def test_arrival_makes_events_of_the_place_healthy(queue: Queue) -> None:
    world = queue.events.world
    await emptied(queue)
    await queue.receive()
    assert await healthy_places(queue) == {(ACCOUNT, "us-east-1")}
    world.seconds += 86_401
    assert await healthy_places(queue) == set()


async def test_delay_is_measured_from_the_call_to_the_due_time(queue: Queue) -> None:
    world = queue.events.world
    await emptied(queue)
    await queue.events.pass_time(7)
    await queue.receive()
    [total] = [s.value for s in queue.metrics.events._delay.collect()[0].samples if s.name.endswith("_sum")]
    assert total == pytest.approx(7, abs=1.1)
    assert RegistryName(ACCOUNT, "us-east-1") == REGISTRY
    assert world.seconds > 0


def claimed(queue: Queue, account: str = ACCOUNT) -> str:
    """An event of a call that claims to be ours."""
    agent = f"ecrkeeper/0.2.0 install/{queue.events.install} attempt/1"
    changed = {"userAgent": agent, "recipientAccountId": account, "awsRegion": "us-east-1"}
    event_id = str(uuid.uuid4())
    return json.dumps(samples.event({**samples.RECORD, **changed, "eventID": event_id, "requestID": event_id}))


async def test_slow_identity_keeps_its_message_and_no_other(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_intake, "IDENTITY_SECONDS", 0.05)
    world, answer = queue.events.world, asyncio.Event()
    queue.consumer._intake._own.principals._known.clear()

    async def slow(*_: Any) -> dict[str, Any]:
        await answer.wait()
        return {"Arn": samples.SESSION_ARN}

    with monkeypatch.context() as patched:
        patched.setattr(world.aws, "call", slow)
        await send(queue, claimed(queue), json.dumps(samples.event({**samples.RECORD, "awsRegion": "us-east-1"})))
        assert await receive_once(queue.consumer) == 2
        assert queue.kinds() == {"foreign": 1}
        assert await queue.messages() == 1
        answer.set()
        await asyncio.sleep(0)
        await queue.events.pass_time(31)
        # The answer that came late serves the message that comes again.
        assert await queue.receive() == 1
    assert queue.kinds() == {"foreign": 1, "own": 1}
    assert await queue.messages() == 0


async def test_batches_that_wait_share_a_transaction(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    database, writes = queue.events.world.db, list[int]()
    write = database.write

    async def counted(change: Any) -> Any:
        writes.append(1)
        await asyncio.sleep(0.05)
        return await write(change)

    monkeypatch.setattr(database, "write", counted)
    record = {**samples.RECORD, "awsRegion": "us-east-1"}
    bodies = [json.dumps(samples.event({**record, "eventID": str(uuid.uuid4())})) for _ in range(9)]
    await asyncio.gather(*(queue.consumer._intake.store([body], QUEUE_URL) for body in bodies))
    assert queue.kinds() == {"foreign": 9}
    assert len(writes) <= 2


async def test_batch_that_the_store_rejects_holds_up_no_other(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    add = cloud_events.add

    def picky(tx: Any, events: Any) -> Any:
        if any(each.hint == "poison" for each in events):
            raise ValueError("poison")
        return add(tx, events)

    monkeypatch.setattr(cloud_events, "add", picky)
    record = {**samples.RECORD, "awsRegion": "us-east-1"}
    good = json.dumps(samples.event(record))
    bad = json.dumps(samples.event({**record, "eventID": str(uuid.uuid4()), "requestParameters": {"name": "poison"}}))
    ends = await asyncio.gather(
        *(queue.consumer._intake.store([body], QUEUE_URL) for body in (bad, good)), return_exceptions=True
    )
    assert [type(end) for end in ends] == [ValueError, set]
    assert queue.kinds() == {"foreign": 1}


async def test_rejected_call_in_an_unknown_account_leaves_nothing(queue: Queue) -> None:
    rejected = {**samples.RECORD, "errorCode": "AccessDenied"}
    await send(queue, *(
        json.dumps(samples.event({**rejected, "recipientAccountId": account, "awsRegion": "us-east-1"}))
        for account in (ACCOUNT, "555555555555")
    ))  # fmt: skip
    await queue.receive()
    accounts = {account for account, _ in await healthy_places(queue)}
    assert accounts >= {ACCOUNT}
    assert "555555555555" not in accounts


async def test_failing_deletion_leaves_the_queue_working(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call = queue.client.call

    async def undeletable(account: str, region: str, service: str, operation: str, params: Any) -> Any:
        if operation == "DeleteMessageBatch":
            raise Permanent("denied", reason="AWS_ACCESS_DENIED", operation=operation)
        return await call(account, region, service, operation, params)

    monkeypatch.setattr(queue.client, "call", undeletable)
    await emptied(queue)
    capsys.readouterr()
    for _ in range(3):
        with pytest.raises(Permanent):
            await receive_once(queue.consumer)
        await queue.events.pass_time(31)
    assert queue.consumer.works
    # It is logged once, although a receive succeeded in between.
    assert capsys.readouterr().err.count("event_queue_failed") == 1
