"""The elements of many owners: who declares each of them, with which values.

The cost follows the number of declared elements, and not that of owners times elements.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ecrkeeper_server.settings.elements import FEW, Elements, Keys, Value, any_paired
from ecrkeeper_server.settings.frozen import frozen
from ecrkeeper_server.settings.pair_keys import Lefts, PairKeys
from ecrkeeper_server.settings.pairs import FewPairs, PairElements, Row, sorting_groups
from ecrkeeper_server.turns import STEP, Steps

Claim = tuple[Keys, Mapping[str, Value]]
"""Elements that the same owners declare, with the value of each owner."""

_Part = tuple[tuple[object, ...], Mapping[str, Value], Lefts]


def claiming(claims: Mapping[str, Elements]) -> Steps[Sequence[Claim]]:
    """Group the elements of all owners, in the order of the first keys and in steps."""
    if _are_pairs(claims):
        return (yield from _claiming_pairs(claims))
    by_key: dict[str, dict[str, Value]] = {}
    processed = 0
    for owner, elements in claims.items():
        for key, value in elements.items():
            by_key.setdefault(key, {})[owner] = value
        processed += 1 + len(elements)
        if processed >= STEP:
            yield
            processed = 0
    return [(frozenset((key,)), by_key[key]) for key in sorted(by_key)]


def _are_pairs(claims: Mapping[str, Elements]) -> bool:
    """Return whether there are many pairs, of one owner or of all owners together."""
    if any_paired(*claims.values()):
        return True
    return sum(len(each) for each in claims.values() if type(each) is FewPairs) > FEW


def _claiming_pairs(claims: Mapping[str, Elements]) -> Steps[Sequence[tuple[PairKeys, Mapping[str, Value]]]]:
    rows: dict[str, list[tuple[str, Row]]] = {}
    processed = 0
    for owner, elements in claims.items():
        of_owner = PairElements.of(elements).rows
        for right, row in of_owner.items():
            rows.setdefault(right, []).append((owner, row))
        processed += len(elements) if type(elements) is FewPairs else 1 + len(of_owner)
        if processed >= STEP // 4:
            yield
            processed = 0
    names: dict[int, object] = {}
    known: dict[tuple[tuple[str, int], ...], list[_Part]] = {}
    groups: dict[tuple[object, ...], tuple[Mapping[str, Value], dict[str, Lefts]]] = {}
    for right, pieces in rows.items():
        combination = tuple([(owner, id(row)) for owner, row in pieces])
        parts = known.get(combination)
        if parts is None:
            parts = known[combination] = _parts(pieces, names)
            processed += sum(len(row) for _, row in pieces)
        for name, values, lefts in parts:
            groups.setdefault(name, (values, {}))[1][right] = lefts
        processed += len(pieces) + len(parts)
        if processed >= STEP // 8:
            yield
            processed = 0
    return (yield from sorting_groups([(rows_of, values) for values, rows_of in groups.values()]))


def _parts(pieces: Sequence[tuple[str, Row]], names: dict[int, object]) -> list[_Part]:
    """Group the left sides of a combination of rows by the values of their owners."""
    by_left: dict[str, dict[str, Value]] = {}
    for owner, row in pieces:
        for left, value in row.items():
            by_left.setdefault(left, {})[owner] = value
            if id(value) not in names:
                names[id(value)] = frozen(value)
    alike: dict[tuple[object, ...], tuple[Mapping[str, Value], list[str]]] = {}
    for left, values in by_left.items():
        name = tuple([(owner, names[id(value)]) for owner, value in values.items()])
        alike.setdefault(name, (values, []))[1].append(left)
    return [(name, values, frozenset(lefts)) for name, (values, lefts) in alike.items()]


def gathering(parts: Iterable[tuple[Keys, Value]]) -> Steps[Elements]:
    """Return the elements of sets of keys, each with its value, in steps.

    No two sets share a key.
    """
    groups = list(parts)
    if not any_paired(*(keys for keys, _ in groups)):
        plain: dict[str, Value] = {}
        for at, (keys, value) in enumerate(groups):
            if at % STEP == STEP - 1:
                yield
            plain.update(dict.fromkeys(keys, value))
        return plain
    return (yield from _gathering_pairs(groups))


def _gathering_pairs(groups: Sequence[tuple[Keys, Value]]) -> Steps[PairElements]:
    pieces: dict[str, list[tuple[Lefts, object, Value]]] = {}
    processed = 0
    for keys, value in groups:
        name = frozen(value)
        rows = PairKeys.of(keys).rows
        for right, lefts in rows.items():
            pieces.setdefault(right, []).append((lefts, name, value))
        processed += 1 + len(rows)
        if processed >= STEP // 4:
            yield
            processed = 0
    known: dict[frozenset[tuple[Lefts, object]], Row] = {}
    by_right: dict[str, Row] = {}
    for right, each in pieces.items():
        combination = frozenset([(lefts, name) for lefts, name, _ in each])
        row = known.get(combination)
        if row is None:
            row = known[combination] = {left: value for lefts, _, value in each for left in lefts}
            processed += len(row)
        by_right[right] = row
        processed += 1 + len(each)
        if processed >= STEP // 4:
            yield
            processed = 0
    return PairElements(by_right)
