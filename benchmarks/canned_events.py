"""Somebody else in the canned AWS, and the queue in which events tell of it.

A change and the write that reverts it each put an event into the queue at once, as without any delay of EventBridge.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any

Registry = tuple[str, str]
Reply = Callable[[bytes], None]
QUEUE_ACCOUNT = "999999999999"
QUEUE_URL = f"https://sqs.us-east-1.amazonaws.com/{QUEUE_ACCOUNT}/events"
_AGENT = re.compile(rb"User-Agent: *([^\r\n]+)", re.IGNORECASE)
_BATCH = 10


class Queue:
    """Messages in memory: long polls, and batches of ten."""

    def __init__(self) -> None:
        self._bodies: deque[str] = deque()
        self._polls: deque[tuple[Reply, asyncio.TimerHandle]] = deque()
        self._in_flight = 0
        self.calls = 0

    def __len__(self) -> int:
        """How many messages are not deleted yet."""
        return len(self._bodies) + self._in_flight

    def send(self, body: str) -> None:
        """Add a message, and answer a poll that waits for one."""
        self._bodies.append(body)
        if self._polls:
            reply, timer = self._polls.popleft()
            timer.cancel()
            reply(self._batch())

    def answer(self, operation: bytes, body: bytes, reply: Reply) -> None:
        """Answer a call of SQS, now or when a message comes."""
        self.calls += 1
        request = json.loads(body)
        if operation == b"DeleteMessageBatch":
            self._in_flight -= len(request["Entries"])
            reply(
                json.dumps({"Successful": [{"Id": each["Id"]} for each in request["Entries"]], "Failed": []}).encode()
            )
        elif self._bodies or not request["WaitTimeSeconds"]:
            reply(self._batch())
        else:
            poll = (reply, asyncio.get_running_loop().call_later(request["WaitTimeSeconds"], self._give_up))
            self._polls.append(poll)

    def _give_up(self) -> None:
        # Polls wait equally long, so the oldest one ends first.
        reply, _ = self._polls.popleft()
        reply(b"{}")

    def _batch(self) -> bytes:
        bodies = [self._bodies.popleft() for _ in range(min(_BATCH, len(self._bodies)))]
        self._in_flight += len(bodies)
        ids = [str(uuid.uuid4()) for _ in bodies]
        messages = [
            {"MessageId": each, "ReceiptHandle": each, "Body": body} for each, body in zip(ids, bodies, strict=True)
        ]
        return json.dumps({"Messages": messages} if messages else {}).encode()


class Changes:
    """Changes registries behind the server's back, and notes when each is reverted."""

    def __init__(self, change: Callable[[Registry], None]) -> None:
        self._change = change
        self.queue = Queue()
        self._changed: dict[Registry, float] = {}
        self._reverted: list[float] = []

    def control(self, path: str, body: bytes) -> Any:
        """Obey one order of the benchmark."""
        order = json.loads(body) if body else {}
        if path == "changes":
            asyncio.get_running_loop().create_task(self._run(list(map(tuple, order["registries"])), order["rate"]))
        elif path == "fill":
            places = order["registries"]
            for number in range(order["count"]):
                self.queue.send(event(tuple(places[number % len(places)])))
        elif path == "reverted":
            return {"seconds": self._reverted, "left": len(self._changed)}
        elif path == "clear":
            self._changed, self._reverted, self.queue.calls = {}, [], 0
        return {"messages": len(self.queue), "calls": self.queue.calls}

    async def _run(self, registries: list[Registry], rate: float) -> None:
        began = time.monotonic()
        for number, registry in enumerate(registries):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            self._change(registry)
            self._changed[registry] = time.monotonic()
            self.queue.send(event(registry))

    def wrote(self, registry: Registry, request_id: str, head: bytes) -> None:
        """Note a write of the server; its event comes back to it."""
        changed_at = self._changed.pop(registry, None)
        if changed_at is not None:
            self._reverted.append(time.monotonic() - changed_at)
            agent = _AGENT.search(head)
            self.queue.send(event(registry, request_id, agent[1].decode() if agent else ""))


def event(registry: Registry, request_id: str = "", agent: str = "aws-cli/2.31") -> str:
    """Return the event of a changed scanning configuration.

    With a request id, it is a write of the server; otherwise somebody else's.
    """
    account, region = registry
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    identity = _server(account) if request_id else _root(account)
    return json.dumps({
        "version": "0", "id": str(uuid.uuid4()), "detail-type": "AWS API Call via CloudTrail", "source": "aws.ecr",
        "account": account, "time": now, "region": region, "resources": [],
        "detail": {
            "eventVersion": "1.09", "userIdentity": identity, "eventTime": now, "eventSource": "ecr.amazonaws.com",
            "eventName": "PutRegistryScanningConfiguration", "awsRegion": region, "sourceIPAddress": "203.0.113.12",
            "userAgent": agent, "requestParameters": {"scanType": "BASIC", "rules": []},
            "requestID": request_id or str(uuid.uuid4()), "eventID": str(uuid.uuid4()), "readOnly": False,
            "recipientAccountId": account,
        },
    })  # fmt: skip


def _root(account: str) -> dict[str, Any]:
    return {"type": "Root", "principalId": account, "arn": f"arn:aws:iam::{account}:root", "accountId": account}


def _server(account: str) -> dict[str, Any]:
    """Return the identity that `sts:GetCallerIdentity` shows to the server."""
    role = {"type": "Role", "arn": f"arn:aws:iam::{account}:role/ecrkeeper", "accountId": account}
    return {
        "type": "AssumedRole", "principalId": "AROA:ecrkeeper", "accountId": account,
        "arn": f"arn:aws:sts::{account}:assumed-role/ecrkeeper/ecrkeeper", "sessionContext": {"sessionIssuer": role},
    }  # fmt: skip
