"""The parts of the fleet that a caller may read, as conditions and ranges."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Table, Text, and_, case, false, func, or_, select, true

from ecrkeeper_server.access.account_ranges import AccountRanges, Range
from ecrkeeper_server.access.patterns import Pattern
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_tables import fleet_accounts
from ecrkeeper_server.store.json_columns import json_rows
from ecrkeeper_server.store.tables import resources

_MAX_CACHED = 256


class Part(Struct, frozen=True):
    """Accounts and Regions, or accounts and roles."""

    accounts: frozenset[Pattern]
    places: frozenset[Pattern]


def merged(parts: Iterable[Part]) -> list[Part] | None:
    """Return as few parts as possible; None if one is everything."""
    accounts: dict[frozenset[Pattern], frozenset[Pattern]] = {}
    for part in parts:
        accounts[part.places] = accounts.get(part.places, frozenset()) | part.accounts
    result = [Part(matching, places) for places, matching in accounts.items()]
    return None if any(_has_every(part.accounts) and _has_every(part.places) for part in result) else result


def _has_every(patterns: Iterable[Pattern]) -> bool:
    return any(pattern.is_every for pattern in patterns)


def within(parts: Sequence[Part] | None) -> ColumnElement[bool]:
    """Return the condition of resources in any of the parts; None is everywhere."""
    return true() if parts is None else _condition(tuple(parts))


# A call has several statements with the condition, and callers repeat. Building it takes as long as running it.
@lru_cache(_MAX_CACHED)
def _condition(parts: tuple[Part, ...]) -> ColumnElement[bool]:
    return or_(
        false(), *(and_(_in_accounts(resources.c.account, part.accounts), _in_places(part.places)) for part in parts)
    )


@lru_cache(_MAX_CACHED)
def _ranges(patterns: frozenset[Pattern]) -> AccountRanges:
    return AccountRanges.of(patterns)


def _in_accounts(column: Any, patterns: frozenset[Pattern]) -> ColumnElement[bool]:
    account_ranges = _ranges(patterns)
    if any(each.is_every for each in account_ranges.ranges):
        return true()
    others = [_like(column, pattern) for pattern in account_ranges.others]
    return or_(_in_ranges(column, account_ranges.ranges), *others)


def _in_ranges(column: Any, ranges: Sequence[Range]) -> ColumnElement[bool]:
    """Return whether a column is in one of some ranges.

    The search is binary, because there may be hundreds.
    """
    if not ranges:
        return false()
    return case((column < ranges[0].first, false()), else_=_search(column, ranges))


def _search(column: Any, ranges: Sequence[Range]) -> ColumnElement[bool]:
    """Return whether a column that is not below the first range is in one of them."""
    if len(ranges) == 1:
        inside: ColumnElement[bool] = column <= ranges[0].last
        return inside
    half = len(ranges) // 2
    return case((column < ranges[half].first, _search(column, ranges[:half])), else_=_search(column, ranges[half:]))


def _in_places(patterns: Collection[Pattern]) -> ColumnElement[bool]:
    if _has_every(patterns):
        return true()
    return or_(false(), *(_like(_unindexed(resources.c.place), pattern) for pattern in patterns))


def _unindexed(column: Any) -> ColumnElement[str]:
    """Return a column for which the planner uses no index: none serves a search.

    The index of a problem has fewer rows than that of an account or a Region, and SQLite would not know.
    """
    return func.coalesce(column, "")


def _like(column: Any, pattern: Pattern) -> ColumnElement[bool]:
    matches: ColumnElement[bool] = (
        column.like(pattern.text.replace("*", "%")) if "*" in pattern.text else column == pattern.text
    )
    return matches


def count_resources(tx: Tx, kind: str, parts: Sequence[Part]) -> int:
    """Count the resources of a kind within some parts.

    Indexes hold all columns for it.
    """
    if any(_ranges(part.accounts).others for part in parts):
        # Not by the kind, for which SQLite would read whole rows.
        query = select(func.count()).where(_unindexed(resources.c.kind) == kind, within(parts))
        return int(tx.conn.execute(query).scalar_one())
    if all(_has_every(part.places) for part in parts):
        return _sum(tx, resources, _rows(parts), resources.c.kind == kind)
    rows: list[dict[str, str]] = []
    for place in _places(tx):
        matching = [part for part in parts if any(pattern.matches(place) for pattern in part.places)]
        rows += [{"place": place, **each} for each in _rows(matching)]
    return _sum(tx, resources, rows, resources.c.kind == kind)


def count_accounts(tx: Tx, parts: Sequence[Part], *conditions: ColumnElement[bool]) -> int:
    """Count the accounts of the fleet within some parts of it."""
    patterns = _accounts(parts)
    if _ranges(patterns).others:
        matching = _in_accounts(fleet_accounts.c.account, patterns)
        query = select(func.count()).select_from(fleet_accounts).where(matching, *conditions)
        return int(tx.conn.execute(query).scalar_one())
    return _sum(tx, fleet_accounts, _rows(parts), *conditions)


def _accounts(parts: Iterable[Part]) -> frozenset[Pattern]:
    return frozenset[Pattern]().union(*(part.accounts for part in parts))


def _rows(parts: Iterable[Part]) -> list[dict[str, str]]:
    return [{"first": each.first, "last": each.last} for each in _ranges(_accounts(parts)).ranges]


def _sum(tx: Tx, table: Table, rows: list[dict[str, str]], *conditions: ColumnElement[bool]) -> int:
    """Return the number of rows of a table in ranges that do not overlap."""
    if not rows:
        return 0
    ranges = tx.dialect.json_table(dict.fromkeys(rows[0], Text()))
    at = [table.c.account.between(ranges.c.first, ranges.c.last)]
    if "place" in rows[0]:
        at.append(table.c.place == ranges.c.place)
    each = select(func.count()).select_from(table).where(*at, *conditions).correlate(ranges).scalar_subquery()
    query = select(func.sum(each)).select_from(ranges)
    return int(tx.conn.execute(query, json_rows(rows)).scalar_one())


def _places(tx: Tx) -> list[str]:
    """Return the places of all resources; one look-up in the index for each."""
    places = select(func.min(resources.c.place).label("place")).cte("places", recursive=True)
    following = select(func.min(resources.c.place)).where(resources.c.place > places.c.place).scalar_subquery()
    places = places.union_all(select(following).where(places.c.place.is_not(None)))
    return list(tx.conn.execute(select(places.c.place).where(places.c.place.is_not(None))).scalars())
