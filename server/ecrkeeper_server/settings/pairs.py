"""Elements whose keys are pairs `{left}:{right}`, stored as rows of right sides.

A registry replicates every filter of a rule to every destination of the rule: 25 destinations and
2,500 filters are 62,500 elements. These collections keep one row for each right side (a filter),
and right sides with equal rows share one row object. An operation processes each right side once,
and the left sides of each combination of rows once. Its cost follows the size of the declarations,
not the number of pairs.

Rows are shared and never change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

from ecrkeeper_server.settings.frozen import frozen
from ecrkeeper_server.settings.pair_keys import NO_LEFTS, Lefts, PairKeys, combined, parted
from ecrkeeper_server.settings.pair_products import products
from ecrkeeper_server.turns import STEP, Steps, finish

Value = Any
Row = Mapping[str, Value]
_T = TypeVar("_T")

_NO_ROW: Row = {}
# Groups of a step.
_SORTED = 100


class FewPairs(dict[str, Value]):
    """The few pairs of one owner, by key; those of many owners are kept in rows."""

    __slots__ = ()


def _content(row: Row) -> Any:
    return frozenset((left, frozen(value)) for left, value in row.items())


class PairElements(Mapping[str, Value]):
    """Elements whose keys are pairs.

    `rows` has the values of each right side, by left side.
    """

    __slots__ = ("rows",)

    def __init__(self, rows: Mapping[str, Row]) -> None:
        self.rows = rows

    @classmethod
    def of(cls, elements: Mapping[str, Value] | Iterable[str]) -> PairElements:
        """Return any elements as pairs; plain keys have the value True."""
        if isinstance(elements, PairElements):
            return elements
        if isinstance(elements, PairKeys):
            rows = {lefts: dict.fromkeys(lefts, True) for lefts in set(elements.rows.values())}
            return cls({right: rows[lefts] for right, lefts in elements.rows.items()})
        items = elements.items() if isinstance(elements, Mapping) else ((key, True) for key in elements)
        rows_by_right: dict[str, dict[str, Value]] = {}
        for key, value in items:
            left, right = parted(key)
            rows_by_right.setdefault(right, {})[left] = value
        pool: dict[Any, Row] = {}
        return cls({right: pool.setdefault(_content(row), row) for right, row in rows_by_right.items()})

    @classmethod
    def union(
        cls,
        products: Iterable[tuple[Iterable[str], Iterable[str], Value]],
        either: Callable[[Value, Value], Value] = lambda _before, after: after,
    ) -> PairElements:
        """Return the pairs of all products with their values.

        If two products have a pair, `either` returns its value, given both values.
        """
        rows: dict[str, Row] = {}
        pool: dict[Any, Row] = {}
        for lefts, rights, value in products:
            name = (frozenset(lefts), frozen(value))
            shared = pool[name] if name in pool else pool.setdefault(name, dict.fromkeys(lefts, value))
            known: dict[int, Row] = {}
            for right in rights:
                before = rows.setdefault(right, shared)
                if before is not shared:
                    if id(before) not in known:
                        both = {**before, **shared}
                        both |= {left: either(before[left], value) for left in before.keys() & shared.keys()}
                        known[id(before)] = pool.setdefault(_content(both), both)
                    rows[right] = known[id(before)]
        return cls({right: row for right, row in rows.items() if row})

    @classmethod
    def gathered(cls, parts: Iterable[tuple[PairKeys, Value]]) -> PairElements:
        """Return elements of sets of keys, each with its value.

        Sets that share keys have equal values.
        """
        groups = list(parts)
        if len(groups) == 1:
            keys, value = groups[0]
            rows = {lefts: dict.fromkeys(lefts, value) for lefts in set(keys.rows.values())}
            return cls({right: rows[lefts] for right, lefts in keys.rows.items()})
        pieces: dict[str, list[tuple[int, Lefts]]] = {}
        for at, (keys, _) in enumerate(groups):
            for right, lefts in keys.rows.items():
                pieces.setdefault(right, []).append((at, lefts))
        known: dict[tuple[tuple[int, Lefts], ...], Row] = {}
        rows_by_right = {}
        for right, each in pieces.items():
            name = tuple(each)
            if name not in known:
                known[name] = {left: groups[at][1] for at, lefts in each for left in lefts}
            rows_by_right[right] = known[name]
        return cls(rows_by_right)

    def __getitem__(self, key: str) -> Value:
        left, right = parted(key)
        return self.rows[right][left]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return sum(map(len, self.rows.values()))

    def __bool__(self) -> bool:
        return bool(self.rows)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        if len(self) != len(other):
            return False
        rows = PairElements.of(other).rows
        same: set[tuple[int, int]] = set()
        for right, row in self.rows.items():
            opposite = rows.get(right, _NO_ROW)
            at = (id(row), id(opposite))
            if at not in same:
                if row != opposite:
                    return False
                same.add(at)
        return True

    __hash__ = None  # type: ignore[assignment]

    def keys(self) -> PairKeys:  # type: ignore[override]
        """Return the keys as a set of pairs."""
        known: dict[int, Lefts] = {}
        pool: dict[Lefts, Lefts] = {}
        rows = {}
        for right, row in self.rows.items():
            lefts = known.get(id(row))
            if lefts is None:
                lefts = frozenset(row)
                lefts = known[id(row)] = pool.setdefault(lefts, lefts)
            rows[right] = lefts
        return PairKeys(rows)

    def only(self, keys: Iterable[str]) -> PairElements:
        """Return the elements that have these keys."""
        rows = PairKeys.of(keys).rows
        fewer: Iterable[str] = self.rows if len(self.rows) < len(rows) else rows

        def kept(row: Row, lefts: Lefts) -> Row:
            remaining = {left: value for left, value in row.items() if left in lefts}
            return row if len(remaining) == len(row) else remaining

        return PairElements(combined(self.rows, rows, fewer, (_NO_ROW, NO_LEFTS), kept, _content))

    def without(self, keys: Iterable[str]) -> PairElements:
        """Return the elements that have other keys."""
        rows = PairKeys.of(keys).rows
        if not rows:
            return self

        def kept(row: Row, lefts: Lefts) -> Row:
            return row if lefts.isdisjoint(row) else {left: row[left] for left in row.keys() - lefts}

        return PairElements(combined(self.rows, rows, self.rows, (_NO_ROW, NO_LEFTS), kept, _content))

    def merged(self, other: Mapping[str, Value]) -> PairElements:
        """Return the elements of both; the other's value counts."""
        rows = PairElements.of(other).rows
        if not rows or not self.rows:
            return PairElements(rows or self.rows)
        rights = dict.fromkeys(chain(self.rows, rows))
        return PairElements(
            combined(self.rows, rows, rights, (_NO_ROW, _NO_ROW), lambda one, two: {**one, **two}, _content)
        )

    def after(self, key: str, limit: int) -> list[tuple[str, Value]]:
        """Return the first elements behind a key, in the order of the keys."""
        items: list[tuple[str, Value]] = []
        rights = sorted(self.rows)
        for left in self.keys().lefts if rights else ():
            if f"{left}:{rights[-1]}" <= key:
                continue
            for right in rights:
                row = self.rows[right]
                if left in row and (name := f"{left}:{right}") > key:
                    items.append((name, row[left]))
                    if len(items) == limit:
                        return items
        return items

    def products(self) -> list[tuple[tuple[str, ...], tuple[str, ...], Value]]:
        """Cover the elements by products of left and right sides that have one value."""
        return [(lefts, rights, value) for keys, (value,) in pairs_alike([self]) for lefts, rights in products(keys)]

    def __repr__(self) -> str:
        return f"PairElements({dict(self)!r})"


