"""Which changes of a document AWS refuses: found by writing subsets of them on top of what AWS has.

ECR has no dry run, and it refuses a document as a whole without naming the element at fault. It refuses a
document exactly if one of the elements is at fault, so an accepted probe clears all of its elements.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ecrkeeper_server.settings.elements import Change, Elements, Value
from ecrkeeper_server.settings.setting import Setting

Keys = frozenset[str]
NOTHING: Keys = frozenset()

Probes = Generator[Keys, bool, None]
"""Yields the keys to write on top of what AWS has, expects whether AWS accepted them; no keys: what AWS has."""


@dataclass(frozen=True, slots=True)
class Item:
    """Changes that are blamed together. `needs` are keys that must be in place before; `time` is the last change."""

    keys: Keys
    needs: Keys = NOTHING
    time: int = 0


@dataclass(slots=True)
class Verdict:
    """Progress of a search.

    `held` have a need that is not in place; `unfit` exceed what AWS allows until removals make room.
    `base_refused`: AWS refuses what it has, so nothing can be said of any change.
    """

    accepted: set[str] = field(default_factory=set)
    faulty: list[Item] = field(default_factory=list)
    held: list[Item] = field(default_factory=list)
    unfit: list[Item] = field(default_factory=list)
    base_refused: bool = False

    @property
    def decided(self) -> Keys:
        """The keys that need no further probe."""
        found = (item.keys for items in (self.faulty, self.held, self.unfit) for item in items)
        return frozenset(self.accepted).union(*found)


class Search:
    """A search among changes, the last changed first.

    `refused`: AWS has refused all of them together. `proven`: AWS takes what it has. `fits` tells whether keys on
    top of what AWS has stay within AWS's limits.
    """

    def __init__(
        self, items: Sequence[Item], fits: Callable[[Keys], bool], *, refused: bool, proven: bool = False
    ) -> None:
        self._items = sorted(items, key=lambda item: -item.time)
        self._fits = fits
        self._refused = refused
        self._proven = proven
        self.verdict = Verdict()

    def probes(self) -> Probes:
        """The probes, one after the other; the verdict is up to date between any two of them."""
        first = [item for item in self._items if not item.needs]
        then = [item for item in self._items if item.needs]
        yield from self._among(first, refused=self._refused and not then)
        if self.verdict.base_refused:
            return
        clean = not (self.verdict.faulty or self.verdict.unfit)
        free = [item for item in then if item.needs <= self.verdict.accepted]
        self.verdict.held += [item for item in then if not item.needs <= self.verdict.accepted]
        yield from self._among(free, refused=self._refused and clean and bool(free))

    def _among(self, items: Sequence[Item], *, refused: bool) -> Probes:
        """Halve a group that AWS has refused until one is left, then try everything else at once."""
        suspects, unknown = (list(items), []) if refused else ([], list(items))
        while suspects or unknown:
            if not suspects:
                group, unknown = self._fitting(unknown), []
                suspects = [] if not group or (yield from self._probe(group)) else group
            elif len(suspects) == 1:
                if not (yield from self._base_holds()):
                    return
                self.verdict.faulty.append(suspects.pop())
            else:
                newer, older = _parted(suspects)
                group = self._fitting(older)
                if not group or (yield from self._probe(group)):
                    # Only if all of the older ones are cleared, a newer one must be at fault.
                    suspects, unknown = (newer, unknown) if len(group) == len(older) else ([], newer + unknown)
                else:
                    suspects, unknown = group, newer + unknown

    def _probe(self, group: Sequence[Item]) -> Generator[Keys, bool, bool]:
        keys = _keys(group)
        accepted = yield keys
        if accepted:
            self.verdict.accepted |= keys
            self._proven = True
        return accepted

    def _base_holds(self) -> Generator[Keys, bool, bool]:
        """Before anything is blamed: AWS may refuse what it has, whatever is added to it."""
        if not self._proven:
            self._proven = yield NOTHING
            self.verdict.base_refused = not self._proven
        return self._proven

    def _fitting(self, group: Sequence[Item]) -> list[Item]:
        """Those of a group that fit beside what AWS has; the others are set aside."""
        if not group or self._fits(_keys(group)):
            return list(group)
        fitting: list[Item] = []
        for item in group:
            fits = self._fits(_keys([*fitting, item]))
            (fitting if fits else self.verdict.unfit).append(item)
        return fitting


def _keys(items: Iterable[Item]) -> Keys:
    return NOTHING.union(*(item.keys for item in items))


def _parted(suspects: list[Item]) -> tuple[list[Item], list[Item]]:
    """Those that changed last and the others, or else halves."""
    newest = sum(item.time == suspects[0].time for item in suspects)
    cut = newest if newest < len(suspects) else len(suspects) // 2
    return suspects[:cut], suspects[cut:]


def items_of(
    setting: Setting, changes: Iterable[Change], owners: Mapping[str, Sequence[str]], times: Mapping[str, int]
) -> list[Item]:
    """The changes as items: those of one unit and of the same owners together, each with what it needs."""
    changes = [change for change in changes if change.after is not None]
    needed = needs(setting, changes, owners)
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for change in changes:
        groups.setdefault((setting.unit(change.key), tuple(owners.get(change.key, ()))), []).append(change.key)
    return [
        Item(
            frozenset(keys),
            NOTHING.union(*(needed[key] for key in keys)),
            max((times.get(owner, 0) for owner in of_owners), default=0),
        )
        for (_, of_owners), keys in sorted(groups.items())
    ]


def needs(setting: Setting, changes: Iterable[Change], owners: Mapping[str, Sequence[str]]) -> dict[str, Keys]:
    """The pending denials that each change must not go before: those of its owners.

    A denial that is removed waits for those that its owners want instead, or for all where its owners are not known.
    """
    changes = list(changes)
    denials = {c.key: set(owners.get(c.key, ())) for c in changes if _denies(setting, c.after)}
    needed = {}
    for change in changes:
        mine = set(owners.get(change.key, ()))
        if change.key in denials or not denials or (change.after is None and not _denies(setting, change.before)):
            needed[change.key] = NOTHING
        else:
            unknown = change.after is None and not mine
            needed[change.key] = frozenset(key for key, theirs in denials.items() if unknown or mine & theirs)
    return needed


def _denies(setting: Setting, value: Value | None) -> bool:
    return value is not None and setting.denies(value)


def with_changes(elements: Elements, changes: Iterable[Change]) -> dict[str, Value]:
    """The elements after these changes."""
    changed = dict(elements)
    for change in changes:
        if change.after is None:
            changed.pop(change.key, None)
        else:
            changed[change.key] = change.after
    return changed
