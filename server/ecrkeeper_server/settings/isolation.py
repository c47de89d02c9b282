"""Find the changes of a document that AWS rejects.

ECR has no dry run, and it rejects a document as a whole without naming the
element in error. A search therefore writes subsets of the changes on top of
what AWS has. AWS rejects a document if and only if it rejects one of its
elements, so an accepted probe clears all of its elements.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct, field

from ecrkeeper_server.settings.element_sets import NO_KEYS, changed_keys, differing, merged, restricted, union, without
from ecrkeeper_server.settings.elements import Change, Elements, Keys, Value, any_paired, gather, grouping
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.settings.setting import Setting, nothing_denied
from ecrkeeper_server.turns import STEP, Steps, sorting

T = TypeVar("T")
_Probing = Generator[Keys | None, bool | None, T]
"""Yields keys to write on top of what AWS has, and is sent whether AWS accepted them.

No keys stand for the document as AWS has it. None is a pause between two steps.
"""
# Items of a step.
_AT_ONCE = 250


class Item(Struct, frozen=True):
    """Changes that are accepted or rejected together.

    `needs` are the keys that must be in place before; `time` is the time of the
    last change.
    """

    keys: Keys
    needs: Keys = NO_KEYS
    time: int = 0


class Verdict(Struct):
    """Progress of a search.

    `held` need a key that is not in place. `unfit` exceed AWS's limits until
    removals free capacity. If `base_rejected`, AWS rejects the document that it
    has, so nothing can be said of any change.
    """

    accepted: Keys = NO_KEYS
    rejected: list[Item] = field(default_factory=list)
    held: list[Item] = field(default_factory=list)
    unfit: list[Item] = field(default_factory=list)
    base_rejected: bool = False

    @property
    def decided(self) -> Keys:
        """The keys that need no further probe."""
        groups = (item.keys for items in (self.rejected, self.held, self.unfit) for item in items)
        return union([self.accepted, *groups])


def calls_needed(items: int) -> int:
    """Return the calls in which an attempt surely decides one of these items.

    The first one writes everything, one is for the items that changed last, and one for the document as AWS has it.
    The others halve the items.
    """
    return 3 + items.bit_length()


class Search:
    """A search among changes that suspects the most recent ones first.

    If `rejected`, AWS has rejected all of the changes together. If `proven`, AWS
    accepts the document that it has. `fits` returns whether AWS's limits allow
    the keys on top of that document.
    """

    def __init__(
        self, items: Sequence[Item], fits: Callable[[Keys], bool], *, rejected: bool, proven: bool = False
    ) -> None:
        self._items = sorted(items, key=lambda item: -item.time)
        self._fits = fits
        self._rejected = rejected
        self._proven = proven
        self._probes = self._probing()
        self.verdict = Verdict()

    def advancing(self, accepted: bool | None = None) -> Steps[Keys | None]:
        """Return the next probe in steps, given whether AWS accepted the one before.

        None ends the search. The verdict is up to date between any two probes.
        """
        try:
            keys = self._probes.send(accepted)
            while keys is None:
                yield
                keys = next(self._probes)
        except StopIteration:
            return None
        return keys

    def _probing(self) -> _Probing[None]:
        first = [item for item in self._items if not item.needs]
        then = [item for item in self._items if item.needs]
        yield None
        yield from self._among(first, rejected=self._rejected and not then)
        if self.verdict.base_rejected:
            return
        clean = not (self.verdict.rejected or self.verdict.unfit)
        free = [item for item in then if item.needs <= self.verdict.accepted]
        self.verdict.held += [item for item in then if not item.needs <= self.verdict.accepted]
        yield from self._among(free, rejected=self._rejected and clean and bool(free))

    def _among(self, items: Sequence[Item], *, rejected: bool) -> _Probing[None]:
        """Halve a rejected group until one item is left, then try all others at once.

        Only the first division of a group goes by time: an attempt has few calls, and each attempt must decide an item.
        """
        suspects, unknown = (list(items), []) if rejected else ([], list(items))
        divided = False
        while suspects or unknown:
            if not suspects:
                group, unknown, divided = (yield from self._fitting(unknown)), [], False
                suspects = [] if not group or (yield from self._probe(group)) else group
            elif len(suspects) == 1:
                if not (yield from self._base_holds()):
                    return
                self.verdict.rejected.append(suspects.pop())
            else:
                newer, older = _halves(suspects) if divided else _parted(suspects)
                divided = True
                group = yield from self._fitting(older)
                if not group or (yield from self._probe(group)):
                    # A newer item is certainly in error only if AWS accepted all of the older ones.
                    suspects, unknown = (newer, unknown) if len(group) == len(older) else ([], newer + unknown)
                else:
                    suspects, unknown = group, newer + unknown

    def _probe(self, group: Sequence[Item]) -> _Probing[bool]:
        keys = yield from _uniting(group)
        yield None
        accepted = bool((yield keys))
        if accepted:
            self.verdict.accepted = self.verdict.accepted | keys
            self._proven = True
        return accepted

    def _base_holds(self) -> _Probing[bool]:
        """Return whether AWS accepts its own document, before any change is blamed."""
        if not self._proven:
            self._proven = bool((yield NO_KEYS))
            self.verdict.base_rejected = not self._proven
        return self._proven

    def _fitting(self, group: Sequence[Item]) -> _Probing[list[Item]]:
        """Return the items that fit beside what AWS has; set the others aside."""
        if not group:
            return []
        keys = yield from _uniting(group)
        yield None
        if self._fits(keys):
            return list(group)
        fitting: list[Item] = []
        keys = NO_KEYS
        for item in group:
            yield None
            with_item = union([keys, item.keys])
            if self._fits(with_item):
                fitting.append(item)
                keys = with_item
            else:
                self.verdict.unfit.append(item)
        return fitting


def _uniting(items: Iterable[Item]) -> Steps[Keys]:
    """Return the keys of items in steps."""
    sets = [item.keys for item in items if item.keys]
    yield
    if any_paired(*sets):
        return (yield from PairKeys.uniting(sets))
    return frozenset[str]().union(*sets)


def _parted(suspects: list[Item]) -> tuple[list[Item], list[Item]]:
    """Separate the items that changed last from the others, or else halve them."""
    newest = sum(item.time == suspects[0].time for item in suspects)
    return (suspects[:newest], suspects[newest:]) if newest < len(suspects) else _halves(suspects)


def _halves(suspects: list[Item]) -> tuple[list[Item], list[Item]]:
    cut = len(suspects) // 2
    return suspects[:cut], suspects[cut:]


def itemizing(
    setting: Setting, changes: Iterable[Change], owners: Elements, times: Mapping[str, int]
) -> Steps[list[Item]]:
    """Group the changes of one unit and the same owners into items, in steps."""
    changes = [change for change in changes if change.after is not None]
    needed = needs(setting, changes, owners)
    yield
    units: dict[str, dict[tuple[str, ...], list[Keys]]] = {}
    processed = 0
    for keys, (changed, of_owners) in (yield from grouping(changed_keys(changes), owners)):
        for unit, each in setting.units(keys) if changed else ():
            units.setdefault(unit, {}).setdefault(tuple(of_owners or ()), []).append(each)
        processed += len(keys)
        if processed >= STEP // 8:
            yield
            processed = 0
    items: list[Item] = []
    for _, of_unit in sorted(units.items(), key=lambda each: each[0]):
        for of_owners in (yield from sorting(of_unit)):
            keys = union(of_unit[of_owners])
            time = max((times.get(owner, 0) for owner in of_owners), default=0)
            items.append(Item(keys, union(needed[key] for key in keys) if needed else NO_KEYS, time))
            if len(items) % _AT_ONCE == 0:
                yield
    return items


def needs(setting: Setting, changes: Iterable[Change], owners: Elements) -> dict[str, Keys]:
    """Return the pending denials that must be written before each change.

    A change waits for its owners' denials. The removal of a denial waits for
    the denials that replace it, or for all if its owners are not known. Empty
    for a setting whose elements deny nothing.
    """
    if setting.denies is nothing_denied:
        return {}
    changes = list(changes)
    denials = {c.key: set(owners.get(c.key, ())) for c in changes if _denies(setting, c.after)}
    needed = {}
    for change in changes:
        own = set(owners.get(change.key, ()))
        if change.key in denials or not denials or (change.after is None and not _denies(setting, change.before)):
            needed[change.key] = NO_KEYS
        else:
            unknown = change.after is None and not own
            needed[change.key] = frozenset(key for key, others in denials.items() if unknown or own & others)
    return needed


def _denies(setting: Setting, value: Value | None) -> bool:
    return value is not None and setting.denies(value)


def with_changes(elements: Elements, changes: Iterable[Change]) -> Elements:
    """Return the elements after these changes."""
    changes = list(changes)
    removed = changed_keys(change for change in changes if change.after is None)
    changed = gather((change.keys, change.after) for change in changes if change.after is not None)
    return merged(without(elements, removed), changed)


def unmade_changes(changes: Iterable[Change], elements: Elements) -> list[Change]:
    """Return the changes that these elements do not show."""
    changes = list(changes)
    return list(restricted(changes, differing(elements, with_changes(elements, changes))))
