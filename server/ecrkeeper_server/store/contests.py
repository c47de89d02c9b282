"""Contests: elements that somebody else changes again and again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from msgspec import Struct

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.store.clock import MICROSECONDS

LIMIT = 3
"""An element is contested after this many remediations without a quiet window in between."""
_DOUBLINGS = 6


class Contest(Struct, frozen=True):
    """The remediations of one element, and the other principal that changes it.

    `first` and `last` are the times of the first and the last one, in microseconds.
    """

    count: int
    first: int
    last: int
    actor: str = ""
    installation: str = ""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored contest; missing names are empty."""
        return cls(
            count=stored["count"],
            first=stored["first"],
            last=stored["last"],
            actor=stored.get("actor", ""),
            installation=stored.get("installation", ""),
        )

    def to_json(self) -> Json:
        """Return the stored form."""
        return {
            "count": self.count,
            "first": self.first,
            "last": self.last,
            "actor": self.actor,
            "installation": self.installation,
        }

    @property
    def contested(self) -> bool:
        """Whether the element was remediated so often that it is contested."""
        return self.count >= LIMIT

    def next_try(self, window: float) -> int:
        """Return when the element is written again, in microseconds.

        That is after a window, which doubles with each further remediation.
        """
        doublings = min(max(0, self.count - LIMIT), _DOUBLINGS)
        return self.last + (int(window * MICROSECONDS) << doublings)

    def waits(self, now: int, window: float) -> bool:
        """Whether the element is contested, and not to be written yet."""
        return self.contested and now < self.next_try(window)


Contests = Mapping[str, Mapping[str, Contest]]
"""The contests by setting and key."""


def load_contests(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Contest]]:
    """Read stored contests."""
    return {
        setting: {key: Contest.from_json(each) for key, each in elements.items()}
        for setting, elements in stored.items()
    }


def dump_contests(contests: Contests) -> Json:
    """Return contests as they are stored, without settings that have none."""
    return {
        setting: {key: each.to_json() for key, each in sorted(elements.items())}
        for setting, elements in contests.items()
        if elements
    }
