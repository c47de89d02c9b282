"""Drift whose cause is still to be asked for, with the next times."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Text,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    tuple_,
    update,
)

from ecrkeeper_server.events.targets import operations_of
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.store import audit
from ecrkeeper_server.store.clock import DAY, MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.tables import attributions, audit_events, json_rows

# CloudTrail shows an event minutes after the call: some 5, up to 15.
SCHEDULE = (0, 60, 300, 900)
# Drift that comes back is asked for no more often than this.
_INTERVAL = 60 * MICROSECONDS


@dataclass(frozen=True, slots=True)
class Attribution:
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


def request(tx: Tx, found: Attribution) -> None:
    """Ask for the cause of drift, once a minute at most for each setting."""
    key = (attributions.c.name == found.name, attributions.c.setting == found.setting)
    values = {
        "elements": list(found.elements),
        "since": found.since,
        "found_at": found.found_at,
        "until": tx.now(),
        "reconcile_id": found.reconcile_id,
        "lookups": 0,
    }
    again = func.coalesce(attributions.c.looked_at, 0) + _INTERVAL
    due = case((again > tx.now(), again), else_=tx.now())
    changed = tx.conn.execute(
        update(attributions).where(*key).values(due_at=due, **values).returning(attributions.c.name)
    )
    if changed.first() is None:
        made = {"name": found.name, "setting": found.setting, "due_at": tx.now(), **values}
        tx.conn.execute(tx.dialect.insert_or_ignore(attributions).values(made))


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
    """Tell whether there is something to claim."""
    free = or_(attributions.c.lease_until.is_(None), attributions.c.lease_until < tx.now())
    query = select(attributions.c.name).where(attributions.c.due_at <= tx.now(), free).limit(1)
    return tx.conn.execute(query).first() is not None


def finish(tx: Tx, claimed: Attribution, *, looked: bool, done: bool) -> None:
    """End an attempt on a row, unless newer drift took its place.

    The row is done, or due when its schedule says.

    `looked`: CloudTrail answered.
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


def name_cause(tx: Tx, found: Attribution, elements: Collection[str] | None, cause: Json) -> None:
    """Note the cause of some elements' drift in the writes that reverted it.

    Without elements, of the whole setting.
    """
    operations = [f"{service}:{each}" for service in ("ecr", "iam") for each in operations_of(found.setting)]
    place = (audit_events.c.create_time >= found.since, audit_events.c.reconcile_id == found.reconcile_id)
    wanted = (audit_events.c.resource == found.name, audit_events.c.method.in_(operations))
    rows = tx.conn.execute(
        select(audit_events.c.id, audit_events.c.changes).where(
            *place, *wanted, audit_events.c.account == found.name.split("/")[1]
        )
    )
    ids = [row.id for row in rows if elements is None or any(each["key"] in elements for each in row.changes)]
    if not ids:
        return
    txid = tx.dialect.transaction_id(audit_events.c.txid)
    tx.conn.execute(update(audit_events).where(audit_events.c.id.in_(ids)).values(cause=cause, txid=txid))
    tx.changes(audit.CHANGED)


def postpone(tx: Tx, claimed: Attribution, seconds: float) -> None:
    """Let go of a row that could not be worked on now."""
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
