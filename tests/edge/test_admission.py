"""Admission, with a clock that the tests set."""

from __future__ import annotations

import pytest
from ecrkeeper_server.api.layers.admission import address_of
from ecrkeeper_server.api.layers.capacity import Admission, Kind, Limits
from ecrkeeper_server.errors import ResourceExhausted


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def admission(clock: Clock | None = None, **limits: float) -> Admission:
    return Admission(Limits(**limits), clock or Clock(), lambda low, _high: low)  # type: ignore[arg-type]


CALLS, STREAMS = Kind.CALLS, Kind.STREAMS


def refused(gate: Admission, principal: str, kind: Kind = CALLS) -> ResourceExhausted:
    before = list(gate.in_work)
    with pytest.raises(ResourceExhausted) as caught:
        gate.enter(principal, kind)
    assert gate.in_work == before
    assert caught.value.retry_after
    return caught.value


def test_greedy_principal_leaves_capacity_for_others() -> None:
    gate = admission(calls=5, calls_per_principal=3)
    for _ in range(3):
        gate.enter("greedy", CALLS)
    found = refused(gate, "greedy")
    assert (found.reason, found.metadata) == ("CONCURRENCY_LIMITED", {"limit": "3", "of": "calls"})
    gate.enter("modest", CALLS)
    gate.leave("greedy", CALLS)
    gate.enter("greedy", CALLS)


def test_calls_above_server_limit_are_rejected() -> None:
    gate = admission(calls=2, calls_per_principal=2)
    gate.enter("a", CALLS)
    gate.enter("b", CALLS)
    assert refused(gate, "c").reason == "OVERLOADED"
    gate.leave("a", CALLS)
    gate.enter("c", CALLS)


def test_stream_and_call_limits_are_independent() -> None:
    gate = admission(calls=1, calls_per_principal=1, streams=2, streams_per_principal=2)
    gate.enter("a", STREAMS)
    gate.enter("a", STREAMS)
    gate.enter("a", CALLS)
    assert refused(gate, "a", STREAMS).metadata["of"] == "streams"
    assert refused(gate, "a").metadata["of"] == "calls"


def test_health_and_reflection_streams_have_own_limits() -> None:
    gate = admission(streams=1, streams_per_principal=1, health_streams=8)
    for _ in range(2):
        gate.enter("a", Kind.HEALTH_STREAMS)
    assert refused(gate, "a", Kind.HEALTH_STREAMS).reason == "CONCURRENCY_LIMITED", "a quarter is the most for one"
    gate.enter("a", STREAMS)
    for caller in "bcd":
        for _ in range(2):
            gate.enter(caller, Kind.HEALTH_STREAMS)
    found = refused(gate, "e", Kind.HEALTH_STREAMS)
    assert (found.reason, found.metadata) == ("OVERLOADED", {"limit": "8", "of": "health_streams"})


def test_health_checks_have_no_rate_limit() -> None:
    gate = admission(rate_per_principal=0.001, burst_per_principal=1)
    for _ in range(1000):
        gate.enter("a", Kind.HEALTH_CHECKS)
        gate.leave("a", Kind.HEALTH_CHECKS)


def test_rate_limit_allows_a_burst() -> None:
    clock = Clock()
    gate = admission(clock, rate_per_principal=2.0, burst_per_principal=3)

    def calls() -> int:
        made = 0
        while True:
            try:
                gate.enter("a", CALLS)
            except ResourceExhausted:
                return made
            gate.leave("a", CALLS)
            made += 1

    assert calls() == 3
    found = refused(gate, "a")
    assert (found.reason, found.retry_after) == ("RATE_LIMITED", 0.5)
    clock.now += 1.0
    assert calls() == 2
    clock.now += 3600.0
    assert calls() == 3


def test_retry_after_delay_is_admitted() -> None:
    clock = Clock()
    gate = admission(clock, rate_per_principal=7.0, burst_per_principal=1)
    for _ in range(50):
        gate.enter("a", CALLS)
        gate.leave("a", CALLS)
        clock.now += refused(gate, "a").retry_after or 0.0


def test_rejected_call_consumes_no_token() -> None:
    clock = Clock()
    gate = admission(clock, calls_per_principal=1, rate_per_principal=1.0, burst_per_principal=2)
    gate.enter("a", CALLS)
    for _ in range(10):
        assert refused(gate, "a").reason == "CONCURRENCY_LIMITED"
    gate.leave("a", CALLS)
    gate.enter("a", CALLS)


def test_rate_of_zero_rejects_all() -> None:
    gate = admission(rate_per_principal=0.0, burst_per_principal=1)
    for _ in range(100):
        gate.enter("a", CALLS)
        gate.leave("a", CALLS)


def test_rejection_jitters_retry_delay() -> None:
    gate = Admission(Limits(calls=1))
    gate.enter("a", CALLS)
    assert len({refused(gate, "b").retry_after for _ in range(20)}) > 10


def test_admission_bounds_idle_principals_and_keeps_active_ones() -> None:
    gate = admission()
    gate.enter("working", STREAMS)
    for number in range(30_000):
        gate.enter(f"p{number}", CALLS)
        gate.leave(f"p{number}", CALLS)
    assert len(gate) == 10_001, "the idle ones that are kept, and the active one"
    gate.leave("working", STREAMS)
    assert not any(gate.in_work)


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
        ("ipv4:nonsense", "ipv4", "what is not understood is one principal"),
        ("", "", "no peer"),
    ],
)
def test_anonymous_callers_are_distinguished_by_address(peer: str, address: str, reason: str) -> None:
    assert address_of(peer) == address, reason
