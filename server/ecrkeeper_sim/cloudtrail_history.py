"""The event history of CloudTrail, by account and Region.

Records have a maximum age and a maximum number.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

RETENTION_SECONDS = 90 * 86400

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One record.

    `attributes` has the values that LookupEvents filters by, `text` the record as JSON.
    """

    number: int
    time: int
    attributes: Mapping[str, str]
    resources: tuple[Mapping[str, str], ...]
    text: str


@dataclass(slots=True)
class History:
    """The records of all accounts and Regions, in the order of the calls."""

    # The rate limit of LookupEvents by account and Region: the remaining calls, and since when.
    allowances: dict[Place, tuple[float, float]] = field(default_factory=dict)
    _records: dict[Place, deque[Recorded]] = field(default_factory=dict)
    _order: deque[Place] = field(default_factory=deque)
    _next: int = 1

    def add(self, place: Place, time: float, maximum: int, text: str, **members: Any) -> None:
        """Append a record; drop the oldest ones of all accounts beyond `maximum`."""
        self.prune(time)
        if maximum < 1:
            return
        while len(self._order) >= maximum:
            self._drop_oldest()
        self._records.setdefault(place, deque()).append(Recorded(self._next, int(time), text=text, **members))
        self._order.append(place)
        self._next += 1

    def newest_first(self, place: Place) -> Iterator[Recorded]:
        """Yield the records of an account in a Region."""
        yield from reversed(self._records.get(place, ()))

    def prune(self, now: float) -> None:
        """Forget the records that are older than 90 days."""
        while self._order and self._records[self._order[0]][0].time < now - RETENTION_SECONDS:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        place = self._order.popleft()
        records = self._records[place]
        records.popleft()
        if not records:
            del self._records[place]
