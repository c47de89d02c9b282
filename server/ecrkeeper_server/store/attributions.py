"""Drift whose cause is unknown, with the times of the next lookups."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Text,
    bindparam,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.types import TypeEngine

from ecrkeeper_server.store.clock import DAY, MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.event_tables import attributions
from ecrkeeper_server.store.json_columns import JsonText, json_rows

# CloudTrail shows an event minutes after the call: some 5, up to 15.
SCHEDULE = (0, 60, 300, 900)
# The minimum time between requests for the cause of recurring drift.
_INTERVAL = 60 * MICROSECONDS
_REQUESTED: dict[str, TypeEngine[Any]] = {
    **dict.fromkeys(("name", "setting", "elements", "reconcile_id"), Text()),
    **dict.fromkeys(("since", "found_at"), BigInteger()),
}
_JSON: Any = JsonText()


class Attribution(Struct, frozen=True):
    """Drift of some elements of a setting; times are in microseconds.

    `since` is the last observation without the drift, `found_at` the attempt that found it, and `until` the end of
    that attempt. `lookups` counts the questions so far.
    """

    name: str
    setting: str
    elements: Sequence[str]
    since: int
    found_at: int
    until: int
    reconcile_id: str
    lookups: int = 0
    looked_at: int | None = None
    due_at: int = 0
    lease_until: int | None = None


def request(tx: Tx, requested: Sequence[Attribution]) -> None:
    """Request causes of drift, at most once a minute for each setting."""
    if not requested:
        return
    values = {(each.name, each.setting): _values(each) for each in requested}
    renewed = tx.conn.execute(_renew_request(tx.dialect), json_rows(values.values()))
    new = values.keys() - {(row.name, row.setting) for row in renewed}
    if new:
        tx.conn.execute(_insert_request(tx.dialect), json_rows(values[key] for key in sorted(new)))


def _values(attribution: Attribution) -> dict[str, Any]:
    members = {name: getattr(attribution, name) for name in _REQUESTED}
    return {**members, "elements": _JSON.process_bind_param(list(attribution.elements), None)}


def _requested(dialect: Dialect) -> Any:
    return dialect.json_table(_REQUESTED)


@lru_cache(maxsize=64)
def _renew_request(dialect: Dialect) -> Any:
    requested = _requested(dialect)
    again = func.coalesce(attributions.c.looked_at, 0) + _INTERVAL
    due = case((again > dialect.now(), again), else_=dialect.now())
    same = (attributions.c.name == requested.c.name, attributions.c.setting == requested.c.setting)
    values = {name: requested.c[name] for name in _REQUESTED if name not in ("name", "setting")}
    return (
        update(attributions)
        .where(*same)
        .values(**values, due_at=due, until=dialect.now(), lookups=0)
        .returning(attributions.c.name, attributions.c.setting)
    )


@lru_cache(maxsize=64)
def _insert_request(dialect: Dialect) -> Any:
    requested = _requested(dialect)
    now = dialect.now()
    # Without a condition, SQLite parses ON CONFLICT as the ON of a join.
    rows = select(*(requested.c[name] for name in _REQUESTED), now, now, literal(0, Integer)).where(true())
    return dialect.insert_or_ignore(attributions).from_select([*_REQUESTED, "due_at", "until", "lookups"], rows)


def claim(tx: Tx, limit: int, lease: float) -> list[Attribution]:
    """Return what is due, the oldest first, held for `lease` seconds."""
    values = {"most": limit, "lease": int(lease * MICROSECONDS)}
    rows = tx.conn.execute(_claim(tx.dialect), values)
    return sorted((Attribution(**row._asdict()) for row in rows), key=lambda each: each.due_at)


@lru_cache(maxsize=64)
def _claim(dialect: Dialect) -> Any:
    free = or_(attributions.c.lease_until.is_(None), attributions.c.lease_until < dialect.now())
    due = (
        select(attributions.c.name, attributions.c.setting)
        .where(attributions.c.due_at <= dialect.now(), free)
        .order_by(attributions.c.due_at)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
    )
    until = dialect.now() + bindparam("lease", type_=BigInteger)
    return (
        update(attributions)
        .where(tuple_(attributions.c.name, attributions.c.setting).in_(due))
        .values(lease_until=until)
        .returning(attributions)
    )


def is_due(tx: Tx) -> bool:
    """Return whether a row can be claimed."""
    return tx.conn.execute(_first_due(tx.dialect)).first() is not None


# Building it takes longer than running it, and SQLite runs it on the event loop.
@lru_cache(maxsize=4)
def _first_due(dialect: Dialect) -> Select[Any]:
    now = dialect.now()
    free = or_(attributions.c.lease_until.is_(None), attributions.c.lease_until < now)
    return select(attributions.c.name).where(attributions.c.due_at <= now, free).limit(1)


def finish(tx: Tx, claimed: Attribution, *, looked: bool, done: bool) -> None:
    """End an attempt on a row, unless newer drift took its place.

    The row is removed if `done`, else due at the next time of its schedule. `looked` if
    CloudTrail answered.
    """
    same = _same(claimed)
    lookups = claimed.lookups + looked
    if done or lookups >= len(SCHEDULE):
        tx.conn.execute(delete(attributions).where(*same))
        return
    at = claimed.found_at + SCHEDULE[lookups] * MICROSECONDS
    # The pause after a lookup that failed grows with the age of the drift, so it doubles each time.
    age = tx.now() - claimed.found_at
    failed = case((age > _INTERVAL, age), else_=_INTERVAL)
    earliest = tx.now() + (MICROSECONDS if looked else failed)
    due = case((earliest > at, earliest), else_=at)
    values = {"lookups": lookups, "due_at": due, "lease_until": None}
    tx.conn.execute(update(attributions).where(*same).values(**values, **({"looked_at": tx.now()} if looked else {})))


def _same(claimed: Attribution) -> tuple[ColumnElement[bool], ...]:
    """The row, unless newer drift took its place."""
    return (
        attributions.c.name == claimed.name,
        attributions.c.setting == claimed.setting,
        attributions.c.found_at == claimed.found_at,
    )


def postpone(tx: Tx, claimed: Attribution, seconds: float) -> None:
    """Release a row that cannot be worked on now."""
    tx.conn.execute(
        update(attributions)
        .where(*_same(claimed))
        .values(due_at=tx.now() + int(seconds * MICROSECONDS), lease_until=None)
    )


def purge(tx: Tx) -> None:
    """Forget what has got no answer for a week, as where asking was switched off."""
    tx.conn.execute(delete(attributions).where(attributions.c.found_at < tx.now() - 7 * DAY))


def pending(tx: Tx, names: Collection[str]) -> list[Attribution]:
    """Return what is asked for of resources."""
    rows = tx.conn.execute(_pending(tx.dialect), json_rows({"name": name} for name in names))
    return [Attribution(**row._asdict()) for row in rows]


@lru_cache(maxsize=64)
def _pending(dialect: Dialect) -> Any:
    table = dialect.json_table({"name": Text()})
    wanted = attributions.c.name.in_(select(table.c.name))
    return select(attributions).where(wanted).order_by(attributions.c.name, attributions.c.setting)
