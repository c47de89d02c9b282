"""SQS standard queues: received messages are hidden for a while."""

from __future__ import annotations

import asyncio
import base64
import binascii
import heapq
import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count


@dataclass(slots=True, eq=False)
class Message:
    """A message; `handle` is the receipt handle of its last receive."""

    message_id: str
    body: str
    sender: str
    sent: float
    visible_at: float
    receives: int = 0
    first_received: float = 0.0
    handle: str = ""
    source_arn: str = ""


class Signal:
    """Wakes all waiters."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        """Wake all current waiters."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def wait(self, seconds: float) -> None:
        """Return after `notify`, or after `seconds` at the latest."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait([future], timeout=seconds)
        finally:
            self._waiting.discard(future)


@dataclass(slots=True)
class Queue:
    """One queue, with its attributes as SQS shows them."""

    name: str
    account: str
    region: str
    arn: str
    url: str
    attributes: dict[str, str]
    created: float
    modified: float
    messages: dict[str, Message] = field(default_factory=dict)
    signal: Signal = field(default_factory=Signal)
    # Identifiers of visible messages, and of hidden ones by the time at which they become visible.
    _ready: deque[str] = field(default_factory=deque)
    _hidden: list[tuple[float, int, str]] = field(default_factory=list)
    _counter: count[int] = field(default_factory=count)

    def put(self, message: Message, now: float, maximum: int) -> int:
        """Add a message; drop the oldest ones beyond `maximum`, and return their number."""
        discarded = 0
        while len(self.messages) >= max(1, maximum):
            del self.messages[next(iter(self.messages))]
            discarded += 1
        while discarded and self._ready and self._ready[0] not in self.messages:
            self._ready.popleft()
        self.messages[message.message_id] = message
        self._place(message, now)
        return discarded

    def receive(self, now: float, maximum: int, visibility: float) -> tuple[list[Message], list[Message]]:
        """Hide and return up to `maximum` messages.

        The second list has the messages that exceeded the number of receives and leave.
        """
        self.refresh(now)
        limit = self.max_receives
        received: list[Message] = []
        exhausted: list[Message] = []
        while self._ready and len(received) < maximum:
            message = self.messages.get(self._ready.popleft())
            if message is None or message.visible_at > now or message in received:
                continue
            if limit is not None and message.receives >= limit:
                exhausted.append(self.messages.pop(message.message_id))
                continue
            received.append(message)
            message.receives += 1
            message.first_received = message.first_received or now
            message.handle = _handle(self.arn, message)
        for message in received:
            message.visible_at = now + visibility
            self._place(message, now)
        return received, exhausted

    def find(self, handle: str) -> Message | None:
        """Return the message with that receipt handle, or None if it is gone.

        Raises ValueError for a malformed one.
        """
        try:
            arn, message_id, _ = json.loads(base64.urlsafe_b64decode(handle.encode()))
        except (binascii.Error, ValueError, TypeError):
            raise ValueError(handle) from None
        if arn != self.arn:
            raise ValueError(handle)
        return self.messages.get(message_id)

    def delete(self, handle: str) -> None:
        """Delete the message, unless it was received again since.

        Raises ValueError for a malformed handle.
        """
        message = self.find(handle)
        if message is not None and message.handle == handle:
            del self.messages[message.message_id]

    def hide(self, message: Message, now: float, seconds: float) -> None:
        """Make the message visible after `seconds`."""
        message.visible_at = now + seconds
        self._place(message, now)

    def clear(self) -> None:
        """Drop all messages."""
        self.messages.clear()
        self._ready.clear()
        self._hidden.clear()

    def refresh(self, now: float) -> None:
        """Show the messages that are due, and drop those that are past their retention."""
        while self._hidden and self._hidden[0][0] <= now:
            visible_at, _, message_id = heapq.heappop(self._hidden)
            message = self.messages.get(message_id)
            if message is not None and message.visible_at == visible_at:
                self._ready.append(message_id)
        oldest = now - float(self.attributes["MessageRetentionPeriod"])
        for message in [*self._expired(oldest)]:
            del self.messages[message.message_id]

    def next_visible(self, now: float) -> float | None:
        """Return the time at which the next hidden message can become visible."""
        self.refresh(now)
        return self._hidden[0][0] if self._hidden else None

    def counts(self, now: float) -> tuple[int, int, int]:
        """Return the numbers of visible, hidden and delayed messages."""
        self.refresh(now)
        hidden = [message for message in self.messages.values() if message.visible_at > now]
        delayed = sum(1 for message in hidden if not message.receives)
        return len(self.messages) - len(hidden), len(hidden) - delayed, delayed

    @property
    def max_receives(self) -> int | None:
        """The number of receives after which a message goes to the dead-letter queue."""
        policy = self.attributes.get("RedrivePolicy")
        return int(json.loads(policy)["maxReceiveCount"]) if policy else None

    def _place(self, message: Message, now: float) -> None:
        if message.visible_at > now:
            self._compact(now)
            heapq.heappush(self._hidden, (message.visible_at, next(self._counter), message.message_id))
        else:
            self._ready.append(message.message_id)
        self.signal.notify()

    def _compact(self, now: float) -> None:
        # Old entries remain after messages are deleted or hidden again.
        if len(self._hidden) > 2 * len(self.messages) + 100:
            hidden = [message for message in self.messages.values() if message.visible_at > now]
            self._hidden = [(message.visible_at, next(self._counter), message.message_id) for message in hidden]
            heapq.heapify(self._hidden)

    def _expired(self, oldest: float) -> Iterable[Message]:
        for message in self.messages.values():
            if message.sent > oldest:
                return
            yield message


class Queues:
    """All queues by ARN."""

    def __init__(self) -> None:
        self.by_arn: dict[str, Queue] = {}
        self.closed = False

    def wake(self) -> None:
        """Let all waiting receives check their queues again."""
        for queue in self.by_arn.values():
            queue.signal.notify()

    def close(self) -> None:
        """End all waiting receives, and let no later ones wait."""
        self.closed = True
        self.wake()

    def clear(self) -> None:
        """Forget all queues."""
        self.wake()
        self.by_arn = {}


def _handle(arn: str, message: Message) -> str:
    return base64.urlsafe_b64encode(json.dumps([arn, message.message_id, message.receives]).encode()).decode()
