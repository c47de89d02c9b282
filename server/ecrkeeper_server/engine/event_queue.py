"""Receive events from queues, with long polls and in batches of ten.

A message is deleted only after the resources that it names were made due.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
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
# A batch is stored within a second; a message of a process that was killed comes again after this long.
_VISIBILITY_SECONDS = 30
# One poll at a time receives some hundred events a second.
POLLERS = 4
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class EventQueue:
    """One queue, polled by a few tasks until they are cancelled.

    Its failures concern no other queue.
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
        # Why the last receive failed; None before the first one ended.
        self._failure: str | None = None

    @property
    def works(self) -> bool:
        """Whether the last receive succeeded."""
        return self._failure == ""

    async def run(self) -> None:
        """Poll; an error is logged once, and tried again with backoff."""
        await asyncio.gather(*(self._poll() for _ in range(POLLERS)))

    async def _poll(self) -> None:
        failures = 0
        while True:
            try:
                await self.receive_once()
                failures = 0
                continue
            except AwsError as error:
                self._failed(error.operation or "ReceiveMessage", error.reason, error.message)
            except StatusError:
                # The database's health is logged where it is known; the messages come again.
                pass
            except Exception:  # The loop outlives whatever it was; a message that is at fault ends in the DLQ.
                log.exception("event_batch_failed", queue=self._queue.name)
            failures += 1
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(failures - 1, 10))
            await asyncio.sleep(pause * (0.5 + self._jitter() / 2))

    async def receive_once(self) -> int:
        """Receive a batch, store it and delete it.

        Return its size. Raises Permanent, Temporary and Unavailable.
        """
        answer = await self._call("ReceiveMessage", {
            "MaxNumberOfMessages": _BATCH,
            "WaitTimeSeconds": POLL_SECONDS,
            "VisibilityTimeout": _VISIBILITY_SECONDS,
        })  # fmt: skip
        self._works()
        messages: Sequence[dict[str, Any]] = answer.get("Messages") or ()
        if not messages:
            return 0
        await self._intake.take([each.get("Body") or "" for each in messages], self._queue)
        handles = [each["ReceiptHandle"] for each in messages if each.get("ReceiptHandle")]
        entries = [{"Id": str(at), "ReceiptHandle": handle} for at, handle in enumerate(handles)]
        if entries:
            deleted = await self._call("DeleteMessageBatch", {"Entries": entries})
            # Those come again, and are dropped as duplicates.
            for _ in deleted.get("Failed") or ():
                self._metrics.queue_failed("DeleteMessageBatch")
        return len(messages)

    async def _call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        queue = self._queue
        return await self._aws.call(queue.account, queue.region, "sqs", operation, {"QueueUrl": queue.url, **params})

    def _failed(self, operation: str, reason: str, message: str) -> None:
        self._metrics.queue_failed(operation if operation == "DeleteMessageBatch" else "ReceiveMessage")
        if self._failure == reason:
            return
        if self._failure == "":
            self._metrics.queues_up.dec()
        self._failure = reason
        log.error("event_queue_failed", queue=self._queue.url, reason=reason, error=message)

    def _works(self) -> None:
        if self._failure == "":
            return
        self._metrics.queues_up.inc()
        self._failure = ""
        log.info("event_queue_works", queue=self._queue.url)
