"""Compare sets of repository names, given by prefixes and wildcard patterns.

Facts: `CreateRepository` in the ECR API reference defines valid names.
"""

from __future__ import annotations

import re
import string
from collections import deque
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from ecrkeeper_server.turns import Steps

MAX_NAME = 256
MIN_NAME = 2

_ALPHANUMERIC = string.ascii_lowercase + string.digits
_SEPARATORS = "-._"
_ALPHABET = frozenset(_ALPHANUMERIC + _SEPARATORS + "/")
# Letters or digits surround separators and slashes, one at a time.
_PREFIX = re.compile(rf"(?:[{_ALPHANUMERIC}]+[{re.escape(_SEPARATORS)}/])*[{_ALPHANUMERIC}]*")
# The kinds of characters that can precede the next one of a name.
_SLASH, _LETTER, _SEPARATOR = range(3)


# The work of a step, which takes less than a millisecond.
_STEP = 100


class _State(NamedTuple):
    """The positions reached in the patterns, and the end of the name so far."""

    reached: int
    end: int
    long_enough: bool


class Budget:
    """Limit on the remaining work: comparing patterns can take exponential time."""

    def __init__(self, work: int) -> None:
        self._remaining = work
        self._pause = work

    def pauses(self) -> bool:
        """Return whether a step's work was consumed since the last pause."""
        if self._pause - self._remaining < _STEP:
            return False
        self._pause = self._remaining
        return True

    @property
    def used_up(self) -> bool:
        """Whether some work exceeded the limit."""
        return self._remaining < 0

    def spend(self, work: int) -> bool:
        """Consume some of it; return False if it is used up."""
        self._remaining -= work
        return not self.used_up


class Patterns:
    """Patterns with `*` and `?`, compared with all repository names at once.

    `*` stands for any text and `?` for one character. The positions of all
    patterns are bits of one number, so a few operations advance all of them. In
    the order of prefixes, a prefix only costs what it does not share with the one
    before.
    """

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = patterns
        self._start = self._loops = self._single = 0
        self._literal: dict[str, int] = {}
        self._ends: list[int] = []
        # The positions that a position behind a `*` makes redundant.
        self._lower: dict[int, int] = {}
        at = 0
        for pattern in patterns:
            at = self._add(pattern, at)
        self._all_ends = sum(self._ends)
        self._forever = self._loops & self._all_ends
        # The last prefix, and the state behind each of its characters.
        self._prefix = ""
        self._states = [_State(self._reduced(self._start), _SLASH, long_enough=False)]
        self._named = cache(self._with_ends)

    def _add(self, pattern: str, first: int) -> int:
        at = first
        self._start |= 1 << first
        for char in pattern:
            if char == "*":
                self._loops |= 1 << at
                self._lower[1 << at] = (1 << at) - (1 << first)
                continue
            if char == "?":
                self._single |= 1 << at
            elif char in _ALPHABET:
                self._literal[char] = self._literal.get(char, 0) | 1 << at
            at += 1
        self._ends.append(1 << at)
        return at + 1

    def finding_sets(self, prefix: str, budget: Budget) -> Steps[Mapping[frozenset[str], str] | None]:
        """Return, in steps, every set of patterns that some name under the prefix matches.

        Each set comes with a shortest such name, which matches no other pattern.
        None if the budget is used up; empty if no valid name has the prefix.
        """
        shortest = shortest_name(prefix)
        if shortest is None:
            return {}
        state = None if budget.used_up else self._behind(prefix, budget)
        if state is None:
            return None
        if not self._is_open(state):
            return {self._named(state.reached): shortest}
        names: dict[int, str] = {}
        queue, visited = deque([(state, prefix)]), {state}
        while queue:
            state, name = queue.popleft()
            matched = state.reached & self._all_ends
            if state.end == _LETTER and state.long_enough:
                names.setdefault(matched, name)
            if len(name) == MAX_NAME or (matched in names and not self._is_open(state)):
                continue
            if budget.pauses():
                yield
            for char in self._next_characters(state):
                if not budget.spend(1 + (state.reached & self._loops).bit_count()):
                    return None
                following = self._step(state, char, len(name) + 1)
                if following not in visited:
                    visited.add(following)
                    queue.append((following, name + char))
        return {self._named(matched): name for matched, name in names.items()}

    def _behind(self, prefix: str, budget: Budget) -> _State | None:
        """Return the state behind a prefix, or where its rest makes no difference.

        None if the budget is used up.
        """
        states = self._states
        walked = self._prefix[: len(states) - 1]
        shared = next((at for at, char in enumerate(walked) if prefix[at : at + 1] != char), len(walked))
        del states[1 + shared :]
        self._prefix = prefix
        while len(states) <= len(prefix) and self._is_open(states[-1]):
            if not budget.spend(1):
                return None
            states.append(self._step(states[-1], prefix[len(states) - 1], len(states)))
        return states[-1]

    def _is_open(self, state: _State) -> bool:
        """Return whether the rest of a name decides which patterns it matches.

        Behind a final `*`, it does not.
        """
        return bool(state.reached & ~self._forever)

    def _with_ends(self, matched: int) -> frozenset[str]:
        return frozenset(text for text, end in zip(self._patterns, self._ends, strict=True) if matched & end)

    def _next_characters(self, state: _State) -> Iterator[str]:
        """Yield one character for each distinct way to continue a name.

        Those are the characters that a pattern names here, and one of each kind.
        """
        named = [char for char, positions in self._literal.items() if positions & state.reached]
        for kind in (_ALPHANUMERIC, _SEPARATORS, "/"):
            other = next((char for char in kind if char not in named), None)
            if other is not None and _follows(state.end, other):
                yield other
        yield from (char for char in named if _follows(state.end, char))

    def _step(self, state: _State, char: str, length: int) -> _State:
        going = state.reached & (self._literal.get(char, 0) | self._single)
        reached = self._reduced((going << 1) | (state.reached & self._loops))
        return _State(reached, _end(char), length >= MIN_NAME)

    def _reduced(self, reached: int) -> int:
        """Remove positions that a later one behind a `*` makes redundant."""
        loops = reached & self._loops
        while loops:
            last = 1 << (loops.bit_length() - 1)
            reached &= ~self._lower[last]
            loops &= ~(self._lower[last] | last)
        return reached


def shortest_name(prefix: str) -> str | None:
    """Return the shortest valid name that begins with a prefix, or None."""
    if _PREFIX.fullmatch(prefix) is None:
        return None
    end = _end(prefix[-1]) if prefix else _SLASH
    missing = max(MIN_NAME - len(prefix), 0 if end == _LETTER else 1)
    name = prefix + _ALPHANUMERIC[0] * missing
    return name if len(name) <= MAX_NAME else None


def _end(char: str) -> int:
    if char == "/":
        return _SLASH
    return _SEPARATOR if char in _SEPARATORS else _LETTER


def _follows(end: int, char: str) -> bool:
    return end == _LETTER or _end(char) == _LETTER
