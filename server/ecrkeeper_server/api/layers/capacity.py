"""Who may call how often and how much at once: decisions only, by a clock that is passed in."""

from __future__ import annotations

import random
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from ecrkeeper_server.errors import ResourceExhausted

# Principals that are remembered: some 300 bytes each.
_PRINCIPALS = 10_000
_LONGEST_DELAY = 60.0
# Health checks take no time, unless their requests do not arrive: nobody comes near this who means well.
_CHECKS, _CHECKS_PER_PRINCIPAL = 500, 100


@dataclass(frozen=True, slots=True)
class Limits:
    """What the API takes on; docs/limits.md says what a caller sees of each. A rate of 0 is none."""

    calls: int = 800
    calls_per_principal: int = 200
    streams: int = 1000
    streams_per_principal: int = 100
    health_streams: int = 200
    rate_per_principal: float = 1000.0
    burst_per_principal: int = 2000
    message_bytes: int = 4 * 1024 * 1024
    request_bytes: int = 128 * 1024 * 1024
    metadata_bytes: int = 16 * 1024
    stream_seconds: float = 1800.0
    connection_seconds: float = 1800.0
    connections: int = 2000


class Kind(IntEnum):
    """What is counted apart, so that none takes the place of another.

    A stream, and a call that waits for something to happen, hardly work. Health and reflection are open to
    callers who have proved nothing, and need places of their own.
    """

    CALLS = 0
    STREAMS = 1
    HEALTH_STREAMS = 2
    HEALTH_CHECKS = 3


@dataclass(slots=True)
class Bucket:
    """Tokens that come back with time; filled at `at`."""

    tokens: float
    at: float

    def take(self, now: float, rate: float, burst: float) -> float:
        """Take a token: 0, or in how many seconds there is one."""
        self.tokens = min(burst, self.tokens + (now - self.at) * rate)
        self.at = now
        if self.tokens < 1.0:
            return (1.0 - self.tokens) / rate
        self.tokens -= 1.0
        return 0.0


@dataclass(slots=True)
class _Principal(Bucket):
    in_work: list[int]


class Admission:
    """Counts what is in work; refuses with ResourceExhausted, which says when to try again."""

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
        # By kind: in all, and of one principal.
        self._most = (
            (limits.calls, limits.calls_per_principal),
            (limits.streams, limits.streams_per_principal),
            (limits.health_streams, max(1, limits.health_streams // 4)),
            (_CHECKS, _CHECKS_PER_PRINCIPAL),
        )
        self.in_work = [0] * len(Kind)

    def enter(self, principal: str, kind: Kind) -> None:
        """Count a call or a stream, which `leave` must end; nothing is counted if it is refused."""
        known = self._known(principal)
        most, own = self._most[kind]
        if self.in_work[kind] >= most:
            what = kind.name.lower()
            raise self._refusal("OVERLOADED", f"the server has {most} {_words(what)} in work", what, most, 0.5)
        if known.in_work[kind] >= own:
            what = kind.name.lower()
            raise self._refusal("CONCURRENCY_LIMITED", f"this caller has {own} {_words(what)} in work", what, own, 0.2)
        # Probes come as often as they like.
        if kind != Kind.HEALTH_CHECKS:
            self._take_token(known)
        self.in_work[kind] += 1
        known.in_work[kind] += 1

    def leave(self, principal: str, kind: Kind) -> None:
        """End what `enter` counted."""
        self.in_work[kind] -= 1
        self._principals[principal].in_work[kind] -= 1

    def __len__(self) -> int:
        return len(self._principals)

    def _known(self, principal: str) -> _Principal:
        known = self._principals.get(principal)
        if known is None:
            self._forget_one()
            full = float(self._limits.burst_per_principal)
            known = self._principals[principal] = _Principal(full, self._clock(), [0] * len(Kind))
        self._principals.move_to_end(principal)
        return known

    def _forget_one(self) -> None:
        """Forget whoever called longest ago; who has something in work is not forgotten, and there are few of those."""
        if len(self._principals) < _PRINCIPALS:
            return
        idle = next((name for name, one in self._principals.items() if not any(one.in_work)), None)
        if idle is not None:
            del self._principals[idle]

    def _take_token(self, known: _Principal) -> None:
        rate = self._limits.rate_per_principal
        if rate <= 0:
            return
        delay = known.take(self._clock(), rate, float(self._limits.burst_per_principal))
        if delay:
            text = f"this caller may make {rate:g} calls per second"
            raise self._refusal("RATE_LIMITED", text, "calls_per_second", rate, max(0.1, delay))

    def _refusal(self, reason: str, text: str, what: str, limit: float, delay: float) -> ResourceExhausted:
        # Spread out, or all that were refused come again at the same moment.
        after = round(min(_LONGEST_DELAY, delay * self._jitter(1.0, 3.0)), 3)
        metadata = {"limit": f"{limit:g}", "of": what}
        return ResourceExhausted(
            f"{text}; try again after {after:g} s", reason=reason, metadata=metadata, retry_after=after
        )


def _words(what: str) -> str:
    return what.replace("_", " ")
