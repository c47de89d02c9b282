"""Who may call how often and how much at once: decisions only, by a clock that is passed in."""

from __future__ import annotations

import random
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ecrkeeper_server.errors import ResourceExhausted

# Principals that are remembered: some 300 bytes each.
_PRINCIPALS = 10_000
_LONGEST_DELAY = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What the API takes on; docs/limits.md says what a caller sees of each. A rate of 0 is none."""

    calls: int = 800
    calls_per_principal: int = 200
    streams: int = 1000
    streams_per_principal: int = 100
    rate_per_principal: float = 1000.0
    burst_per_principal: int = 2000
    message_bytes: int = 4 * 1024 * 1024
    metadata_bytes: int = 16 * 1024
    stream_seconds: float = 1800.0
    connection_seconds: float = 1800.0
    connections: int = 2000


@dataclass(slots=True)
class _Principal:
    tokens: float
    at: float
    calls: int = 0
    streams: int = 0


class Admission:
    """Counts what is in work; refuses with ResourceExhausted, which says when to try again.

    A stream, and a call that waits for something to happen, hardly work: they
    are counted apart from calls, so that neither takes the place of the other.
    """

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._jitter = jitter
        self._principals: OrderedDict[str, _Principal] = OrderedDict()
        self.calls = 0
        self.streams = 0

    def enter(self, principal: str, *, stream: bool) -> None:
        """Count a call or a stream, which `leave` must end; nothing is counted if it is refused."""
        limits = self._limits
        known = self._known(principal)
        in_work, most, mine, own, what = (
            (self.streams, limits.streams, known.streams, limits.streams_per_principal, "streams")
            if stream
            else (self.calls, limits.calls, known.calls, limits.calls_per_principal, "calls")
        )
        if in_work >= most:
            raise self._refusal("OVERLOADED", f"the server has {most} {what} in work", what, most, 0.5)
        if mine >= own:
            raise self._refusal("CONCURRENCY_LIMITED", f"this caller has {own} {what} in work", what, own, 0.2)
        self._take_token(known)
        if stream:
            self.streams += 1
            known.streams += 1
        else:
            self.calls += 1
            known.calls += 1

    def leave(self, principal: str, *, stream: bool) -> None:
        """End what `enter` counted."""
        known = self._principals[principal]
        if stream:
            self.streams -= 1
            known.streams -= 1
        else:
            self.calls -= 1
            known.calls -= 1

    def __len__(self) -> int:
        return len(self._principals)

    def _known(self, principal: str) -> _Principal:
        known = self._principals.get(principal)
        if known is None:
            self._forget_one()
            known = self._principals[principal] = _Principal(float(self._limits.burst_per_principal), self._clock())
        self._principals.move_to_end(principal)
        return known

    def _forget_one(self) -> None:
        """Forget whoever called longest ago; who has something in work is not forgotten, and there are few of those."""
        if len(self._principals) < _PRINCIPALS:
            return
        idle = next((name for name, one in self._principals.items() if not (one.calls or one.streams)), None)
        if idle is not None:
            del self._principals[idle]

    def _take_token(self, known: _Principal) -> None:
        rate = self._limits.rate_per_principal
        if rate <= 0:
            return
        now = self._clock()
        known.tokens = min(float(self._limits.burst_per_principal), known.tokens + (now - known.at) * rate)
        known.at = now
        if known.tokens < 1.0:
            text = f"this caller may make {rate:g} calls per second"
            raise self._refusal("RATE_LIMITED", text, "calls_per_second", rate, max(0.1, (1.0 - known.tokens) / rate))
        known.tokens -= 1.0

    def _refusal(self, reason: str, text: str, what: str, limit: float, delay: float) -> ResourceExhausted:
        # Spread out, or all that were refused come again at the same moment.
        after = round(min(_LONGEST_DELAY, delay * self._jitter(1.0, 3.0)), 3)
        metadata = {"limit": f"{limit:g}", "of": what}
        return ResourceExhausted(
            f"{text}; try again after {after:g} s", reason=reason, metadata=metadata, retry_after=after
        )
