"""Token buckets, with a manual clock."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ecrkeeper_server.aws.attempts import Attempts
from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws.callers import CallersAws
from ecrkeeper_server.aws.limits import (
    LONGEST_WAIT,
    LONGEST_WAIT_OF_CALLERS,
    LOWEST_RATE,
    RATES,
    RECOVERY_SECONDS,
    Limiter,
    family_of,
    is_read,
)
from ecrkeeper_server.aws.reading import Answer
from ecrkeeper_server.aws.telemetry import CallTelemetry
from ecrkeeper_server.aws.wire import Credentials
from ecrkeeper_server.aws_errors import Temporary
from ecrkeeper_server.metrics.aws import FAMILIES as COUNTED
from ecrkeeper_server.metrics.server import Metrics
from hypothesis import given
from hypothesis import strategies as st


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("family", sorted(RATES))
def test_full_bucket_allows_burst_then_paces(family: str) -> None:
    clock = Clock()
    limiter, (rate, size) = Limiter(clock), RATES[family]
    assert [limiter.reserve("1", "r", family) for _ in range(int(size))] == [0.0] * int(size)
    assert limiter.reserve("1", "r", family) == pytest.approx(1 / rate)
    assert limiter.reserve("1", "r", family) == pytest.approx(2 / rate)
    clock.now += 2 / rate
    assert limiter.reserve("1", "r", family) == pytest.approx(1 / rate)
    clock.now += 10_000
    assert [limiter.reserve("1", "r", family) for _ in range(int(size))] == [0.0] * int(size)
    assert limiter.reserve("1", "r", family) > 0


def test_cloudtrail_is_asked_twice_in_any_second() -> None:
    limiter = Limiter(Clock())
    times = [limiter.reserve("1", "r", "cloudtrail") for _ in range(10)]
    assert all(later - earlier >= 1.0 for earlier, later in zip(times, times[2:], strict=False))


def test_families_are_counted_from_the_start() -> None:
    assert set(COUNTED) == set(RATES)


# account, Region, family, whether it shares the bucket of account 1, Region a, reason
SHARED = [
    ("1", "a", "ecr-write", "ecr-write", True, "the same"),
    ("2", "a", "ecr-write", "ecr-write", False, "another account"),
    ("1", "b", "ecr-write", "ecr-write", False, "another Region"),
    ("1", "a", "ecr-read", "ecr-write", False, "another family"),
    ("1", "b", "iam", "iam", True, "IAM is global"),
    ("2", "a", "sts", "sts", True, "STS counts its caller, not the account"),
    ("1", "b", "sts", "sts", False, "STS of another Region"),
    ("2", "a", "iam", "iam", False, "IAM of another account"),
]


@pytest.mark.parametrize(("account", "region", "family", "emptied", "shared", "reason"), SHARED)
def test_throttle_empties_one_bucket(
    account: str, region: str, family: str, emptied: str, shared: bool, reason: str
) -> None:
    limiter = Limiter(Clock())
    limiter.throttled("1", "a", emptied, sent=100.0)
    assert (limiter.reserve(account, region, family) > 0) is shared, reason


def test_throttle_keeps_token_debt() -> None:
    limiter = Limiter(Clock())
    for _ in range(40):
        limiter.reserve("1", "a", "iam")
    limiter.throttled("1", "a", "iam", sent=100.0)
    assert limiter.reserve("1", "a", "iam") == pytest.approx(21 / 2.5)


def test_throttle_halves_rate_once_for_running_calls() -> None:
    clock = Clock()
    limiter = Limiter(clock)
    top = RATES["ecr-read"][0]
    for _ in range(8):
        limiter.throttled("1", "a", "ecr-read", sent=clock.now)
    assert limiter.rate("1", "a", "ecr-read") == top / 2
    for _ in range(20):
        clock.now += 0.01
        limiter.throttled("1", "a", "ecr-read", sent=clock.now)
    assert limiter.rate("1", "a", "ecr-read") == pytest.approx(LOWEST_RATE, rel=0.1)
    assert limiter.rate("1", "b", "ecr-read") == limiter.rate("2", "a", "ecr-read") == top


def test_rate_recovers_over_time_despite_running_calls() -> None:
    clock = Clock()
    limiter = Limiter(clock)
    limiter.throttled("1", "a", "ecr-write", sent=clock.now)
    clock.now += RECOVERY_SECONDS / 4
    assert limiter.rate("1", "a", "ecr-write") == pytest.approx(5.0 * 0.75)
    limiter.throttled("1", "a", "ecr-write", sent=99.0)
    assert limiter.rate("1", "a", "ecr-write") == pytest.approx(5.0 * 0.75)
    clock.now += RECOVERY_SECONDS
    assert limiter.rate("1", "a", "ecr-write") == 5.0


# the rate per second that AWS allows
@pytest.mark.parametrize("allowed", [1.0, 2.0, 5.0, 12.0])
def test_rate_converges_to_aws_limit(allowed: float) -> None:
    clock = Clock()
    limiter, tokens, last = Limiter(clock), allowed, clock.now
    passed, rejected, begin = 0, 0, clock.now + 120
    while clock.now < begin + 600:
        clock.now += max(limiter.reserve("1", "a", "ecr-read"), 0.001)
        tokens, last = min(allowed, tokens + (clock.now - last) * allowed), clock.now
        steady = clock.now >= begin
        if tokens >= 1:
            tokens -= 1
            passed += steady
        else:
            limiter.throttled("1", "a", "ecr-read", sent=clock.now)
            rejected += steady
    assert passed / 600 > 0.6 * allowed
    assert rejected < 0.25 * passed


async def test_overlong_wait_is_rejected_without_token() -> None:
    clock = Clock()
    limiter = Limiter(clock)
    limiter.throttled("1", "a", "ecr-write", sent=clock.now)
    waits = [limiter.reserve("1", "a", "ecr-write") for _ in range(75)]
    assert waits[-1] == pytest.approx(LONGEST_WAIT)
    for _ in range(3):
        with pytest.raises(Temporary) as caught:
            await limiter.acquire("1", "a", "ecr-write")
        assert caught.value.reason == "AWS_THROTTLED"
        assert caught.value.after == pytest.approx(76 / 2.5)


class Recorded:
    """A client that makes the calls of `Attempts`, with a frozen clock."""

    def __init__(self) -> None:
        self.attempts = Attempts(self.exchange, Limiter(lambda: 0.0), CallTelemetry(Metrics().aws), lambda: 0.0)

    async def exchange(self, call: Call, _: Credentials) -> Answer:
        return Answer(200, {"name": call.params["name"], "value": "ENABLED"})

    async def read(self, call: Call) -> dict[str, Any]:
        return await self.attempts.run(call, Credentials("a", "b"))


async def test_reads_of_callers_leave_a_turn_to_the_engine() -> None:
    client: Any = Recorded()
    setting = ("1" * 12, "eu-west-1", "ecr", "GetAccountSetting", {"name": "BLOB_MOUNTING"})
    calls = [asyncio.create_task(CallersAws(client).call(*setting)) for _ in range(2_000)]
    for _ in range(5):
        await asyncio.sleep(0)
    failed = [str(getattr(each.exception(), "reason", "")) for each in calls if each.done() and each.exception()]
    assert set(failed) == {"AWS_THROTTLED"}
    rate, burst = RATES["ecr-read"]
    assert len(calls) - len(failed) <= burst + rate * LONGEST_WAIT_OF_CALLERS + 1
    engine = asyncio.create_task(client.read(Call(*setting)))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not engine.done(), "it waits for its turn, and does not fail"
    for each in (*calls, engine):
        each.cancel()
    await asyncio.gather(*calls, engine, return_exceptions=True)


def beside_a_slow_one(clock: Clock, accounts: int, pause: float = 0.0) -> Limiter:
    """Return a limiter after a call to each account, and a throttled one before."""
    limiter = Limiter(clock)
    limiter.throttled("slow", "a", "ecr-read", sent=clock.now)
    for n in range(accounts):
        limiter.reserve(str(n), "a", "ecr-read")
        clock.now += pause
    return limiter


def test_slow_bucket_outlives_thousands_of_others() -> None:
    limiter = beside_a_slow_one(Clock(), 50_000)
    assert limiter.rate("slow", "a", "ecr-read") == RATES["ecr-read"][0] / 2
    assert len(limiter._buckets) <= 20_001


def test_full_buckets_are_dropped() -> None:
    limiter = beside_a_slow_one(Clock(), 10_000, pause=0.001)
    # A token is back after 0.05 s, and 50 other accounts.
    assert len(limiter._buckets) < 200
    assert limiter.rate("slow", "a", "ecr-read") < RATES["ecr-read"][0]


class Unforgetting(Limiter):
    """A limiter that keeps every bucket."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._buckets.drop_full = lambda: None  # type: ignore[method-assign]


