"""Queues neither lose messages nor show one in flight, in any order of operations."""

from __future__ import annotations

from ecrkeeper_sim.sqs_queue import Message, Queue
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule


class QueueMachine(RuleBasedStateMachine):
    """Compare a queue with a table of its messages."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        attributes = {"MessageRetentionPeriod": "345600"}
        self.queue = Queue("q", "1", "r", "arn:q", "url", attributes, self.now, self.now)
        # By message: when it is visible, and its last receipt handle.
        self.model: dict[str, tuple[float, str]] = {}
        self.sent = 0

    @rule(delay=st.sampled_from([0.0, 3.0]))
    def send(self, delay: float) -> None:
        self.sent += 1
        name = f"m{self.sent}"
        self.queue.put(Message(name, "x", "s", self.now, self.now + delay), self.now, 10_000)
        self.model[name] = (self.now + delay, "")

    @rule(maximum=st.integers(1, 10), hidden=st.sampled_from([0.0, 2.0, 5.0]))
    def receive(self, maximum: int, hidden: float) -> None:
        visible = {name for name, (at, _) in self.model.items() if at <= self.now}
        received, exhausted = self.queue.receive(self.now, maximum, hidden)
        names = [message.message_id for message in received]
        assert len(set(names)) == len(names) == min(maximum, len(visible))
        assert set(names) <= visible
        assert not exhausted
        for message in received:
            assert message.handle != self.model[message.message_id][1]
            self.model[message.message_id] = (self.now + hidden, message.handle)

    @precondition(lambda self: any(handle for _, handle in self.model.values()))
    @rule(data=st.data(), seconds=st.sampled_from([None, 0.0, 4.0]))
    def delete_or_hide(self, data: st.DataObject, seconds: float | None) -> None:
        name = data.draw(st.sampled_from(sorted(n for n, (_, handle) in self.model.items() if handle)))
        handle = self.model[name][1]
        message = self.queue.find(handle)
        assert message is not None
        if seconds is None:
            self.queue.delete(handle)
            del self.model[name]
        else:
            self.queue.hide(message, self.now, seconds)
            self.model[name] = (self.now + seconds, handle)

    @rule(seconds=st.sampled_from([1.0, 2.5]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def counts_agree(self) -> None:
        visible = sum(1 for at, _ in self.model.values() if at <= self.now)
        delayed = sum(1 for at, handle in self.model.values() if at > self.now and not handle)
        assert self.queue.counts(self.now) == (visible, len(self.model) - visible - delayed, delayed)


TestQueue = QueueMachine.TestCase


def test_memory_of_a_queue_is_bounded_by_its_messages() -> None:
    queue = Queue("q", "1", "r", "arn:q", "url", {"MessageRetentionPeriod": "345600"}, 0.0, 0.0)
    for number in range(5000):
        queue.put(Message(str(number), "x", "s", 0.0, 0.0), 0.0, 10)
        (message,), _ = queue.receive(0.0, 1, 40_000.0)
        queue.hide(message, 0.0, 30_000.0)
    assert len(queue.messages) == 10
    assert len(queue._hidden) < 200
    for number in range(5000, 10_000):
        queue.put(Message(str(number), "x", "s", 0.0, 0.0), 0.0, 10)
    assert len(queue._ready) <= 10
