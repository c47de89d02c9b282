"""Receive events from queues, with long polls and in batches of ten.

A message is deleted only after the resources that it names were made due.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.engine.event_intake import EventIntake
from ecrkeeper_server.errors import StatusError
from ecrkeeper_server.events.queue_url import QueueUrl
from ecrkeeper_server.metrics.events import EventMetrics

log = structlog.get_logger("ecrkeeper.events")

POLL_SECONDS = 20
_BATCH = 10
_RECEIVE, _DELETE = "ReceiveMessage", "DeleteMessageBatch"
# A batch is stored within a second; a message of a process that was killed comes again after this long.
_VISIBILITY_SECONDS = 30
# A quiet queue has one long poll. After a receive with many messages, others help until it is empty.
_MANY, _HELPERS = 5, 7
# A short wait collects single events, because a call and a transaction cost more than an event.
_GATHER_SECONDS = 0.1
# Batches that are being received or stored.
_SLOTS = 24
_FIRST_PAUSE, _MAX_PAUSE = 1.0, 60.0


class EventQueue:
    """One queue, received from until the task is cancelled.

    Its failures do not affect other queues.
    """

    def __init__(
        self,
        aws: Aws,
        queue: QueueUrl,
        intake: EventIntake,
        metrics: EventMetrics,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._aws = aws
        self._queue = queue
        self._intake = intake
        self._metrics = metrics
        self._jitter = jitter
        # The error of the last call of each operation; empty if it succeeded.
        self._reasons: dict[str, str] = {}
        self._slots = asyncio.Semaphore(_SLOTS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._helpers = 0
        # Failures since the last success; while pausing, a failure is counted already.
        self._failures, self._pausing = 0, False

    @property
    def works(self) -> bool:
        """Whether the last receive succeeded."""
        return self._reasons.get(_RECEIVE) == ""

    async def run(self) -> None:
        """Receive and store; log an error once, and retry with backoff."""
        try:
            while True:
                if self._pausing:
                    await self._pause()
                received = await self._start_batch(POLL_SECONDS)
                if 0 < received < _MANY:
                    await asyncio.sleep(_GATHER_SECONDS)
                elif received and self._helpers < _HELPERS:
                    self._helpers += 1
                    self._start(self._help())
        finally:
            for task in self._tasks:
                task.cancel()

    async def _help(self) -> None:
        """Receive beside the long poll, without waiting, until the queue is empty."""
        try:
            while not self._pausing and await self._start_batch(0):
                pass
        finally:
            self._helpers -= 1

    async def _start_batch(self, wait: int) -> int:
        """Receive a batch and start storing it; return its size.

        A batch that waits delays no other.
        """
        await self._slots.acquire()
        messages: Sequence[dict[str, Any]] = ()
        try:
            messages = await self._receive(wait)
            if messages:
                self._start(self._store(messages)).add_done_callback(lambda _: self._slots.release())
            else:
                self._failures = 0
        except AwsError:
            self._failed()
        except Exception:  # It must not end the loop; the queue counts as broken until a receive succeeds.
            log.exception("event_batch_failed", queue=self._queue.name)
            self._note(_RECEIVE, "INTERNAL", "internal error; see the log")
            self._failed()
        finally:
            if not messages:
                self._slots.release()
        return len(messages)

    async def _store(self, messages: Sequence[dict[str, Any]]) -> None:
        try:
            await self._process(messages)
            self._failures = 0
        except (AwsError, StatusError):
            # The health of the queue and of the database is logged where it is known; SQS delivers the messages again.
            self._failed()
        except Exception:  # The loop survives every error; the DLQ receives a message that causes one.
            log.exception("event_batch_failed", queue=self._queue.name)
            self._failed()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _failed(self) -> None:
        # Batches that fail together are one failure.
        self._failures += not self._pausing
        self._pausing = True

    async def _pause(self) -> None:
        pause = min(_MAX_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._failures - 1, 10))
        await asyncio.sleep(pause * (0.5 + self._jitter() / 2))
        self._pausing = False

    async def _receive(self, wait: int) -> Sequence[dict[str, Any]]:
        answer = await self._call(_RECEIVE, {
            "MaxNumberOfMessages": _BATCH,
            "WaitTimeSeconds": wait,
            "VisibilityTimeout": _VISIBILITY_SECONDS,
        })  # fmt: skip
        return answer.get("Messages") or ()

    async def _process(self, messages: Sequence[dict[str, Any]]) -> None:
        kept = await self._intake.store([each.get("Body") or "" for each in messages], self._queue)
        handles = {at: each.get("ReceiptHandle") for at, each in enumerate(messages) if at not in kept}
        entries = [{"Id": str(at), "ReceiptHandle": handle} for at, handle in handles.items() if handle]
        if entries:
            deleted = await self._call(_DELETE, {"Entries": entries})
            # SQS delivers those again, and they are dropped as duplicates.
            for _ in deleted.get("Failed") or ():
                self._metrics.queue_failed(_DELETE)

    async def _call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        queue, all_params = self._queue, {"QueueUrl": self._queue.url, **params}
        try:
            answer = await self._aws.call(queue.account, queue.region, "sqs", operation, all_params)
        except AwsError as error:
            self._metrics.queue_failed(operation)
            self._note(operation, error.reason, error.message)
            raise
        self._note(operation, "")
        return answer

    def _note(self, operation: str, reason: str, message: str = "") -> None:
        """Log the result of a call if it differs from the last one."""
        before = self._reasons.get(operation)
        if before == reason:
            return
        self._reasons[operation] = reason
        if operation == _RECEIVE and "" in (before, reason):
            self._metrics.queues_up.inc(-1 if reason else 1)
        if reason:
            log.error("event_queue_failed", queue=self._queue.url, operation=operation, reason=reason, error=message)
        else:
            log.info("event_queue_works", queue=self._queue.url, operation=operation)
