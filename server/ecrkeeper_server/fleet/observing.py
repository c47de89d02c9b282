"""Decide on targets under way, page by page.

The registries follow nearly in the order in which their targets began. Each step therefore reads pages from the first
target under way on, as long as it can decide on half of a page, and one page further on: a few thousand targets that
wait do not keep the others from being decided. The work of a step follows the targets that it decides, and not those
under way. It ends after few targets, because it is one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Self

from msgspec import Struct, field

from ecrkeeper_server.fleet.judging import (
    LONGEST_SECONDS,
    PATIENCE_SECONDS,
    failing_destinations,
    judge,
    needs_settings,
)
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import rollout_pages, rollout_targets
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rollout_pages import FIRST, Cursor, Observed, Waits
from ecrkeeper_server.store.rollout_rows import UNDER_WAY, RolloutRow, TargetRow, TargetState

# How many targets a page has, and after how many a step ends: to decide on them takes some 10 ms.
_PAGE, _MAX_TARGETS = 128, 128


class Observation(Struct):
    """The targets that one step has decided, before and after.

    `at` is when targets were read, and `ends` are the ends of the last pages further on, by state. If there is `more`
    to decide, the next step is due at once.
    """

    at: int
    ends: dict[str, Cursor] = field(default_factory=dict)
    more: bool = False
    changed: list[tuple[TargetRow, TargetRow]] = field(default_factory=list)

    @classmethod
    def from_cursor(cls, stored: str) -> Self:
        """Parse the last observation of a rollout.

        While the targets are determined, the column holds an account.
        """
        if not stored.startswith("{"):
            return cls(0)
        members = json.loads(stored)
        return cls(members["at"], {state: Cursor(*end) for state, end in members["ends"].items()})

    @property
    def cursor(self) -> str:
        """The observation as its rollout stores it."""
        return json.dumps({"at": self.at, "ends": self.ends})


def observe(
    tx: Tx, rollout: RolloutRow, counts: Sequence[Mapping[str, int]], now: int, every: float = 0.0
) -> Observation:
    """Decide on targets of the rollout's wave under way.

    None is read if that was done less than `every` seconds ago.
    """
    last = Observation.from_cursor(rollout.cursor)
    if now < last.at + int(every * MICROSECONDS):
        return last
    observation = Observation(now)
    for state in sorted(UNDER_WAY):
        if rollout.wave < len(counts) and counts[rollout.wave].get(state, 0):
            reader = _Reader(tx, rollout, state, now, observation, _MAX_TARGETS)
            before = last.ends.get(state, FIRST)
            end = reader.read(FIRST)
            if reader.more:
                # The next step begins with these pages as well.
                end = before
            elif end is not None:
                end = reader.read(max(end, before))
            if end is not None:
                observation.ends[state] = end
            observation.more |= reader.more
    return observation


class _Reader(Struct):
    tx: Tx
    rollout: RolloutRow
    state: TargetState
    now: int
    observation: Observation
    remaining: int
    more: bool = False

    def read(self, after: Cursor) -> Cursor | None:
        """Decide on the targets behind a place; return the end of the last page.

        None if no others follow.
        """
        waits = Waits(self.now - PATIENCE_SECONDS * MICROSECONDS, self.now - LONGEST_SECONDS * MICROSECONDS)
        while True:
            page = rollout_pages.page(self.tx, self.rollout, self.state, after, _PAGE, waits)
            changed = self._judged(page.observed)
            self.observation.changed += changed
            self.remaining -= page.size
            if page.end is None or 2 * len(changed) < page.size:
                return page.end
            if self.remaining <= 0:
                self.more = True
                return page.end
            after = page.end

    def _judged(self, observed: Sequence[Observed]) -> list[tuple[TargetRow, TargetRow]]:
        tx, rollout = self.tx, self.rollout
        waves, uncounted = rollout.waves, _uncounted(tx, rollout, observed)
        complete = rollout_pages.with_settings(tx, rollout, list(filter(needs_settings, observed)))
        with_settings = {each.target.registry: each for each in complete}
        observed = [with_settings.get(each.target.registry, each) for each in observed]
        judged = [
            (each.target, judge(each, self.now, waves[min(each.target.wave, len(waves) - 1)].bake_seconds, uncounted))
            for each in observed
        ]
        return [(before, after) for before, after in judged if after is not before]


def _uncounted(tx: Tx, rollout: RolloutRow, observed: Sequence[Observed]) -> set[RegistryName]:
    """Return the failing replication destinations that the rollout has yet to change."""
    failing: set[RegistryName] = set().union(*map(failing_destinations, observed))
    targets = rollout_targets.named(tx, rollout, failing)
    return {name for name, target in targets.items() if target.state != TargetState.SUCCEEDED}
