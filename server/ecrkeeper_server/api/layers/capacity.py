"""Limits on the rate and the concurrency of calls, with an injected clock."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager, nullcontext
from types import coroutine
from typing import Any, TypeVar

from cachetools import LRUCache

from ecrkeeper_server.api.layers.data_limit import CallData, DataLimit
from ecrkeeper_server.api.layers.limits import Kind, Limits
from ecrkeeper_server.errors import ResourceExhausted
from ecrkeeper_server.token_bucket import TokenBucket
from ecrkeeper_server.turns import SLICE, Turns, Work

T = TypeVar("T")

# Maximum number of principals in memory without calls in progress, some 300 bytes each.
_PRINCIPALS = 10_000
_LONGEST_DELAY = 60.0
# Health checks take no time unless their requests do not arrive, so ordinary clients stay far below
# these limits.
_CHECKS, _CHECKS_PER_PRINCIPAL = 500, 100
# Only principals with fewer calls in progress use the last eighth of a capacity. A few principals
# that use all they may would otherwise exhaust it for all others.
_FEW = 4
_RESERVE = 8
# A principal that has rested may use so many seconds' share of the CPU at once.
_CPU_SECONDS = 10.0


class _Principal(TokenBucket):
    in_work: list[int]
    # Made when they are first used: most principals send nothing large.
    elements: TokenBucket | None = None
    cpu: TokenBucket | None = None


class Admission:
    """Counts calls in progress; rejects with ResourceExhausted and a retry delay."""

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._jitter = jitter
        # Principals with calls in progress, and without.
        self._active: dict[str, _Principal] = {}
        self._idle: LRUCache[str, _Principal] = LRUCache(_PRINCIPALS)
        # By kind: the limit of all principals together, and of one.
        self._max = (
            (limits.calls, limits.calls_per_principal),
            (limits.streams, limits.streams_per_principal),
            (limits.health_streams, max(1, limits.health_streams // 4)),
            (_CHECKS, _CHECKS_PER_PRINCIPAL),
        )
        self.in_work = [0] * len(Kind)

    def enter(self, principal: str, kind: Kind) -> None:
        """Admit a call or a stream; `leave` must end it. A rejected one does not count."""
        known = self._known(principal)
        maximum, own = self._max[kind]
        shared = maximum if known.in_work[kind] < _FEW else without_reserve(maximum)
        if self.in_work[kind] >= shared:
            unit = kind.name.lower()
            most = "its maximum" if shared == maximum else f"the maximum for a caller that has {_FEW} or more"
            message = f"the server has {self.in_work[kind]} {_words(unit)} in progress, {most}"
            raise self._rejection("OVERLOADED", message, unit, shared, 0.5)
        if known.in_work[kind] >= own:
            unit = kind.name.lower()
            raise self._rejection(
                "CONCURRENCY_LIMITED", f"this caller has {own} {_words(unit)} in progress, its maximum", unit, own, 0.2
            )
        # Probes have no rate limit.
        if kind != Kind.HEALTH_CHECKS:
            self._check_debt(known)
            self._acquire_token(known)
        if principal not in self._active:
            self._active[principal] = known
            del self._idle[principal]
        self.in_work[kind] += 1
        known.in_work[kind] += 1

    def leave(self, principal: str, kind: Kind) -> None:
        """End a call or a stream that `enter` admitted."""
        self.in_work[kind] -= 1
        known = self._active[principal]
        known.in_work[kind] -= 1
        if not any(known.in_work):
            self._idle[principal] = self._active.pop(principal)

    def charge(self, principal: str, elements: int, *, checked: bool = True) -> None:
        """Count elements of a call.

        If it is to be checked, reject it while the principal is in debt. One call may go into debt, whatever its
        cost: so every call is admitted once the debt is paid.
        """
        rate = self._limits.elements_per_principal
        if rate <= 0:
            return
        known = self._known(principal)
        if known.elements is None:
            known.elements = TokenBucket(float(self._limits.burst_elements_per_principal), self._clock())
        if checked:
            self._check_debt(known)
        known.elements.spend(elements)

    def spent(self, principal: str, seconds: float) -> None:
        """Count seconds of CPU that a call has used for large work."""
        rate = self._limits.cpu_per_principal
        if rate <= 0:
            return
        known = self._known(principal)
        if known.cpu is None:
            known.cpu = TokenBucket(rate * _CPU_SECONDS, self._clock())
        known.cpu.spend(seconds)

    def __len__(self) -> int:
        return len(self._active) + len(self._idle)

    def _known(self, principal: str) -> _Principal:
        known = self._active.get(principal)
        if known is not None:
            return known
        try:
            return self._idle[principal]
        except KeyError:
            full = float(self._limits.burst_per_principal)
            known = self._idle[principal] = _Principal(full, self._clock(), [0] * len(Kind))
            return known

    def _check_debt(self, known: _Principal) -> None:
        """Reject a call of a principal that has used more elements or CPU than its share."""
        limits, now = self._limits, self._clock()
        if known.elements is not None:
            rate, burst = limits.elements_per_principal, float(limits.burst_elements_per_principal)
            if delay := known.elements.debt_seconds(now, rate, burst):
                message = f"this caller may have {rate:g} elements per second worked on"
                raise self._rejection("WORK_LIMITED", message, "elements_per_second", rate, max(0.1, delay))
        if known.cpu is not None:
            rate = limits.cpu_per_principal
            if delay := known.cpu.debt_seconds(now, rate, rate * _CPU_SECONDS):
                message = f"the large calls of this caller may use {rate:g} of a CPU"
                raise self._rejection("WORK_LIMITED", message, "cpu", rate, max(0.1, delay))

    def _acquire_token(self, known: _Principal) -> None:
        rate = self._limits.rate_per_principal
        if rate <= 0:
            return
        delay = known.acquire(self._clock(), rate, float(self._limits.burst_per_principal))
        if delay:
            message = f"this caller may make {rate:g} calls per second"
            raise self._rejection("RATE_LIMITED", message, "calls_per_second", rate, max(0.1, delay))

    def _rejection(self, reason: str, message: str, unit: str, limit: float, delay: float) -> ResourceExhausted:
        # Jitter, so that rejected callers do not all retry at the same moment.
        after = min(_LONGEST_DELAY, delay * self._jitter(1.0, 3.0))
        return retry_later(reason, message, limit=f"{limit:g}", of=unit, after=after)


class CallCosts:
    """Charges a principal for one call."""

    def __init__(
        self,
        admission: Admission,
        turns: Turns,
        peer: str,
        clock: Callable[[], float],
        limit: DataLimit | None = None,
    ) -> None:
        self._admission = admission
        self._limit = limit
        # Made when the call first holds something large: most calls hold nothing.
        self._data: CallData | None = None
        self._turns = turns
        self._peer = peer
        self._clock = clock
        self._charged = False
        self._seconds = 0.0
        self._work: Work | None = None

    def work(self) -> Work:
        """Return the work of the call."""
        if self._work is None:
            self._work = Work(self._turns, self._peer, charge=self._charge, spent=self._spend, data=self)
        return self._work

    async def hold(self, size: int) -> None:
        """Wait for the memory of large data, and hold it until the call ends."""
        if self._limit is not None and self._data is None:
            self._data = CallData(self._limit, self._peer)
        if self._data is not None:
            await self._data.hold(size)

    def released(self) -> AbstractAsyncContextManager[None]:
        """Release that memory during a block."""
        return nullcontext() if self._data is None else self._data.released()

    def end(self) -> None:
        """Release everything that the call holds."""
        # The work holds these costs.
        self._work = None
        if self._data is not None:
            self._data.end()

    def _charge(self, elements: int) -> None:
        # A call learns of more elements while it works. Once it is admitted, it may end.
        self._admission.charge(self._peer, elements, checked=not self._charged)
        self._charged = True

    def _spend(self, seconds: float) -> None:
        self._seconds += seconds
        self.work().large = self._seconds > SLICE
        self._admission.spent(self._peer, seconds)

    @coroutine
    def counting(self, call: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """Run a call, and charge it for steps that take longer than a slice.

        Reads of SQLite, conversions of JSON and of messages are such steps. What `Work` counts is not counted again.
        """
        send: Callable[[Any], Any] = call.send
        value: Any = None
        while True:
            began, counted = self._clock(), self._seconds
            try:
                awaited = send(value)
            except StopIteration as end:
                result: T = end.value
                return result
            finally:
                # This frame would hold an error, and the error this frame.
                value = None
                seconds = self._clock() - began - (self._seconds - counted)
                if seconds > SLICE:
                    self._spend(seconds)
            try:
                send, value = call.send, (yield awaited)
            except BaseException as error:  # a cancellation is the call's to handle
                send, value = call.throw, error
            awaited = None


def without_reserve(capacity: int) -> int:
    """Return the part of a capacity for principals that already use much of it."""
    return capacity - capacity // _RESERVE


def retry_later(reason: str, message: str, *, limit: str, of: str, after: float) -> ResourceExhausted:
    """Return the rejection of a call that the caller may repeat after some seconds."""
    after = round(after, 3)
    text = f"{message}; retry after {after:g} s"
    return ResourceExhausted(text, reason=reason, metadata={"limit": limit, "of": of}, retry_after=after)


def _words(unit: str) -> str:
    return unit.replace("_", " ")
