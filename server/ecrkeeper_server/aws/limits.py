"""Token buckets: how fast one account is called, by family of operations.

AWS publishes no rates for these APIs; the figures are self-imposed and low
enough to leave room for others that call with the same account.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ecrkeeper_server.errors import Temporary

# Tokens a second and the size of the bucket.
RATES = {"iam": (5.0, 20.0), "ecr-read": (20.0, 60.0), "ecr-write": (5.0, 20.0), "other": (5.0, 20.0)}
# Nobody waits longer than this for a token: there is a queue for that.
LONGEST_WAIT = 10.0
_BUCKETS = 20_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Limiter:
    """Delays calls so that no account is called faster than its rate; a throttle empties the bucket."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str, str], _Bucket] = OrderedDict()

    async def acquire(self, account: str, region: str, family: str) -> None:
        """Wait for a token."""
        delay = self.take(account, region, family)
        if delay > LONGEST_WAIT:
            self._give_back(account, region, family)
            raise Temporary(
                f"account {account} is called faster than ecrkeeper allows itself ({family})",
                reason="AWS_THROTTLED",
                after=delay,
            )
        try:
            await asyncio.sleep(delay)
        except asyncio.CancelledError:
            # Whoever gives up has not called.
            self._give_back(account, region, family)
            raise

    def take(self, account: str, region: str, family: str) -> float:
        """Take a token, if need be in advance; the seconds until it is due."""
        rate, size = RATES[family]
        bucket = self._bucket(account, region, family, size)
        now = self._clock()
        bucket.tokens = min(size, bucket.tokens + (now - bucket.at) * rate)
        bucket.at = now
        bucket.tokens -= 1
        return max(0.0, -bucket.tokens / rate)

    def _give_back(self, account: str, region: str, family: str) -> None:
        self._bucket(account, region, family, RATES[family][1]).tokens += 1

    def throttled(self, account: str, region: str, family: str) -> None:
        """AWS said it is too fast: what is left in the bucket is not to be used."""
        bucket = self._bucket(account, region, family, RATES[family][1])
        bucket.tokens = min(bucket.tokens, 0.0)

    def _bucket(self, account: str, region: str, family: str, size: float) -> _Bucket:
        # IAM is global: one bucket for the account, whatever the Region.
        key = (account, "" if family == "iam" else region, family)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(size, self._clock())
            if len(self._buckets) > _BUCKETS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket


def family_of(service: str, operation: str) -> str:
    """The family of operations that share a rate."""
    if service == "iam":
        return "iam"
    if service == "ecr":
        return "ecr-read" if is_read(operation) else "ecr-write"
    return "other"


def is_read(operation: str) -> bool:
    """Whether an operation changes nothing, so that it may be repeated without thought."""
    return operation.startswith(("Get", "List", "Describe", "Validate", "AssumeRole"))
