"""Read specs and end attempts of many resources with one statement each.

The statements are built once: building takes longer than running them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Boolean, Select, Text, and_, case, func, select, update
from sqlalchemy.types import TypeEngine

from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.queue import Outcome
from ecrkeeper_server.store.rows import Declaration, Operation, Resource
from ecrkeeper_server.store.tables import declarations, json_rows, operations, resources


@dataclass(slots=True)
class Desired:
    """The declarations for a registry, and the operations that wait for it."""

    declared: list[Declaration] = field(default_factory=list)
    pending: list[Operation] = field(default_factory=list)


def desired(tx: Tx, registries: Sequence[Resource]) -> dict[str, Desired]:
    """Return the declarations of registries, by name.

    They belong to the claimed generation if this transaction has changed or locked
    the registries: every write of a declaration changes its registry as well.
    """
    values = json_rows({"name": row.name} for row in registries)
    desired_by_name = {row.name: Desired() for row in registries}
    declared, waiting = _desired(tx.dialect)
    for name, *columns in tx.conn.execute(declared, values):
        desired_by_name[name].declared.append(Declaration(*columns))
    for row in tx.conn.execute(waiting, values):
        desired_by_name[row.target].pending.append(Operation.of(row))
    return desired_by_name


@lru_cache(maxsize=4)
def _desired(dialect: Dialect) -> tuple[Select[Any], Select[Any]]:
    names = dialect.json_table({"name": Text()})
    declared = (
        select(resources.c.name, *declarations.c)
        .join_from(names, resources, resources.c.name == names.c.name)
        .join(
            declarations,
            and_(declarations.c.account == resources.c.account, declarations.c.region == resources.c.place),
        )
        .order_by(declarations.c.owner)
    )
    waiting = (
        select(operations)
        .join_from(names, operations, and_(operations.c.target == names.c.name, operations.c.done.is_(False)))
        .order_by(operations.c.create_time)
    )
    return declared, waiting


def finish_unchanged(tx: Tx, ended: Sequence[tuple[Resource, Outcome]]) -> set[str]:
    """End attempts without changes; return the names of released rows.

    Rows without a lease, rows with a new request or event, and rows that an
    operation waits for are left to `queue.finish`.
    """
    values = json_rows(_values(row, outcome) for row, outcome in ended)
    return {row.name for row in tx.conn.execute(_finish(tx.dialect), values)}


@lru_cache(maxsize=64)
def _finish(dialect: Dialect) -> Any:
    number, flag, text = BigInteger(), Boolean(), Text()
    columns: dict[str, TypeEngine[Any]] = {"name": text, "token": text, "requested": number, "next_in": number}
    ended = dialect.json_table(
        {**columns, "failures": number, "attempts": number, "observed_at": number, "urgent": flag, "began_at": number}
    )
    waited_for = select(operations.c.id).where(operations.c.target == ended.c.name, operations.c.done.is_(False))
    return (
        update(resources)
        .where(
            resources.c.name == ended.c.name,
            resources.c.lease_token == ended.c.token,
            resources.c.requested == ended.c.requested,
            func.coalesce(resources.c.event_due_at, 0) <= ended.c.began_at,
            ~waited_for.exists(),
        )
        .values(
            due_at=dialect.now() + ended.c.next_in,
            failures=ended.c.failures,
            attempts=ended.c.attempts,
            failed_at=case((ended.c.attempts > 0, dialect.now())),
            observe_time=func.coalesce(ended.c.observed_at, resources.c.observe_time),
            urgent=ended.c.urgent,
            trace=None,
            lease_token=None,
            lease_until=None,
        )
        .returning(resources.c.name)
    )


def _values(row: Resource, outcome: Outcome) -> dict[str, Any]:
    return {
        "name": row.name,
        "token": row.lease_token,
        "requested": row.requested,
        "next_in": None if outcome.next_in is None else int(outcome.next_in * MICROSECONDS),
        "failures": outcome.failures,
        "attempts": outcome.attempts,
        "observed_at": outcome.observed_at,
        "began_at": outcome.began_at,
        "urgent": outcome.urgent,
    }
