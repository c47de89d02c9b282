"""Sets of keys that are pairs `{left}:{right}`, by right side.

`pairs` has the reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain, islice
from typing import Any, TypeVar

from msgspec import Struct

from ecrkeeper_server.turns import STEP, Steps, finish

Lefts = frozenset[str]

NO_LEFTS: Lefts = frozenset()
_T = TypeVar("_T")
_U = TypeVar("_U")


def parted(key: str) -> tuple[str, str]:
    """Return the left and the right side of a key."""
    left, _, right = key.partition(":")
    return left, right


def in_order(lefts: Iterable[str]) -> list[str]:
    """Sort left sides as the keys sort that begin with them."""
    return sorted(lefts, key=lambda left: f"{left}:")


def _first(rows: Mapping[str, Iterable[str]]) -> str:
    """Return the first key in order."""
    rights: dict[int, str] = {}
    left_sets: dict[int, Iterable[str]] = {}
    for right, lefts in rows.items():
        at = id(lefts)
        left_sets[at] = lefts
        rights[at] = min(rights.get(at, right), right)
    return min(f"{left}:{rights[at]}" for at, lefts in left_sets.items() for left in lefts)


def combined(
    one: Mapping[str, _T],
    other: Mapping[str, _U],
    rights: Iterable[str],
    nothing: tuple[_T, _U],
    combine: Callable[[_T, _U], Any],
    identity: Callable[[Any], Any],
) -> dict[str, Any]:
    """Combine the rows of right sides, each combination of two rows once.

    `nothing` has the rows of absent right sides. New results with equal `identity` are one object.
    """
    known: dict[tuple[int, int], Any] = {}
    pool: dict[Any, Any] = {}
    rows = {}
    for right in rights:
        first, second = one.get(right, nothing[0]), other.get(right, nothing[1])
        at = (id(first), id(second))
        row = known.get(at)
        if row is None:
            row = combine(first, second)
            # A row that stays as it is was one object before, and its identity takes long to find.
            known[at] = row = row if row is first else pool.setdefault(identity(row), row)
        if row:
            rows[right] = row
    return rows


def _itself(lefts: Lefts) -> Lefts:
    return lefts


class PairKeys(Set[str]):
    """A set of pairs; `rows` has the left sides of each right side."""

    __slots__ = ("_length", "rows")

    def __init__(self, rows: Mapping[str, Lefts]) -> None:
        self.rows = rows
        self._length: int | None = None

    @classmethod
    def of(cls, keys: Iterable[str]) -> PairKeys:
        """Return any keys, or those of a mapping, as a set of pairs."""
        if isinstance(keys, Mapping):
            keys = keys.keys()
        if isinstance(keys, PairKeys):
            return keys
        lefts: dict[str, set[str]] = {}
        for left, right in map(parted, keys):
            lefts.setdefault(right, set()).add(left)
        pool: dict[Lefts, Lefts] = {}
        return cls({right: pool.setdefault(left_set := frozenset(each), left_set) for right, each in lefts.items()})

    @classmethod
    def uniting(cls, sets: Iterable[Iterable[str]]) -> Steps[PairKeys]:
        """Return the pairs of all sets, in steps."""
        merged: dict[str, set[str]] = {}
        count = 0
        for keys in sets:
            rows = cls.of(keys).rows
            for right, lefts in rows.items():
                merged.setdefault(right, set()).update(lefts)
            count += len(rows)
            if count >= STEP:
                yield
                count = 0
        pool: dict[Lefts, Lefts] = {}
        return cls({right: pool.setdefault(lefts := frozenset(each), lefts) for right, each in merged.items()})

    @classmethod
    def product(cls, products: Iterable[tuple[Iterable[str], Iterable[str]]]) -> PairKeys:
        """Return all pairs of the left sides with the right sides of each product."""
        rows: dict[str, Lefts] = {}
        for lefts, rights in products:
            left_set = frozenset(lefts)
            known: dict[Lefts, Lefts] = {}
            for right in rights if left_set else ():
                before = rows.setdefault(right, left_set)
                if before is not left_set:
                    rows[right] = known[before] if before in known else known.setdefault(before, before | left_set)
        return cls(rows)

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str):
            return False
        left, right = parted(key)
        return left in self.rows.get(right, NO_LEFTS)

    def __iter__(self) -> Iterator[str]:
        _, by_left = finish(both_groupings(self.rows))
        group_of = {left: at for at, group in enumerate(by_left) for left in group.lefts}
        # Many callers need only the first keys, so the others are not sorted.
        in_order_of: dict[int, list[str]] = {}
        for left in in_order(group_of):
            at = group_of[left]
            if at not in in_order_of:
                in_order_of[at] = sorted(chain.from_iterable(by_left[at].parts))
            for right in in_order_of[at]:
                yield f"{left}:{right}"

    def __len__(self) -> int:
        if self._length is None:
            self._length = sum(map(len, self.rows.values()))
        return self._length

    def __bool__(self) -> bool:
        return bool(self.rows)

    def __and__(self, other: Iterable[Any]) -> PairKeys:
        rows = PairKeys.of(other).rows
        fewer = min(self.rows, rows, key=len)
        return self._with(rows, fewer, Lefts.__and__)

    __rand__ = __and__

    def __or__(self, other: Iterable[Any]) -> PairKeys:
        rows = PairKeys.of(other).rows
        if not rows or not self.rows:
            return PairKeys(rows or self.rows)
        return self._with(rows, dict.fromkeys(chain(self.rows, rows)), Lefts.__or__)

    __ror__ = __or__

    def __sub__(self, other: Iterable[Any]) -> PairKeys:
        rows = PairKeys.of(other).rows
        return self._with(rows, self.rows, Lefts.__sub__) if rows else self

    def __rsub__(self, other: Iterable[Any]) -> PairKeys:
        return PairKeys.of(other) - self

    def __le__(self, other: Set[Any]) -> bool:
        return len(self) <= len(other) and not self - other

    def __ge__(self, other: Set[Any]) -> bool:
        return len(self) >= len(other) and not PairKeys.of(other) - self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Set) and len(self) == len(other) and not self - other

    __hash__ = None  # type: ignore[assignment]

    def isdisjoint(self, other: Iterable[Any]) -> bool:
        """Return whether no pair is in both."""
        return not self & other

    def _with(
        self, rows: Mapping[str, Lefts], rights: Iterable[str], combine: Callable[[Lefts, Lefts], Lefts]
    ) -> PairKeys:
        return PairKeys(combined(self.rows, rows, rights, (NO_LEFTS, NO_LEFTS), combine, _itself))

    @property
    def first(self) -> str:
        """The first key in order."""
        return _first(self.rows)

    @property
    def lefts(self) -> list[str]:
        """All left sides, in the order of the keys."""
        return in_order(frozenset().union(*set(self.rows.values())))

    def of_rights(self, chosen: Callable[[str], bool]) -> PairKeys:
        """Return the pairs whose right side is chosen."""
        return PairKeys({right: lefts for right, lefts in self.rows.items() if chosen(right)})

    def __repr__(self) -> str:
        return f"PairKeys({list(self)!r})"


class Product(Struct, frozen=True, gc=False):
    """Left sides, right sides in parts, and the number of the latter."""

    lefts: Collection[str]
    parts: Sequence[Sequence[str]]
    rights: int


def both_groupings(rows: Mapping[str, Lefts]) -> Steps[tuple[list[Product], list[Product]]]:
    """Group right sides by their left sides, and left sides by right sides, in steps.

    Either grouping covers the pairs. Right sides with the same left sides are one class, and left sides with the same
    classes are alike: the work follows the right sides and, for each class, its left sides, but not the pairs.
    """
    classes: dict[Lefts, list[str]] = {}
    items = iter(rows.items())
    while some := list(islice(items, STEP)):
        for right, lefts in some:
            classes.setdefault(lefts, []).append(right)
        yield
    by_right = []
    for at, (lefts, rights) in enumerate(classes.items()):
        by_right.append(Product(lefts, (rights,), len(rights)))
        if at % STEP == STEP - 1:
            yield
    return by_right, (yield from _by_left(classes))


def _by_left(classes: Mapping[Lefts, Sequence[str]]) -> Steps[list[Product]]:
    of_left: dict[str, list[Lefts]] = {}
    processed = 0
    for lefts in classes:
        for left in lefts:
            of_left.setdefault(left, []).append(lefts)
        processed += 1 + len(lefts)
        if processed >= STEP:
            yield
            processed = 0
    alike: dict[tuple[Lefts, ...], list[str]] = {}
    for left, of_one in of_left.items():
        alike.setdefault(tuple(of_one), []).append(left)
        processed += len(of_one)
        if processed >= STEP:
            yield
            processed = 0
    products = []
    for same_classes, same in alike.items():
        parts = [classes[lefts] for lefts in same_classes]
        products.append(Product(same, parts, sum(map(len, parts))))
        processed += len(parts)
        if processed >= STEP:
            yield
            processed = 0
    return products
