"""The elements and the CPU that a call costs its principal."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

from ecrkeeper_server.api.layers.capacity import Admission
from ecrkeeper_server.turns import SLICE, Turns, Work

T = TypeVar("T")


class CallCosts:
    """Charges a principal for one call."""

    def __init__(
        self, admission: Admission, turns: Turns, peer: str, clock: Callable[[], float] = time.thread_time
    ) -> None:
        self._admission = admission
        self._turns = turns
        self._peer = peer
        self._clock = clock
        self._charged = False
        self._seconds = 0.0

    def work(self) -> Work:
        """Return the work of the call."""
        return Work(self._turns, self._peer, charge=self._charge, spent=self._spend)

    def _charge(self, elements: int) -> None:
        # A call learns of more elements while it works. Once it is admitted, it may end.
        self._admission.charge(self._peer, elements, checked=not self._charged)
        self._charged = True

    def _spend(self, seconds: float) -> None:
        self._seconds += seconds
        self._admission.spent(self._peer, seconds)

    @coroutine
    def counting(self, call: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """Run a call, and charge it for what it does between two pauses if that takes longer than a slice.

        Reads of SQLite, conversions of JSON and of messages are such steps. What `Work` counts is not counted again.
        """
        send, value = call.send, None
        while True:
            began, counted = self._clock(), self._seconds
            try:
                found = send(value)
            except StopIteration as end:
                result: T = end.value
                return result
            finally:
                seconds = self._clock() - began - (self._seconds - counted)
                if seconds > SLICE:
                    self._spend(seconds)
            try:
                send, value = call.send, (yield found)
            except BaseException as error:  # a cancellation is the call's to handle
                send, value = call.throw, error
