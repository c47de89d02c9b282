"""The limits on elements and CPU of one principal, by a clock that the tests move."""

from __future__ import annotations

import pytest
from ecrkeeper_server.api.layers.capacity import Admission
from ecrkeeper_server.api.layers.limits import Kind, Limits
from ecrkeeper_server.errors import ResourceExhausted
from hypothesis import given
from hypothesis import strategies as st

RATE, BURST = 100.0, 1_000


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def admission(clock: Clock, **limits: float) -> Admission:
    chosen = {"elements_per_principal": RATE, "burst_elements_per_principal": BURST, "rate_per_principal": 0, **limits}
    return Admission(Limits(**chosen), clock, lambda low, _high: low)  # type: ignore[arg-type]


def rejected(gate: Admission, principal: str) -> ResourceExhausted:
    with pytest.raises(ResourceExhausted) as caught:
        gate.enter(principal, Kind.CALLS)
    return caught.value


def test_flooder_must_retry_and_others_are_admitted() -> None:
    clock = Clock()
    gate = admission(clock)
    gate.enter("flooder", Kind.CALLS)
    gate.charge("flooder", 1_200)
    error = rejected(gate, "flooder")
    assert (error.reason, error.metadata["of"]) == ("WORK_LIMITED", "elements_per_second")
    assert error.retry_after == pytest.approx(2.0)
    gate.enter("other", Kind.CALLS)
    gate.charge("other", 1_000)
    clock.now += error.retry_after
    gate.enter("flooder", Kind.CALLS)


def test_call_that_entered_before_the_debt_is_rejected_before_its_work() -> None:
    gate = admission(Clock())
    for _ in range(2):
        gate.enter("flooder", Kind.CALLS)
    gate.charge("flooder", 5_000)
    with pytest.raises(ResourceExhausted, match="retry after"):
        gate.charge("flooder", 1)


def test_cpu_of_large_work_is_bounded_as_well() -> None:
    clock = Clock()
    gate = admission(clock, cpu_per_principal=0.5)
    gate.enter("flooder", Kind.CALLS)
    gate.spent("flooder", 5.5)
    error = rejected(gate, "flooder")
    assert (error.reason, error.metadata) == ("WORK_LIMITED", {"limit": "0.5", "of": "cpu"})
    assert error.retry_after == pytest.approx(1.0)
    clock.now += 1.0
    gate.enter("flooder", Kind.CALLS)


def test_streams_in_debt_are_rejected_and_health_is_not() -> None:
    gate = admission(Clock())
    gate.charge("flooder", 2_000)
    with pytest.raises(ResourceExhausted):
        gate.enter("flooder", Kind.STREAMS)
    gate.enter("flooder", Kind.HEALTH_CHECKS)


def test_rate_of_zero_is_no_limit() -> None:
    gate = admission(Clock(), elements_per_principal=0, cpu_per_principal=0)
    for _ in range(10):
        gate.enter("busy", Kind.CALLS)
        gate.charge("busy", 10**9)
        gate.spent("busy", 10**6)


@given(st.lists(st.tuples(st.integers(0, 5_000), st.floats(0, 30)), min_size=1, max_size=60))
def test_costs_add_up_to_no_more_than_the_rate_and_one_call(calls: list[tuple[int, float]]) -> None:
    clock = Clock()
    gate, began, done, largest = admission(clock), clock.now, 0, 0
    for cost, pause in calls:
        clock.now += pause
        try:
            gate.charge("someone", cost)
        except ResourceExhausted:
            continue
        done, largest = done + cost, max(largest, cost)
        assert done <= BURST + (clock.now - began) * RATE + largest + 1e-6


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=30))
def test_no_cost_starves_a_caller_that_waits_for_the_retry_delay(costs: list[int]) -> None:
    clock = Clock()
    gate = admission(clock)
    for cost in costs:
        for _ in range(2_000):
            try:
                gate.charge("someone", cost)
            except ResourceExhausted as error:
                assert error.retry_after
                clock.now += error.retry_after
            else:
                break
        else:
            raise AssertionError(f"{cost} elements were never admitted")
