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


# concurrency, room left for the other kind when one is full
RESERVED = [(1, 1), (2, 1), (8, 2), (32, 8), (1000, 250)]


@pytest.mark.parametrize(("concurrency", "left"), RESERVED)
@pytest.mark.parametrize("urgent", [True, False])
def test_each_kind_has_all_slots_at_most_and_leaves_a_quarter_more_to_the_other(
    concurrency: int, left: int, urgent: bool
) -> None:
    slots = Slots(concurrency)
    assert fill(slots, urgent=urgent) == concurrency
    assert (slots.turn if urgent else slots.urgent).slots == left
    assert fill(slots, urgent=not urgent) == left


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
    assert slots.urgent.share == 10


def test_a_step_that_ends_gives_its_slot_back_to_the_kind_it_came_from() -> None:
    slots = Slots(4)
    first, second, beyond = row("a", urgent=True), row("b"), row("c", urgent=True)
    slots.take([first, second])
    assert (slots.urgent.slots, slots.turn.slots) == (3, 3)
    slots.give_back(first)
    assert slots.urgent.busy == {}
    slots.give_back(second)
    assert (slots.urgent, slots.turn) == (Slots(4).urgent, Slots(4).turn)
    fill(slots, urgent=True)
    slots.take([beyond])
    assert slots.turn.busy == {"c": 1}, "an urgent row that came in turn holds a slot of that kind"


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
