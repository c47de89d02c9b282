"""Waves: which part of a rollout each target belongs to; pure.

A wave with a selector takes the targets that the selector matches; the first such wave wins. The other targets form
the pool, in the order of their names: waves with a share take from it in their order, and the wave without either
takes the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ecrkeeper_server.errors import Violation
from ecrkeeper_server.fleet.selectors import Matcher, matcher
from ecrkeeper_server.fleet.targets import Target
from ecrkeeper_server.store.fleet_specs import Wave


class Selecting(Struct, frozen=True):
    """The waves of a strategy with a selector, each with its number."""

    matchers: tuple[tuple[int, Matcher], ...]

    @classmethod
    def of(cls, waves: Sequence[Wave]) -> Selecting:
        """Return the selecting waves; InvalidArgument names what is wrong with a selector."""
        return cls(
            tuple(
                (number, matcher(wave.selector, f"strategy.waves[{number}].selector"))
                for number, wave in enumerate(waves)
                if wave.selector is not None
            )
        )

    def wave_of(self, target: Target) -> int | None:
        """Return the wave that takes a target by its selector.

        None for a target of the pool.
        """
        return next((number for number, selector in self.matchers if selector.matches(target)), None)


class Range(Struct, frozen=True):
    """The part of the pool that a wave takes.

    Its positions are from `first` until before `end`.
    """

    wave: int
    first: int
    end: int


def ranges(waves: Sequence[Wave], total: int, pool: int) -> tuple[list[Range], int]:
    """Return the part of the pool of each wave, and how many targets no wave takes.

    Percentages are of the `total` targets of the rollout. A wave before the rest takes at least one, so that a canary
    of a small fleet is not empty.
    """
    shares = {number: min(pool, wave.share.of(total, 1)) for number, wave in enumerate(waves) if wave.share is not None}
    assigned, parts = 0, []
    for number, wave in enumerate(waves):
        if wave.selector is not None:
            continue
        if wave.rest:
            after = sum(shares[later] for later in shares if later > number)
            size = max(0, pool - assigned - after)
        else:
            size = min(shares[number], pool - assigned)
        parts.append(Range(number, assigned, assigned + size))
        assigned += size
    return parts, pool - assigned


def violations(waves: Sequence[Wave], path: str = "strategy.waves") -> list[Violation]:
    """Return what is wrong with the waves of a strategy, whatever the targets."""
    rests = [number for number, wave in enumerate(waves) if wave.rest]
    result = [
        Violation(f"{path}[{number}]", f"takes the rest, as waves[{rests[0]}] does; only one wave can")
        for number in rests[1:]
    ]
    shared = sum(wave.share.number for wave in waves if wave.share is not None and wave.share.percent)
    if shared > 100:
        result.append(Violation(path, f"must share out at most 100 percent, got {shared}"))
    return result
