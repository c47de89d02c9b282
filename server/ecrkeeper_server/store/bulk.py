"""Ending many steps with one statement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Text, cast, column, func, select, update
from sqlalchemy.dialects.postgresql import JSON

from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.queue import Outcome
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.tables import operations, resources

_GIVEN: dict[str, Text | BigInteger | Boolean] = {
    "name": Text(),
    "token": Text(),
    "requested": BigInteger(),
    "next_in": BigInteger(),
    "failures": BigInteger(),
    "observed_at": BigInteger(),
    "urgent": Boolean(),
}


def finish_unchanged(tx: Tx, ended: Sequence[tuple[Resource, Outcome]]) -> set[str]:
    """End steps that left their rows as they were; the names of the rows that it let go.

    Rows that are no longer held, that something was requested of meanwhile, or
    that an operation waits for are left to `queue.finish`.
    """
    given = _given(tx, [_values(row, outcome) for row, outcome in ended])
    waited_for = select(operations.c.id).where(operations.c.target == given.c.name, operations.c.done.is_(False))
    rows = tx.conn.execute(
        update(resources)
        .where(
            resources.c.name == given.c.name,
            resources.c.lease_token == given.c.token,
            resources.c.requested == given.c.requested,
            ~waited_for.exists(),
        )
        .values(
            due_at=tx.now() + given.c.next_in,
            failures=given.c.failures,
            observe_time=func.coalesce(given.c.observed_at, resources.c.observe_time),
            urgent=given.c.urgent,
            lease_token=None,
            lease_until=None,
        )
        .returning(resources.c.name)
    )
    return {row.name for row in rows}


def _values(row: Resource, outcome: Outcome) -> dict[str, Any]:
    return {
        "name": row.name,
        "token": row.lease_token,
        "requested": row.requested,
        "next_in": None if outcome.next_in is None else int(outcome.next_in * MICROSECONDS),
        "failures": outcome.failures,
        "observed_at": outcome.observed_at,
        "urgent": outcome.urgent,
    }


def _given(tx: Tx, rows: list[dict[str, Any]]) -> Any:
    """Values as a table: one parameter, so that the statement is the same for any number of rows."""
    text = json.dumps(rows)
    if tx.dialect == "sqlite":
        each = func.json_each(text).table_valued("value")
        members = [
            func.json_extract(each.c.value, f"$.{name}", type_=kind).label(name) for name, kind in _GIVEN.items()
        ]
        return select(*members).select_from(each).subquery("given")
    columns: list[Any] = [column(name, kind) for name, kind in _GIVEN.items()]
    records = func.json_to_recordset(cast(text, JSON)).table_valued(*columns, name="given")
    return records.render_derived(with_types=True)
