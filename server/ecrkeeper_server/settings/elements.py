"""Elements, groups of equal elements, and differences between collections.

A plan, a composition or a comparison decides about an element by its values in a few collections. It therefore decides
once for all elements that have the same values in all of them: `alike` finds these groups, and `gather` makes a
collection of the decisions. In plain collections, each element is a group of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from enum import StrEnum
from itertools import islice
from math import inf
from typing import Any

from msgspec import Struct

from ecrkeeper_server.settings import pairs
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.settings.pairs import PairElements, pairs_alike, pairs_grouping
from ecrkeeper_server.turns import STEP, Steps

Value = pairs.Value
"""A canonical JSON value: two elements mean the same exactly if they are equal."""

Elements = Mapping[str, Value]
"""The elements of one setting, by key."""

Keys = Set[str]
"""The keys of elements of one setting."""

_PAIRED = frozenset((PairElements, PairKeys))
# Up to this number, pairs are kept in a plain dict, and stored one by one as in release 0.1.0.
FEW = 100
CHARACTERS = 100
"""A text of so many characters takes about as long to validate and to compare as one element."""
# Items of a long list that are counted together.
_PART = 100
_SCALARS = frozenset((bool, int, float, type(None)))


class ChangeKind(StrEnum):
    """Kind of a change of an element."""

    ADD = "ADD"
    UPDATE = "UPDATE"
    REPLACE = "REPLACE"
    REMOVE = "REMOVE"


class Change(Struct, frozen=True):
    """Elements before and after; None stands for absent.

    If a change is of a group of pairs, `pairs` are their keys, and `key` is the first of them.
    """

    setting: str
    key: str
    kind: ChangeKind
    before: Value | None
    after: Value | None
    pairs: PairKeys | None = None

    @property
    def keys(self) -> Keys:
        """The keys of the elements."""
        return frozenset((self.key,)) if self.pairs is None else self.pairs


def diff(
    setting_name: str,
    before: Elements,
    after: Elements,
    replaces: Callable[[Value, Value], Collection[str]] | None = None,
) -> tuple[Change, ...]:
    """Return the changes from one set of elements to another, sorted by key."""
    return () if before == after else tuple(_changes(setting_name, alike(before, after), replaces))


def diffing(
    setting_name: str,
    before: Elements,
    after: Elements,
    replaces: Callable[[Value, Value], Collection[str]] | None = None,
) -> Steps[tuple[Change, ...]]:
    """Return the same in steps."""
    if before == after:
        return ()
    yield
    changes: list[Change] = []
    groups = iter((yield from grouping(before, after)))
    while some := list(islice(groups, STEP)):
        changes += _changes(setting_name, some, replaces)
        yield
    return tuple(changes)


def _changes(
    setting_name: str,
    groups: Iterable[tuple[Keys, tuple[Value | None, ...]]],
    replaces: Callable[[Value, Value], Collection[str]] | None,
) -> Iterator[Change]:
    """Yield the changes of groups of elements, given their values before and after."""
    for keys, (old, new) in groups:
        if old == new:
            continue
        if old is None:
            kind = ChangeKind.ADD
        elif new is None:
            kind = ChangeKind.REMOVE
        else:
            kind = ChangeKind.REPLACE if replaces and replaces(old, new) else ChangeKind.UPDATE
        pairs = keys if type(keys) is PairKeys else None
        yield Change(setting_name, first_of(keys), kind, old, new, pairs)


def split_items(
    member: str, key_of: Callable[[Any], str], value_of: Callable[[Any], Value]
) -> Callable[[Mapping[str, Any]], dict[str, Value]]:
    """Return a function that turns each item of a list into an element."""

    def split(shape: Mapping[str, Any]) -> dict[str, Value]:
        return {key_of(item): value_of(item) for item in shape.get(member) or ()}

    return split


def join_items(member: str, item_of: Callable[[str, Value], Any]) -> Callable[[Elements], dict[str, Any]]:
    """Return a function that turns each element into an item, sorted by key."""

    def join(elements: Elements) -> dict[str, Any]:
        return {member: [item_of(key, value) for key, value in sorted(elements.items())]}

    return join


def keys_of(elements: Elements) -> Keys:
    """Return the keys as a set."""
    return elements.keys() if type(elements) is PairElements else frozenset(elements)


def first_of(keys: Keys) -> str:
    """Return the first key in order."""
    return keys.first if type(keys) is PairKeys else min(keys)


def alike(*collections: Elements | Keys) -> Iterator[tuple[Keys, tuple[Value | None, ...]]]:
    """Group all keys by their values in the collections.

    Yield each group with its value in every collection, in the order of the first keys. None
    stands for absent; a set of keys has the value True.
    """
    if any_paired(*collections):
        yield from pairs_alike([PairElements.of(each) for each in collections])
        return
    mappings = [each if type(each) is dict else _mapping(each) for each in collections]
    for key in sorted(set().union(*mappings)):
        yield frozenset((key,)), tuple([each.get(key) for each in mappings])


def grouping(*collections: Elements | Keys) -> Steps[Iterable[tuple[Keys, tuple[Value | None, ...]]]]:
    """Return the groups of `alike` in steps.

    Where each element is a group, they are made one by one.
    """
    if any_paired(*collections):
        return (yield from pairs_grouping([PairElements.of(each) for each in collections]))
    return alike(*collections)


def _mapping(each: Elements | Keys) -> Elements:
    return each if isinstance(each, Mapping) else dict.fromkeys(each, True)


def gather(parts: Iterable[tuple[Keys, Value]]) -> Elements:
    """Return the elements of sets of keys, each with its value.

    Sets that share keys have equal values.
    """
    groups = list(parts)
    if any_paired(*(keys for keys, _ in groups)):
        return PairElements.gathered([(PairKeys.of(keys), value) for keys, value in groups])
    return {key: value for keys, value in groups for key in keys}


def any_paired(*collections: object) -> bool:
    """Return whether any of the collections is one of pairs."""
    # By type: `isinstance` asks the metaclass of an abstract class, and every reconcile comes here often.
    return not _PAIRED.isdisjoint(map(type, collections))


def apart(keys: Keys) -> Iterator[tuple[str, PairKeys | None]]:
    """Yield the parts in which a group of keys is stored.

    A part is one key and None, or the first key and all pairs if there are many.
    """
    if type(keys) is PairKeys and len(keys) > FEW:
        yield keys.first, keys
    else:
        yield from ((key, None) for key in keys)


def cost(shape: Any) -> int:
    """Return the cost of a shape in elements.

    It is the number of items of all lists, and one more for each 100 characters of a text.
    """
    return sum(tally(shape))


def tally(shape: Any, max_items: float = inf) -> tuple[int, int]:
    """Return the number of items of all lists, and the cost of all texts.

    Counting ends with the first list that has more than `max_items` items with those before.
    """
    items = texts = 0
    unseen: list[Iterable[Any]] = [[shape]]
    while unseen:
        for value in unseen.pop():
            # By type first: `isinstance` asks the metaclass of an abstract class, and every reconcile comes here often.
            kind = type(value)
            if kind is str:
                texts += len(value) // CHARACTERS
            elif kind is dict:
                unseen.append(value.values())
            elif kind is list:
                items += len(value)
                if items > max_items:
                    return items, texts
                unseen.append(value)
            elif kind not in _SCALARS and isinstance(value, Mapping):
                unseen.append(value.values())
    return items, texts


def parts_of(shape: Any, most: int) -> Iterator[Any]:
    """Yield parts whose items and texts add up to those of a shape.

    A part has at most so many items.
    """
    if tally(shape, most)[0] <= most:
        yield shape
    elif isinstance(shape, Mapping):
        for each in shape.values():
            yield from parts_of(each, most)
    else:
        for start in range(0, len(shape), _PART):
            some = shape[start : start + _PART]
            if tally(some, most)[0] <= most:
                yield some
                continue
            # The items themselves, and the parts of each.
            yield [None] * len(some)
            for each in some:
                yield from parts_of(each, most)


def has_longer_text(shape: Any, most: int) -> bool:
    """Return whether a text in a shape has more than `most` characters."""
    unseen = [shape]
    while unseen:
        value = unseen.pop()
        if isinstance(value, str):
            if len(value) > most:
                return True
        elif isinstance(value, Mapping):
            unseen += value.values()
        elif isinstance(value, list):
            unseen += value
    return False


def cost_of_all(shapes: Iterable[Any]) -> int:
    """Return the cost of several settings or declarations together."""
    return sum(map(cost, shapes))


def size_of(elements: Elements) -> int:
    """Return the number of elements; pairs count by their filters."""
    return len(elements.rows) if isinstance(elements, PairElements) else len(elements)