def pairs_alike(collections: Sequence[PairElements]) -> list[tuple[PairKeys, tuple[Value | None, ...]]]:
    """Group all keys by their values in the collections.

    Return each group with its value in every collection, in the order of the first keys.
    """
    return finish(pairs_grouping(collections))


def pairs_grouping(collections: Sequence[PairElements]) -> Steps[list[tuple[PairKeys, tuple[Value | None, ...]]]]:
    """Return the groups of `pairs_alike` in steps."""
    rights = list(dict.fromkeys(chain.from_iterable(each.rows for each in collections)))
    at_once = max(1, STEP // len(collections))
    classes: dict[tuple[int, ...], list[str]] = {}
    for start in range(0, len(rights), at_once):
        part = rights[start : start + at_once]
        columns = [[each.rows.get(right, _NO_ROW) for right in part] for each in collections]
        for right, combination in zip(part, zip(*(map(id, column) for column in columns), strict=True), strict=True):
            classes.setdefault(combination, []).append(right)
        yield
    names: dict[int, Any] = {}
    pool: dict[Lefts, Lefts] = {}
    groups_by_name: dict[tuple[Any, ...], tuple[tuple[Value | None, ...], dict[str, Lefts]]] = {}
    processed = 0
    for members in classes.values():
        rows = [each.rows.get(members[0], _NO_ROW) for each in collections]
        alike: dict[tuple[Any, ...], tuple[tuple[Value | None, ...], list[str]]] = {}
        for left in dict.fromkeys(chain.from_iterable(rows)):
            values = tuple([row.get(left) for row in rows])
            for value in values:
                if id(value) not in names:
                    names[id(value)] = frozen(value)
            name = tuple([names[id(value)] for value in values])
            alike.setdefault(name, (values, []))[1].append(left)
        for name, (values, lefts) in alike.items():
            shared = frozenset(lefts)
            shared = pool.setdefault(shared, shared)
            groups_by_name.setdefault(name, (values, {}))[1].update(dict.fromkeys(members, shared))
        processed += len(members) + len(rows) * (1 + len(alike))
        if processed >= STEP // 2:
            yield
            processed = 0
    return (yield from sorting_groups([(rows_of, values) for values, rows_of in groups_by_name.values()]))


def sorting_groups(groups: Sequence[tuple[Mapping[str, Lefts], _T]]) -> Steps[list[tuple[PairKeys, _T]]]:
    """Return groups of rows with their values, by their first keys, in steps."""
    keyed = []
    for at, (rows, values) in enumerate(groups):
        if at % _SORTED == _SORTED - 1:
            yield
        keys = PairKeys(rows)
        keyed.append((keys.first if len(groups) > 1 else "", at, keys, values))
    return [(keys, values) for _, _, keys, values in sorted(keyed)]
