"""A quiet queue has one poll, a full one several, and no batch holds up another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from ecrkeeper_server.aws_errors import Temporary
from ecrkeeper_server.engine import event_queue
from ecrkeeper_server.engine.event_queue import EventQueue
from ecrkeeper_server.errors import Unavailable
from ecrkeeper_server.events.queue_url import QueueUrl
from ecrkeeper_server.metrics.server import Metrics

URL = QueueUrl.parse("https://sqs.us-east-1.amazonaws.com/222222222222/events")


class Sqs:
    """A queue that hands out each message once, and takes 10 ms for each call."""

    def __init__(self, bodies: Sequence[str] = ()) -> None:
        self.bodies = list(bodies)
        self.deleted: list[str] = []
        self.receives = self.polls = self.most = self.batches = 0
        self.fails = False

    async def call(self, account: str, region: str, service: str, operation: str, params: Any) -> dict[str, Any]:
        if operation == "DeleteMessageBatch":
            self.deleted += [entry["ReceiptHandle"] for entry in params["Entries"]]
            return {}
        self.receives += 1
        self.polls += 1
        self.most = max(self.most, self.polls)
        await asyncio.sleep(0.01)
        self.polls -= 1
        if self.fails:
            raise Temporary("away", reason="AWS_UNREACHABLE", operation=operation)
        taken, self.bodies = self.bodies[:10], self.bodies[10:]
        self.batches += bool(taken)
        return {"Messages": [{"Body": each, "ReceiptHandle": each} for each in taken]}


class Intake:
    """Takes the events of a queue, with results that the test sets."""

    def __init__(self) -> None:
        self.slow: asyncio.Event | None = None
        self.fails = False

    async def store(self, bodies: Sequence[str], queue: QueueUrl) -> set[int]:
        if self.fails:
            raise Unavailable("away", reason="STORE_UNAVAILABLE")
        if self.slow is not None and "slow" in bodies:
            await self.slow.wait()
        return {at for at, body in enumerate(bodies) if body == "keep"}


@asynccontextmanager
async def running(sqs: Sqs, intake: Intake) -> AsyncIterator[EventQueue]:
    queue = EventQueue(sqs, URL, intake, Metrics().events, lambda: 1.0)  # type: ignore[arg-type]
    task = asyncio.create_task(queue.run())
    try:
        yield queue
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(count: int, sqs: Sqs) -> None:
    async with asyncio.timeout(10):
        while len(sqs.deleted) < count:
            await asyncio.sleep(0.005)


async def test_quiet_queue_has_one_poll() -> None:
    sqs = Sqs(["a", "b"])
    async with running(sqs, Intake()) as queue:
        await until(2, sqs)
        await asyncio.sleep(0.05)
        assert queue.works
    assert sqs.most == 1


async def test_messages_that_come_one_by_one_are_received_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_queue, "_GATHER_SECONDS", 1.0)
    sqs = Sqs(["0"])
    async with running(sqs, Intake()):
        # The first one waits for no other.
        await until(1, sqs)
        for number in range(1, 5):
            sqs.bodies.append(str(number))
            await asyncio.sleep(0.03)
        await until(5, sqs)
    assert sqs.batches <= 3


async def test_full_queue_is_emptied_by_several_polls() -> None:
    bodies = [str(number) for number in range(500)]
    sqs = Sqs(bodies)
    async with running(sqs, Intake()) as queue:
        await until(500, sqs)
        await asyncio.sleep(0.05)
        # The helpers have ended.
        assert len(queue._tasks) == 0
    assert sorted(sqs.deleted, key=int) == bodies
    assert 1 < sqs.most <= 8


async def test_batch_that_waits_holds_up_no_other() -> None:
    sqs, intake = Sqs(["slow", *(str(number) for number in range(49))]), Intake()
    intake.slow = asyncio.Event()
    async with running(sqs, intake):
        await until(40, sqs)
        assert "slow" not in sqs.deleted
        intake.slow.set()
        await until(50, sqs)


async def test_kept_message_is_not_deleted() -> None:
    sqs = Sqs(["a", "keep", "b"])
    async with running(sqs, Intake()):
        await until(2, sqs)
        await asyncio.sleep(0.03)
    assert sqs.deleted == ["a", "b"]


@pytest.mark.parametrize("failing", ["queue", "store"])
async def test_failures_are_retried_with_backoff(failing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_queue, "_FIRST_PAUSE", 0.05)
    sqs, intake = Sqs([str(number) for number in range(1000)]), Intake()
    sqs.fails, intake.fails = failing == "queue", failing == "store"
    async with running(sqs, intake) as queue:
        await asyncio.sleep(0.5)
        # Pauses of 0.05, 0.1, 0.2 and 0.4 s; a batch that fails is noticed when the next receive has begun.
        assert sqs.receives <= 12
        assert sqs.deleted == []
        assert queue.works == (failing == "store")
        sqs.fails = intake.fails = False
        await until(100, sqs)
        assert queue.works


async def test_unexpected_error_of_a_receive_ends_no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_queue, "_FIRST_PAUSE", 0.05)
    sqs = Sqs(["a"])
    call = sqs.call

    async def broken(*args: Any) -> dict[str, Any]:
        raise OSError("no file of certificates")

    monkeypatch.setattr(sqs, "call", broken)
    async with running(sqs, Intake()) as queue:
        await asyncio.sleep(0.1)
        assert not queue.works
        monkeypatch.setattr(sqs, "call", call)
        await until(1, sqs)
        assert queue.works
