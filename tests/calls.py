"""Count called functions: a measure of cost that the load does not change."""

from __future__ import annotations

import sys
from collections import Counter
from types import FrameType
from typing import Any, Self


class Calls:
    """Counts the functions that are called in its context."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def _count(self, frame: FrameType, event: str, argument: Any) -> None:
        if event in ("call", "c_call"):
            self.counts[frame.f_code.co_name if event == "call" else argument.__name__] += 1

    def __enter__(self) -> Self:
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
