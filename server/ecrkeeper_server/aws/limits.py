"""Token buckets: how fast one account is called, by Region and family of operations.

AWS publishes no rates for these APIs; the figures are self-imposed and low
enough to leave room for others that call with the same account. Where AWS
allows less than that, each throttle halves the rate of its bucket, and time
brings it back: the rate follows what AWS allows, and no other account is
slowed down.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import LRUCache

from ecrkeeper_server.aws_errors import Temporary
from ecrkeeper_server.token_bucket import TokenBucket

# The highest rate in tokens a second, and the size of the bucket. STS allows 600 a second for each caller.
RATES = {
    "iam": (5.0, 20.0),
    "ecr-read": (20.0, 60.0),
    "ecr-write": (5.0, 20.0),
    "sts": (300.0, 600.0),
    "other": (5.0, 20.0),
}
# Nobody waits longer than this in all for one call: there is a queue for that.
LONGEST_WAIT = 30.0
# However much AWS throttles, so many calls a second are tried.
LOWEST_RATE = 0.5
# From nothing back to the highest rate.
RECOVERY_SECONDS = 300.0
# So many buckets are kept, and so many slow ones are passed over to forget one.
_BUCKETS, _SPARED = 20_000, 4


@dataclass(slots=True)
class _Bucket(TokenBucket):
    rate: float
    slowed_at: float = -math.inf


class _Buckets(LRUCache[tuple[str, str, str], _Bucket]):
    """The buckets that were used last; slow ones stay longer, because they have something to remember."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(_BUCKETS)
        self._clock = clock

    def popitem(self) -> tuple[tuple[str, str, str], _Bucket]:
        """Remove and return a bucket that was not used for long."""
        for _ in range(_SPARED):
            key, bucket = super().popitem()
            if self._clock() - bucket.slowed_at > RECOVERY_SECONDS:
                return key, bucket
            self[key] = bucket
        return super().popitem()


class Limiter:
    """Delays calls so that no account is called faster than its rate."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets = _Buckets(clock)

    async def acquire(self, account: str, region: str, family: str, patience: float = LONGEST_WAIT) -> float:
        """Wait for a token; the seconds that it took. Temporary if that takes longer than `patience`."""
        delay = self.take(account, region, family)
        if delay > patience:
            self._give_back(account, region, family)
            raise Temporary(
                f"account {account} is called {self.rate(account, region, family):.1f} times a second at most "
                f"({family}, {region}), because AWS throttles it or much is to be done there",
                reason="AWS_THROTTLED",
                after=delay,
            )
        if not delay:
            return delay
        try:
            await asyncio.sleep(delay)
        except asyncio.CancelledError:
            # Whoever gives up has not called.
            self._give_back(account, region, family)
            raise
        return delay

    def take(self, account: str, region: str, family: str) -> float:
        """Take a token, if need be in advance; the seconds until it is due."""
        bucket = self._filled(account, region, family)
        return bucket.reserve(bucket.rate)

    def rate(self, account: str, region: str, family: str) -> float:
        """The calls a second that are allowed at present."""
        return self._filled(account, region, family).rate

    def throttled(self, account: str, region: str, family: str, sent: float) -> None:
        """AWS refused a call that was sent at this time by the clock: slow down, once for all calls under way."""
        bucket = self._filled(account, region, family)
        bucket.tokens = min(bucket.tokens, 0.0)
        if sent > bucket.slowed_at:
            bucket.rate = max(LOWEST_RATE, bucket.rate / 2)
            bucket.slowed_at = self._clock()

    def _give_back(self, account: str, region: str, family: str) -> None:
        self._filled(account, region, family).release()

    def _filled(self, account: str, region: str, family: str) -> _Bucket:
        """The bucket as it is now."""
        top, size = RATES[family]
        bucket = self._bucket(account, region, family)
        elapsed = bucket.refill(self._clock(), bucket.rate, max(1.0, size * bucket.rate / top))
        bucket.rate = min(top, bucket.rate + elapsed * top / RECOVERY_SECONDS)
        return bucket

    def _bucket(self, account: str, region: str, family: str) -> _Bucket:
        # IAM is global: one bucket for the account, whatever the Region. STS counts its caller, whatever the account.
        key = ("" if family == "sts" else account, "" if family == "iam" else region, family)
        bucket = self._buckets.get(key)
        if bucket is None:
            top, size = RATES[family]
            bucket = self._buckets[key] = _Bucket(size, self._clock(), top)
        return bucket


def family_of(service: str, operation: str) -> str:
    """The family of operations that share a rate."""
    if service in ("iam", "sts"):
        return service
    if service == "ecr":
        return "ecr-read" if is_read(operation) else "ecr-write"
    return "other"


def is_read(operation: str) -> bool:
    """Whether an operation changes nothing, so that it may be repeated without thought."""
    return operation.startswith(("Get", "List", "Describe", "Validate", "AssumeRole"))
