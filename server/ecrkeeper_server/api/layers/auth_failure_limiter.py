"""A limit on failed authentications by address, beyond which callers must wait."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from cachetools import LRUCache

from ecrkeeper_server.errors import ResourceExhausted, Unauthenticated
from ecrkeeper_server.token_bucket import TokenBucket

# Failures per second and burst: of one address, and of all, so that many addresses do not flood the
# log.
_RATE, _BURST = 10.0, 200.0
_RATE_OF_ALL, _BURST_OF_ALL = 50.0, 1000.0
_ADDRESSES = 10_000
# Longer than gRPC's own retries wait, because a retry with the same credentials fails again.
_WAIT_SECONDS = 10.0


class AuthFailureLimiter:
    """Counts calls whose credentials are missing or wrong, by address.

    Only failures count and are limited: an authenticated caller is served even if other callers
    from the same address fail.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._all = TokenBucket(_BURST_OF_ALL, clock())
        self._addresses: LRUCache[str, TokenBucket] = LRUCache(_ADDRESSES)

    def record(self, address: str, error: Unauthenticated) -> Unauthenticated | ResourceExhausted:
        """Count a failure; return its error, or one with a retry delay beyond the limit."""
        now = self._clock()
        known = self._addresses.get(address)
        if known is None:
            known = self._addresses[address] = TokenBucket(_BURST, now)
        if not known.acquire(now, _RATE, _BURST) and not self._all.acquire(now, _RATE_OF_ALL, _BURST_OF_ALL):
            return error
        after = round(_WAIT_SECONDS * self._jitter(1.0, 3.0), 3)
        return ResourceExhausted(
            f"{error.message}; too many such calls from {address}; retry after {after:g} s",
            reason="RATE_LIMITED",
            metadata={"limit": f"{_RATE:g}", "of": "failures_per_second", "cause": error.reason},
            retry_after=after,
        )
