"""Callers that fail to authenticate, with a clock that the tests set."""

from __future__ import annotations

import asyncio

import pytest
import structlog
from ecrkeeper_server.api.layers.auth_failure_limiter import AuthFailureLimiter
from ecrkeeper_server.api.layers.rejection_log import RejectionLog
from ecrkeeper_server.errors import ResourceExhausted, Unauthenticated, Unavailable
from ecrkeeper_server.identity.keys import IssuerKeys

EXPIRED = Unauthenticated("the token has expired", reason="TOKEN_EXPIRED")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def failures(limiter: AuthFailureLimiter, address: str) -> int:
    """Return the number of failed calls from an address before it is throttled."""
    count = 0
    while limiter.record(address, EXPIRED) is EXPIRED:
        count += 1
    return count


def test_failing_address_is_throttled_with_reason() -> None:
    clock = Clock()
    limiter = AuthFailureLimiter(clock, lambda low, _: low)
    assert failures(limiter, "a") == 200
    error = limiter.record("a", EXPIRED)
    assert isinstance(error, ResourceExhausted)
    assert (error.reason, error.metadata["cause"], error.retry_after) == ("RATE_LIMITED", "TOKEN_EXPIRED", 10.0)
    assert "the token has expired" in error.message
    clock.now += 1.0
    assert failures(limiter, "a") == 10
    assert failures(limiter, "b") == 200, "another address has failures of its own"


def test_excess_addresses_share_a_limit() -> None:
    limiter = AuthFailureLimiter(Clock())
    errors = [limiter.record(f"2001:db8:{n:x}::/64", EXPIRED) for n in range(20_000)]
    assert errors.count(EXPIRED) == 1000
    assert len(limiter._addresses) == 10_000


def test_rejections_are_logged_in_few_counted_lines() -> None:
    clock = Clock()
    refusals = RejectionLog(clock)
    with structlog.testing.capture_logs() as logs:
        for _ in range(100):
            refusals.note(EXPIRED)
            clock.now += 0.25
    assert [(line["event"], line["refused"]) for line in logs] == [("calls_rejected", n) for n in (1, 40, 40)]


async def test_waiters_for_slow_issuer_are_bounded() -> None:
    answered = asyncio.Event()

    async def fetch() -> bytes:
        await answered.wait()
        raise OSError("the issuer is down")

    keys = IssuerKeys(fetch, ("ES256",), period=300)
    waiting = [asyncio.create_task(keys.renewed()) for _ in range(200)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await keys.renewed()
    assert not any(task.done() for task in waiting)
    answered.set()
    assert all(isinstance(each, Unavailable) for each in await asyncio.gather(*waiting, return_exceptions=True))
    assert keys._waiting == 0
