"""Admission, with a clock that the tests set."""

from __future__ import annotations

import pytest
from ecrkeeper_server.api.layers.admission import address_of
from ecrkeeper_server.api.layers.capacity import Admission
from ecrkeeper_server.api.layers.limits import Kind, Limits
from ecrkeeper_server.errors import ResourceExhausted


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def new_admission(clock: Clock | None = None, **limits: float) -> Admission:
    return Admission(Limits(**limits), clock or Clock(), lambda low, _high: low)  # type: ignore[arg-type]


CALLS, STREAMS = Kind.CALLS, Kind.STREAMS


def rejection(admission: Admission, principal: str, kind: Kind = CALLS) -> ResourceExhausted:
    before = list(admission.in_work)
    with pytest.raises(ResourceExhausted) as caught:
        admission.enter(principal, kind)
    assert admission.in_work == before
    assert caught.value.retry_after
    return caught.value


def test_greedy_principal_leaves_capacity_for_others() -> None:
    admission = new_admission(calls=5, calls_per_principal=3)
    for _ in range(3):
        admission.enter("greedy", CALLS)
    error = rejection(admission, "greedy")
    assert (error.reason, error.metadata) == ("CONCURRENCY_LIMITED", {"limit": "3", "of": "calls"})
    admission.enter("modest", CALLS)
    admission.leave("greedy", CALLS)
    admission.enter("greedy", CALLS)


def test_calls_above_server_limit_are_rejected() -> None:
    admission = new_admission(calls=2, calls_per_principal=2)
    admission.enter("a", CALLS)
    admission.enter("b", CALLS)
    assert rejection(admission, "c").reason == "OVERLOADED"
    admission.leave("a", CALLS)
    admission.enter("c", CALLS)


def test_greedy_principals_leave_a_reserve_for_others() -> None:
    admission = new_admission(calls=80, calls_per_principal=20)
    for caller in "abcd":
        for _ in range(20 if caller != "d" else 10):
            admission.enter(caller, CALLS)
    error = rejection(admission, "d")
    assert (error.reason, error.metadata) == ("OVERLOADED", {"limit": "70", "of": "calls"})
    for _ in range(4):
        admission.enter("e", CALLS)
    assert rejection(admission, "e").reason == "OVERLOADED", "it has as many as others now"
    for caller in "fghijk":
        admission.enter(caller, CALLS)
    assert rejection(admission, "l").metadata == {"limit": "80", "of": "calls"}


@pytest.mark.parametrize("kind", Kind)
def test_reserve_exists_for_each_kind_of_call(kind: Kind) -> None:
    admission = Admission(Limits(rate_per_principal=0.0))
    reasons = set()
    for caller in range(5 if kind != Kind.STREAMS else 10):
        try:
            for _ in range(1000):
                admission.enter(f"greedy-{caller}", kind)
        except ResourceExhausted as error:
            reasons.add(error.reason)
    assert reasons == {"CONCURRENCY_LIMITED", "OVERLOADED"}
    admission.enter("modest", kind)


def test_stream_and_call_limits_are_independent() -> None:
    admission = new_admission(calls=1, calls_per_principal=1, streams=2, streams_per_principal=2)
    admission.enter("a", STREAMS)
    admission.enter("a", STREAMS)
    admission.enter("a", CALLS)
    assert rejection(admission, "a", STREAMS).metadata["of"] == "streams"
    assert rejection(admission, "a").metadata["of"] == "calls"


def test_health_and_reflection_streams_have_own_limits() -> None:
    admission = new_admission(streams=1, streams_per_principal=1, health_streams=8)
    for _ in range(2):
        admission.enter("a", Kind.HEALTH_STREAMS)
    assert rejection(admission, "a", Kind.HEALTH_STREAMS).reason == "CONCURRENCY_LIMITED", (
        "a quarter is the most for one"
    )
    admission.enter("a", STREAMS)
    for caller in "bcd":
        for _ in range(2):
            admission.enter(caller, Kind.HEALTH_STREAMS)
    error = rejection(admission, "e", Kind.HEALTH_STREAMS)
    assert (error.reason, error.metadata) == ("OVERLOADED", {"limit": "8", "of": "health_streams"})


