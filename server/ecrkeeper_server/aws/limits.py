"""Token buckets that limit the calls to each account, by Region and family.

AWS publishes no rates for these APIs. The figures are self-imposed and low enough
to leave capacity for other callers of the account. If AWS allows less, each
throttle halves the rate of its bucket, which recovers over time: the rate follows
AWS's, and no other account is slowed down.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Iterable

from cachetools import LRUCache

from ecrkeeper_server.aws_errors import Temporary
from ecrkeeper_server.token_bucket import TokenBucket

# The highest rate in tokens per second, and the size of the bucket. STS allows 600 for each caller.
RATES = {
    "iam": (5.0, 20.0),
    "ecr-read": (20.0, 60.0),
    "ecr-write": (5.0, 20.0),
    "sts": (300.0, 600.0),
    # LookupEvents: 2 a second in each account and Region. A burst would add to the first second's calls.
    "cloudtrail": (2.0, 1.0),
    # Queues have no such limit.
    "sqs": (1000.0, 1000.0),
    "other": (5.0, 20.0),
}
# Receiving and deleting messages changes only the queue, and can be repeated.
_READS = ("Get", "List", "Describe", "Validate", "AssumeRole", "Lookup", "ReceiveMessage", "DeleteMessageBatch")
# The longest total wait for one call: the queue is for longer waits.
LONGEST_WAIT = 30.0
# The same for a read that a caller of the API asks for. However many there are, a call of the engine gets its turn.
LONGEST_WAIT_OF_CALLERS = LONGEST_WAIT / 2
# The lowest rate, however much AWS throttles.
LOWEST_RATE = 0.5
# The time from the lowest back to the highest rate.
RECOVERY_SECONDS = 300.0
# The number of stored buckets, of slow ones that an eviction skips, and of those that a new one tries to drop.
_BUCKETS, _SPARED, _DROPPED = 20_000, 4, 2


class _Bucket(TokenBucket):
    rate: float
    slowed_at: float = -math.inf

    def is_full(self, now: float, top: float, size: float) -> bool:
        """Return whether the bucket equals a new one: full rate, all tokens."""
        return self.rate >= top and self.tokens + (now - self.at) * self.rate >= size


class _Buckets(LRUCache[tuple[str, str, str], _Bucket]):
    """The buckets that are not full, and others that were used last.

    Full ones are dropped: in a sweep over many accounts they would scatter the memory of attempts, which costs a tenth
    of its CPU time. Slow ones stay longer, because their rate must be kept.
    """

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

    def drop_full(self) -> None:
        """Drop the least recently used buckets if they are full."""
        for _ in range(min(_DROPPED, len(self))):
            key, bucket = super().popitem()
            if not bucket.is_full(self._clock(), *RATES[key[2]]):
                self[key] = bucket


class Limiter:
    """Delays calls so that no account is called faster than its rate."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets = _Buckets(clock)

    async def acquire(self, account: str, region: str, family: str, max_wait: float = LONGEST_WAIT) -> float:
        """Wait for a token, and return the seconds.

        Raises Temporary if that takes longer than `max_wait`.
        """
        delay = self.reserve(account, region, family)
        if delay > max_wait:
            self._release(account, region, family)
            raise Temporary(
                f"account {account} is limited to {self.rate(account, region, family):.1f} calls per second "
                f"({family}, {region}), because AWS throttles it or many calls are waiting",
                reason="AWS_THROTTLED",
                after=delay,
            )
        if not delay:
            return delay
        try:
            await asyncio.sleep(delay)
        except asyncio.CancelledError:
            # A cancelled caller made no call.
            self._release(account, region, family)
            raise
        return delay

    def reserve(self, account: str, region: str, family: str) -> float:
        """Reserve a token, if necessary in advance; return the seconds until it is due."""
        bucket = self._filled(account, region, family)
        return bucket.reserve(bucket.rate)

    def rate(self, account: str, region: str, family: str) -> float:
        """Return the current rate in calls per second."""
        return self._filled(account, region, family).rate

    def throttled(self, account: str, region: str, family: str, sent: float) -> None:
        """Slow down after a throttled call, once for all calls that were running.

        The call was sent at this time by the clock.
        """
        bucket = self._filled(account, region, family)
        bucket.tokens = min(bucket.tokens, 0.0)
        if sent > bucket.slowed_at:
            bucket.rate = max(LOWEST_RATE, bucket.rate / 2)
            bucket.slowed_at = self._clock()

    def _release(self, account: str, region: str, family: str) -> None:
        self._filled(account, region, family).release()

    def _filled(self, account: str, region: str, family: str) -> _Bucket:
        """Return the bucket at this time."""
        top, size = RATES[family]
        bucket = self._bucket(account, region, family)
        elapsed = bucket.refill(self._clock(), bucket.rate, max(1.0, size * bucket.rate / top))
        bucket.rate = min(top, bucket.rate + elapsed * top / RECOVERY_SECONDS)
        return bucket

    def _bucket(self, account: str, region: str, family: str) -> _Bucket:
        # IAM is global: one bucket for an account in all Regions. STS limits the caller's account.
        key = ("" if family == "sts" else account, "" if family == "iam" else region, family)
        bucket = self._buckets.get(key)
        if bucket is None:
            self._buckets.drop_full()
            top, size = RATES[family]
            bucket = self._buckets[key] = _Bucket(size, self._clock(), top)
        return bucket


def family_of(service: str, operation: str) -> str:
    """Return the family of operations that share a rate."""
    if service in ("iam", "sts", "cloudtrail", "sqs"):
        return service
    if service == "ecr":
        return "ecr-read" if is_read(operation) else "ecr-write"
    return "other"


def least_seconds(calls: Iterable[tuple[str, str]]) -> float:
    """Return the least time for calls to one account and Region, in seconds.

    A call is a service and an operation. The buckets are full at the begin, and AWS throttles nothing.
    """
    counts = Counter(family_of(*call) for call in calls)
    return max((max(0.0, (count - RATES[family][1]) / RATES[family][0]) for family, count in counts.items()), default=0)


def is_read(operation: str) -> bool:
    """Return whether an operation is read-only, so that it may be retried."""
    return operation.startswith(_READS)
