"""A token bucket never exceeds burst and rate, and keeps its promised waits."""

from __future__ import annotations

import pytest
from ecrkeeper_server.token_bucket import TokenBucket
from hypothesis import given
from hypothesis import strategies as st

RATES = st.floats(0.5, 1000.0)
BURSTS = st.integers(1, 100).map(float)
PAUSES = st.lists(st.floats(0.0, 10.0), max_size=60)


@given(RATES, BURSTS, PAUSES)
def test_bucket_gives_no_more_than_burst_and_rate(rate: float, burst: float, pauses: list[float]) -> None:
    bucket, now = TokenBucket(burst, 0.0), 0.0
    acquired = 0
    for pause in pauses:
        now += pause
        acquired += bucket.acquire(now, rate, burst) == 0.0
    assert acquired <= burst + now * rate + 1e-6


@given(RATES, BURSTS, PAUSES)
def test_bucket_has_a_token_after_the_wait_that_it_returned(rate: float, burst: float, pauses: list[float]) -> None:
    bucket, now = TokenBucket(burst, 0.0), 0.0
    for pause in pauses:
        now += pause
        if wait := bucket.acquire(now, rate, burst):
            now += wait + 1e-6
            assert bucket.acquire(now, rate, burst) == 0.0


@given(RATES, st.integers(0, 20))
def test_reservations_are_due_one_after_another_at_the_rate(rate: float, tokens: int) -> None:
    bucket = TokenBucket(float(tokens), 0.0)
    waits = [bucket.reserve(rate) for _ in range(tokens + 5)]
    assert waits == pytest.approx([0.0] * tokens + [n / rate for n in range(1, 6)])


@given(RATES, st.floats(-5.0, 5.0))
def test_released_reservation_leaves_the_bucket_as_it_was(rate: float, tokens: float) -> None:
    bucket = TokenBucket(tokens, 0.0)
    bucket.reserve(rate)
    bucket.release()
    assert bucket.tokens == pytest.approx(tokens)


def test_refill_stops_at_the_burst_and_returns_the_time_passed() -> None:
    bucket = TokenBucket(0.0, 100.0)
    assert bucket.refill(102.0, 2.0, 10.0) == 2.0
    assert bucket.tokens == 4.0
    assert bucket.refill(200.0, 2.0, 10.0) == 98.0
    assert bucket.tokens == 10.0
