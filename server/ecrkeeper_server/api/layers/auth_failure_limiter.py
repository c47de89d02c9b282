"""Callers who do not prove who they are: how often they may try before they are told to wait."""

from __future__ import annotations

import random
import time
from collections import OrderedDict
from collections.abc import Callable

from ecrkeeper_server.api.layers.capacity import Bucket
from ecrkeeper_server.errors import ResourceExhausted, Unauthenticated

# Failures a second, and at once, of one address; and of all, so that many addresses do not become many lines.
_RATE, _BURST = 10.0, 200.0
_RATE_OF_ALL, _BURST_OF_ALL = 50.0, 1000.0
_ADDRESSES = 10_000
# Longer than gRPC's own retries wait: what is repeated with the same credentials fails again.
_WAIT_SECONDS = 10.0


class AuthFailureLimiter:
    """Counts calls whose credentials are missing or wrong, by address.

    Only failures count and only failures are refused: who proves a name is served, whoever else calls from the
    same address.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._all = Bucket(_BURST_OF_ALL, clock())
        self._addresses: OrderedDict[str, Bucket] = OrderedDict()

    def answer(self, address: str, why: Unauthenticated) -> Unauthenticated | ResourceExhausted:
        """What a call is told that failed: why, or, where there were too many of them, to wait as well."""
        now = self._clock()
        known = self._addresses.get(address)
        if known is None:
            if len(self._addresses) >= _ADDRESSES:
                self._addresses.popitem(last=False)
            known = self._addresses[address] = Bucket(_BURST, now)
        self._addresses.move_to_end(address)
        if not known.take(now, _RATE, _BURST) and not self._all.take(now, _RATE_OF_ALL, _BURST_OF_ALL):
            return why
        after = round(_WAIT_SECONDS * self._jitter(1.0, 3.0), 3)
        return ResourceExhausted(
            f"{why.message}; too many such calls come from {address}, try again after {after:g} s",
            reason="RATE_LIMITED",
            metadata={"limit": f"{_RATE:g}", "of": "failures_per_second", "cause": why.reason},
            retry_after=after,
        )