_CALLS = st.tuples(
    st.sampled_from("abcdef"), st.integers(1, 80), st.booleans(), st.sampled_from([0.0, 0.1, 4.0, 400.0])
)


@given(calls=st.lists(_CALLS, max_size=30))
def test_dropped_buckets_change_no_delay(calls: list[tuple[str, int, bool, float]]) -> None:
    clock = Clock()
    limiter, expected = Limiter(clock), Unforgetting(clock)
    for account, count, throttled, seconds in calls:
        for _ in range(count):
            assert limiter.reserve(account, "a", "ecr-read") == expected.reserve(account, "a", "ecr-read")
        for each in (limiter, expected) if throttled else ():
            each.throttled(account, "a", "ecr-read", sent=clock.now)
        clock.now += seconds


# service, operation, family, whether it reads, reason
FAMILIES = [
    ("iam", "GetRole", "iam", True, "IAM has one family"),
    ("iam", "CreateServiceLinkedRole", "iam", False, "so have its writes"),
    ("ecr", "DescribeRegistry", "ecr-read", True, "a read"),
    ("ecr", "ValidatePullThroughCacheRule", "ecr-read", True, "logs in upstream, changes nothing"),
    ("ecr", "PutRegistryPolicy", "ecr-write", False, "a write"),
    ("ecr", "StartReplicationBackfill", "ecr-write", False, "not idempotent"),
    ("sts", "AssumeRole", "sts", True, "may be repeated"),
    ("account", "ListRegions", "other", True, "neither"),
    ("cloudtrail", "LookupEvents", "cloudtrail", True, "AWS publishes this rate"),
    ("sqs", "ReceiveMessage", "sqs", True, "a message that was lost comes again"),
    ("sqs", "DeleteMessageBatch", "sqs", True, "a message can be deleted twice"),
]


@pytest.mark.parametrize(("service", "operation", "family", "reads", "reason"), FAMILIES)
def test_operations_have_families(service: str, operation: str, family: str, reads: bool, reason: str) -> None:
    assert (family_of(service, operation), is_read(operation)) == (family, reads), reason
