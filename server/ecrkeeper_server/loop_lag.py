"""Measure the lag of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_SECONDS = 0.1


async def watch_lag(observe: Callable[[float], None]) -> None:
    """Observe ten times a second how many seconds late the loop wakes.

    Runs until it is cancelled.
    """
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + _SECONDS
        await asyncio.sleep(_SECONDS)
        observe(max(0.0, clock() - due))
