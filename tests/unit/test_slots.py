"""Who may run."""

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
    """Take slots for one row after the other, each of another account, until there is no room."""
    for taken, account in enumerate(accounts()):
        if not (slots.urgent if urgent else slots.turn).slots:
            return taken
        slots.take([row(account, urgent=urgent)])
    raise AssertionError


# concurrency, slots for urgent rows alone
RESERVED = [(1, 1), (2, 1), (8, 2), (32, 8), (1000, 250)]


@pytest.mark.parametrize(("concurrency", "reserved"), RESERVED)
def test_urgent_rows_have_a_quarter_more_slots_to_themselves(concurrency: int, reserved: int) -> None:
    slots = Slots(concurrency)
    assert fill(slots, urgent=False) == concurrency
    assert fill(slots, urgent=True) == reserved
    assert (slots.turn.slots, slots.urgent.slots) == (0, 0)


def test_urgent_rows_take_turns_too_once_their_own_slots_are_full() -> None:
    slots = Slots(8)
    slots.take([row(str(n), urgent=True) for n in range(5)])
    assert (slots.urgent.slots, slots.turn.slots) == (0, 5)


def hog(slots: Slots, account: str) -> int:
    """How many slots an account gets that wants all it can get."""
    taken = 0
    while slots.turn.slots and slots.turn.busy.get(account, 0) < slots.turn.share:
        slots.take([row(account)])
        taken += 1
    return taken


def test_an_account_gets_a_quarter_of_the_slots_and_many_greedy_ones_leave_room_for_others() -> None:
    slots = Slots(32)
    assert hog(slots, "a") == 8
    got = [hog(slots, f"b{n}") for n in range(4)]
    assert all(n >= 3 for n in got)
    assert slots.turn.slots >= 8


def test_what_an_account_runs_in_turn_does_not_count_against_its_fresh_writes() -> None:
    slots = Slots(32)
    hog(slots, "a")
    assert slots.urgent.busy == {}
    assert slots.urgent.slots == 8


def test_a_step_that_ends_gives_its_slot_back_to_the_kind_it_came_from() -> None:
    slots = Slots(4)
    first, second, beyond = row("a", urgent=True), row("b"), row("a", urgent=True)
    slots.take([first, second, beyond])
    assert slots.urgent.busy == {"a": 1}
    assert slots.turn.busy == {"a": 1, "b": 1}, "an urgent row that came in turn holds a slot of that kind"
    slots.give_back(first)
    assert slots.urgent.busy == {}
    slots.give_back(second)
    slots.give_back(beyond)
    assert (slots.urgent, slots.turn) == (Slots(4).urgent, Slots(4).turn)


def test_two_steps_on_one_row_are_counted_each() -> None:
    """The step whose lease was lost may still run when the row is claimed again."""
    slots = Slots(4)
    old = row("a")
    new = type(old)(**{field: getattr(old, field) for field in old.__slots__} | {"lease_token": "u"})
    slots.take([old])
    slots.take([new])
    slots.give_back(old)
    assert slots.turn.busy == {"a": 1}
    slots.give_back(new)
    assert slots.turn.busy == {}
