"""Plain text worth reading: headings, tables and progress.

Colour only on a terminal.
"""

from __future__ import annotations

import os
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_TERMINAL = sys.stdout.isatty()
_COLOUR = _TERMINAL and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
_WIDTH = 112
_BOLD, _GREEN, _DIM = "1", "32", "2"


def say(text: str = "") -> None:
    """Print one line."""
    print(text, flush=True)


def _painted(text: str, colour: str) -> str:
    return f"\033[{colour}m{text}\033[0m" if _COLOUR else text


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings, each column as wide as its widest cell."""
    widths = [max(len(row[i]) for row in (headings, *rows)) for i in range(len(headings))]
    for number, row in enumerate((headings, *rows)):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        say("   " + (_painted(line, _DIM) if number == 0 else line))


def note(text: str) -> None:
    """Print a remark within a step, wrapped to the width of a page."""
    for line in textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False, subsequent_indent="  "):
        say(f"   {line}")


def checked(text: str) -> None:
    """Print an outcome that was compared with what it must be."""
    say(f"   {_painted('ok', _GREEN)} {text}")


@contextmanager
def step(number: int, title: str) -> Iterator[None]:
    """Print the heading of a step and, when it has gone well, how long it took."""
    say(f"\n{_painted(f'{number}. {title}', _BOLD)}")
    begun = time.monotonic()
    yield
    say(_painted(f"   ({time.monotonic() - begun:.1f} s)", _DIM))


class Progress:
    """A thing to wait for.

    It shows as one line that changes on a terminal, and as one line per change elsewhere.
    """

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._last = ""

    def show(self, text: str) -> None:
        """Show the state of now."""
        line = f"   {time.monotonic() - self._begun:5.1f} s  {text}"
        if _TERMINAL:
            sys.stdout.write(f"\r\033[K{line[:118]}")
            sys.stdout.flush()
        elif text != self._last:
            say(line)
        self._last = text

    def end(self) -> None:
        """Leave the last state on the screen."""
        if _TERMINAL and self._last:
            say()
