"""Distribution of slots."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from ecrkeeper_server.engine.slots import Slots
from ecrkeeper_server.store.rows import Resource

_numbers = itertools.count()


def row(account: str = "1", *, urgent: bool = False) -> Resource:
    name = f"accounts/{account}/registries/r{next(_numbers)}"
    return Resource(
        name=name, kind="registry", account=account, place="r", uid="", spec={}, state={}, generation=1,
        observed_generation=0, requested=1, create_time=0, update_time=0, observe_time=None, due_at=0,
        urgent=urgent, lease_token="t", lease_until=1, failures=0,
    )  # fmt: skip


def accounts() -> Iterator[str]:
    return (str(n) for n in itertools.count())


def fill(slots: Slots, *, urgent: bool) -> int:
    """Acquire slots for one resource after the other, each of another account."""
    for taken, account in enumerate(accounts()):
        if not (slots.urgent if urgent else slots.backlog).slots:
            return taken
        slots.acquire([row(account, urgent=urgent)])
    raise AssertionError


# concurrency, slots that the other lane never gets
RESERVED = [(1, 1), (2, 1), (8, 2), (32, 8), (1000, 250)]


@pytest.mark.parametrize(("concurrency", "reserved"), RESERVED)
def test_priority_lane_has_a_quarter_more_slots(concurrency: int, reserved: int) -> None:
    slots = Slots(concurrency)
    assert fill(slots, urgent=False) == concurrency
    assert fill(slots, urgent=True) == reserved
    assert (slots.backlog.slots, slots.urgent.slots) == (0, 0)


@pytest.mark.parametrize(("concurrency", "reserved"), RESERVED)
def test_backlog_keeps_a_quarter_under_a_stream_of_writes(concurrency: int, reserved: int) -> None:
    slots = Slots(concurrency)
    assert fill(slots, urgent=True) == concurrency
    assert fill(slots, urgent=False) == reserved
    assert slots.free == 0


def test_lanes_share_their_free_slots() -> None:
    slots = Slots(8)
    slots.acquire([row(str(n), urgent=True) for n in range(5)])
    assert (slots.urgent.slots, slots.backlog.slots, slots.free) == (3, 5, 5)


def hog(slots: Slots, account: str) -> int:
    """Return the number of slots of an account that asks for all."""
    taken = 0
    while slots.backlog.slots and slots.backlog.busy.get(account, 0) < slots.backlog.share:
        slots.acquire([row(account)])
        taken += 1
    return taken


def test_account_gets_a_quarter_of_the_slots() -> None:
    slots = Slots(32)
    assert hog(slots, "a") == 8
    acquired = [hog(slots, f"b{n}") for n in range(4)]
    assert all(n >= 3 for n in acquired)
    assert slots.backlog.slots >= 8


def test_backlog_of_account_does_not_count_against_new_writes() -> None:
    slots = Slots(32)
    hog(slots, "a")
    assert slots.urgent.busy == {}
    assert slots.urgent.slots == 32


def test_finished_attempt_releases_slot_to_its_kind() -> None:
    slots = Slots(4)
    first, second, beyond = row("a", urgent=True), row("b"), row("a", urgent=True)
    slots.acquire([first, second, beyond])
    assert slots.urgent.busy == {"a": 1}
    assert slots.backlog.busy == {"a": 1, "b": 1}, "an urgent row that came of the backlog holds a slot of that kind"
    slots.release(first)
    assert slots.urgent.busy == {}
    slots.release(second)
    slots.release(beyond)
    assert (slots.urgent, slots.backlog) == (Slots(4).urgent, Slots(4).backlog)


def test_attempts_on_one_resource_count_separately() -> None:
    """An attempt without its lease may still run when its resource is claimed again."""
    slots = Slots(4)
    old = row("a")
    new = type(old)(**{field: getattr(old, field) for field in old.__slots__} | {"lease_token": "u"})
    slots.acquire([old])
    slots.acquire([new])
    slots.release(old)
    assert slots.backlog.busy == {"a": 1}
    slots.release(new)
    assert slots.backlog.busy == {}
