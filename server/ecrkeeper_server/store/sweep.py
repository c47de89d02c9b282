"""Read specs and end attempts of many resources with one statement each.

The statements are built once: building takes longer than running them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct, field
from sqlalchemy import BigInteger, Boolean, Select, Text, and_, case, func, select, update
from sqlalchemy.types import TypeEngine

from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.declarations import STORED_DECLARATION, parsing_all
from ecrkeeper_server.store.declared_texts import reading_lists
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import json_rows
from ecrkeeper_server.store.queue import Outcome
from ecrkeeper_server.store.rows import Declaration, Operation, Resource
from ecrkeeper_server.store.tables import declarations, operations, schedule
from ecrkeeper_server.turns import Steps


class Desired(Struct):
    """The declarations for a registry, and the operations that wait for it.

    `text` has the declarations that `reading` has not parsed yet.
    """

    declared: list[Declaration] = field(default_factory=list)
    pending: list[Operation] = field(default_factory=list)
    text: str = ""

    def reading(self) -> Steps[None]:
        """Parse the declarations in steps."""
        if self.text:
            text, self.text = self.text, ""
            self.declared += yield from parsing_all((yield from reading_lists(text)))


def desired(tx: Tx, registries: Sequence[Resource]) -> dict[str, Desired]:
    """Return the declarations of registries by name, with one text for each registry.

    A registry may have thousands, and SQLite's driver releases the GIL for each row.
    The declarations belong to the claimed generation if this transaction has changed or locked
    the registries: every write of a declaration changes its registry as well.
    """
    values = json_rows({"name": row.name, "account": row.account, "region": row.place} for row in registries)
    desired = {row.name: Desired() for row in registries}
    declared, waiting = _desired(tx.dialect)
    of_registries, pending = tx.ask(tx.conn, [(declared, values), (waiting, values)])
    for name, text in of_registries:
        desired[name].text = text or ""
    for operation in (Operation(*columns) for columns in pending):
        desired[operation.target].pending.append(operation)
    return desired


@lru_cache(maxsize=4)
def _desired(dialect: Dialect) -> tuple[Select[Any], Select[Any]]:
    names = dialect.json_table({name: Text() for name in ("name", "account", "region")})
    of_registry = and_(declarations.c.account == names.c.account, declarations.c.region == names.c.region)
    texts: Any = select(dialect.json_lists(STORED_DECLARATION)).where(of_registry).correlate(names).scalar_subquery()
    declared = select(names.c.name, texts)
    waiting = (
        select(operations)
        .join_from(names, operations, and_(operations.c.target == names.c.name, operations.c.done.is_(False)))
        .order_by(operations.c.create_time)
    )
    return declared, waiting


def finish_unchanged(tx: Tx, ended: Sequence[tuple[Resource, Outcome]]) -> set[str]:
    """End attempts without changes; return the names of released rows.

    Rows without a lease, rows with a new request or event, and rows that an
    operation waits for are left to `endings.finish`.
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
        update(schedule)
        .where(
            schedule.c.name == ended.c.name,
            schedule.c.lease_token == ended.c.token,
            schedule.c.requested == ended.c.requested,
            func.coalesce(schedule.c.event_due_at, 0) <= ended.c.began_at,
            ~waited_for.exists(),
        )
        .values(
            due_at=dialect.now() + ended.c.next_in,
            failures=ended.c.failures,
            attempts=ended.c.attempts,
            failed_at=case((ended.c.attempts > 0, dialect.now())),
            observe_time=func.coalesce(ended.c.observed_at, schedule.c.observe_time),
            urgent=ended.c.urgent,
            trace=None,
            lease_token=None,
            lease_until=None,
        )
        .returning(schedule.c.name)
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
