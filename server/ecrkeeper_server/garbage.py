"""Collect cyclic garbage without a pause in every second.

A full collection traverses all objects that the process made since its start, and nobody is answered meanwhile: with
a thousand watches for 0.06 to 0.2 s. Python starts one whenever a quarter more objects have survived, which is once a
second while many calls are in flight, though almost nothing in the server forms cycles.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

# Younger objects are collected as usual; Python itself never starts a full collection.
_YOUNG, _MIDDLE, _NEVER = 700, 10, 2**30
_CHECK_SECONDS = 1.0
_STATM = Path("/proc/self/statm")


class Schedule(Struct, frozen=True):
    """When a full collection is due."""

    seconds: float = 300.0
    # Objects with long texts take much memory before there are many of them. Large calls and a thousand watches
    # together take less than this without any garbage.
    grown: int = 256 * 1024 * 1024

    def due(self, seconds: float, grown: int, survivors: int) -> bool:
        """Return whether a full collection is due.

        `seconds` have passed and the process has `grown` by so many bytes since the last one; `survivors` counts the
        collections since then whose survivors became old.
        """
        return survivors > 0 and (seconds >= self.seconds or grown >= self.grown)


@contextlib.contextmanager
def taken_over() -> Iterator[None]:
    """Exempt the objects that exist, and keep Python from full collections."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
    gc.enable()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def collect_garbage(
    schedule: Schedule | None = None,
    clock: Callable[[], float] = time.monotonic,
    memory: Callable[[], int] | None = None,
) -> None:
    """Run full collections on the event loop when they are due, until cancelled."""
    schedule, memory = schedule or Schedule(), memory or resident
    collected, size = clock(), memory()
    while True:
        await asyncio.sleep(_CHECK_SECONDS)
        if schedule.due(clock() - collected, memory() - size, gc.get_count()[2]):
            gc.collect()
            collected, size = clock(), memory()


def resident() -> int:
    """Return the resident memory in bytes; 0 where the system does not tell."""
    try:
        return int(_STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
