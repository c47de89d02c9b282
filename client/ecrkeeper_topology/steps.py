"""Work in short steps, between which a server does other work."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")
Steps = Generator[None, None, T]
"""Work that yields wherever it may pause; its result is what it returns."""

STEP = 100
"""Edges of a step."""


def finish(steps: Steps[T]) -> T:
    """Return the result of all steps."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
