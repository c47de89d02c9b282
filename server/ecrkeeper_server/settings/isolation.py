"""Find the changes of a document that AWS rejects.

ECR has no dry run, and it rejects a document as a whole without naming the
element in error. A search therefore writes subsets of the changes on top of
what AWS has. AWS rejects a document if and only if it rejects one of its
elements, so an accepted probe clears all of its elements.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

from msgspec import Struct, field

from ecrkeeper_server.settings.element_sets import NO_KEYS, changed_keys, differing, merged, restricted, union, without
from ecrkeeper_server.settings.elements import Change, Elements, Keys, Value, alike, gather
from ecrkeeper_server.settings.setting import Setting, nothing_denied

Probes = Generator[Keys, bool, None]
"""Yields keys to write on top of what AWS has, and is sent whether AWS accepted them.

No keys stand for the document as AWS has it.
"""


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
        self.verdict = Verdict()

    def probes(self) -> Probes:
        """Yield the probes; the verdict is up to date between any two of them."""
        first = [item for item in self._items if not item.needs]
        then = [item for item in self._items if item.needs]
        yield from self._among(first, rejected=self._rejected and not then)
        if self.verdict.base_rejected:
            return
        clean = not (self.verdict.rejected or self.verdict.unfit)
        free = [item for item in then if item.needs <= self.verdict.accepted]
        self.verdict.held += [item for item in then if not item.needs <= self.verdict.accepted]
        yield from self._among(free, rejected=self._rejected and clean and bool(free))

    def _among(self, items: Sequence[Item], *, rejected: bool) -> Probes:
        """Halve a rejected group until one item is left, then try all others at once.

        Only the first division of a group goes by time: an attempt has few calls, and each attempt must decide an item.
        """
        suspects, unknown = (list(items), []) if rejected else ([], list(items))
        divided = False
        while suspects or unknown:
            if not suspects:
                group, unknown, divided = self._fitting(unknown), [], False
                suspects = [] if not group or (yield from self._probe(group)) else group
            elif len(suspects) == 1:
                if not (yield from self._base_holds()):
                    return
                self.verdict.rejected.append(suspects.pop())
            else:
                newer, older = _halves(suspects) if divided else _parted(suspects)
                divided = True
                group = self._fitting(older)
                if not group or (yield from self._probe(group)):
                    # A newer item is certainly in error only if AWS accepted all of the older ones.
                    suspects, unknown = (newer, unknown) if len(group) == len(older) else ([], newer + unknown)
                else:
                    suspects, unknown = group, newer + unknown

    def _probe(self, group: Sequence[Item]) -> Generator[Keys, bool, bool]:
        keys = _keys(group)
        accepted = yield keys
        if accepted:
            self.verdict.accepted = self.verdict.accepted | keys
            self._proven = True
        return accepted

    def _base_holds(self) -> Generator[Keys, bool, bool]:
        """Return whether AWS accepts its own document, before any change is blamed."""
        if not self._proven:
            self._proven = yield NO_KEYS
            self.verdict.base_rejected = not self._proven
        return self._proven

    def _fitting(self, group: Sequence[Item]) -> list[Item]:
        """Return the items that fit beside what AWS has; set the others aside."""
        if not group or self._fits(_keys(group)):
            return list(group)
        fitting: list[Item] = []
        for item in group:
            fits = self._fits(_keys([*fitting, item]))
            (fitting if fits else self.verdict.unfit).append(item)
        return fitting


def _keys(items: Iterable[Item]) -> Keys:
    return union(item.keys for item in items)


def _parted(suspects: list[Item]) -> tuple[list[Item], list[Item]]:
    """Separate the items that changed last from the others, or else halve them."""
    newest = sum(item.time == suspects[0].time for item in suspects)
    return (suspects[:newest], suspects[newest:]) if newest < len(suspects) else _halves(suspects)


def _halves(suspects: list[Item]) -> tuple[list[Item], list[Item]]:
    cut = len(suspects) // 2
    return suspects[:cut], suspects[cut:]


def items_of(setting: Setting, changes: Iterable[Change], owners: Elements, times: Mapping[str, int]) -> list[Item]:
    """Group the changes of one unit and the same owners into items."""
    changes = [change for change in changes if change.after is not None]
    needed = needs(setting, changes, owners)
    groups: dict[tuple[str, tuple[str, ...]], Keys] = {}
    for keys, (changed, of_owners) in alike(changed_keys(changes), owners):
        for unit, each in setting.units(keys) if changed else ():
            name = (unit, tuple(of_owners or ()))
            groups[name] = groups.get(name, NO_KEYS) | each
    return [
        Item(
            keys,
            union(needed[key] for key in keys) if needed else NO_KEYS,
            max((times.get(owner, 0) for owner in of_owners), default=0),
        )
        for (_, of_owners), keys in sorted(groups.items(), key=lambda group: group[0])
    ]


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