def test_health_checks_have_no_rate_limit() -> None:
    admission = new_admission(rate_per_principal=0.001, burst_per_principal=1)
    for _ in range(1000):
        admission.enter("a", Kind.HEALTH_CHECKS)
        admission.leave("a", Kind.HEALTH_CHECKS)


def test_rate_limit_allows_a_burst() -> None:
    clock = Clock()
    admission = new_admission(clock, rate_per_principal=2.0, burst_per_principal=3)

    def calls() -> int:
        count = 0
        while True:
            try:
                admission.enter("a", CALLS)
            except ResourceExhausted:
                return count
            admission.leave("a", CALLS)
            count += 1

    assert calls() == 3
    error = rejection(admission, "a")
    assert (error.reason, error.retry_after) == ("RATE_LIMITED", 0.5)
    clock.now += 1.0
    assert calls() == 2
    clock.now += 3600.0
    assert calls() == 3


def test_retry_after_delay_is_admitted() -> None:
    clock = Clock()
    admission = new_admission(clock, rate_per_principal=7.0, burst_per_principal=1)
    for _ in range(50):
        admission.enter("a", CALLS)
        admission.leave("a", CALLS)
        clock.now += rejection(admission, "a").retry_after or 0.0


def test_rejected_call_consumes_no_token() -> None:
    clock = Clock()
    admission = new_admission(clock, calls_per_principal=1, rate_per_principal=1.0, burst_per_principal=2)
    admission.enter("a", CALLS)
    for _ in range(10):
        assert rejection(admission, "a").reason == "CONCURRENCY_LIMITED"
    admission.leave("a", CALLS)
    admission.enter("a", CALLS)


def test_rate_of_zero_admits_all() -> None:
    admission = new_admission(rate_per_principal=0.0, burst_per_principal=1)
    for _ in range(100):
        admission.enter("a", CALLS)
        admission.leave("a", CALLS)


def test_rejection_jitters_retry_delay() -> None:
    admission = Admission(Limits(calls=1))
    admission.enter("a", CALLS)
    assert len({rejection(admission, "b").retry_after for _ in range(20)}) > 10


def test_admission_bounds_idle_principals_and_keeps_active_ones() -> None:
    admission = new_admission()
    admission.enter("working", STREAMS)
    for number in range(30_000):
        admission.enter(f"p{number}", CALLS)
        admission.leave(f"p{number}", CALLS)
    assert len(admission) == 10_001, "the idle ones that are kept, and the active one"
    admission.leave("working", STREAMS)
    assert not any(admission.in_work)


@pytest.mark.parametrize(
    ("peer", "address", "reason"),
    [
        ("ipv4:10.1.2.3:50000", "10.1.2.3", "the port changes with every connection"),
        ("ipv6:%5B2001:db8:1:2:3:4:5:6%5D:50000", "2001:db8:1:2::/64", "one party holds 64 bits"),
        ("ipv6:[2001:db8:1:2:ffff::1]:50000", "2001:db8:1:2::/64", "the same network"),
        ("ipv6:[::ffff:10.1.2.3]:1", "10.1.2.3", "IPv4 behind a socket of both families"),
        ("ipv6:[fe80::1%25eth0]:1", "fe80::/64", "with the name of an interface"),
        ("unix:/run/x", "unix", "all callers of a Unix socket are on this machine"),
        ("unix:", "unix", "an unnamed socket"),
        ("ipv4:nonsense", "ipv4", "unknown addresses are one principal"),
        ("", "", "no peer"),
    ],
)
def test_anonymous_callers_are_distinguished_by_address(peer: str, address: str, reason: str) -> None:
    assert address_of(peer) == address, reason
