"""The problems in the fleet, counted by indexes.

No row is kept for them, because every attempt would have to write it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true

from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_specs import AccountState
from ecrkeeper_server.store.fleet_tables import fleet_accounts
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.tables import RESOURCE_COLUMNS, resource, resources, schedule


@dataclass(frozen=True, slots=True)
class Part:
    """Accounts and Regions, as patterns in which `*` is any text."""

    accounts: tuple[str, ...]
    places: tuple[str, ...]


# The reason of resources that nobody declares: they are `Ready`.
_READY_REASON = "UNMANAGED"


@dataclass(frozen=True, slots=True)
class KindCounts:
    """The numbers of resources of a kind.

    They are those of all resources, of those that nothing is known of yet, of those with drift, and
    of the others by reason; and those of registries by the worst result of their replication checks,
    and with silent events.
    """

    total: int
    pending: int
    drifted: int
    reasons: list[tuple[str, int]]
    replication: dict[str, int] = field(default_factory=dict)
    silent: int = 0

    @property
    def ready(self) -> int:
        """The number of Ready resources."""
        return max(0, self.total - self.pending - sum(number for _, number in self.reasons))


def _like(column: Any, patterns: Sequence[str]) -> ColumnElement[bool]:
    if "*" in patterns:
        return true()
    return or_(
        *(column.like(pattern.replace("*", "%")) if "*" in pattern else column == pattern for pattern in patterns)
    )


def within(parts: Sequence[Part] | None) -> ColumnElement[bool]:
    """Return the condition of resources in any of the parts; None is everywhere."""
    if parts is None:
        return true()
    conditions = [
        and_(_like(resources.c.account, part.accounts), _like(resources.c.place, part.places)) for part in parts
    ]
    return or_(*conditions) if conditions else ~true()


def counts(tx: Tx, kind: str, parts: Sequence[Part] | None) -> KindCounts:
    """Count the resources of a kind within some parts of the fleet."""
    of_kind = and_(resources.c.kind == kind, within(parts))

    # Not by the kind, for which SQLite would read whole rows: those that somebody waits for are few, and always due.
    kept = func.coalesce(resources.c.kind, "") == kind
    waited_for = and_(kept, schedule.c.urgent, schedule.c.due_at > 0)
    # An index alone has the places of all.
    total = select(func.count()).where(resources.c.kind == kind if parts is None else and_(kept, within(parts)))
    pending = select(func.count()).select_from(resource).where(waited_for, resources.c.reason.is_(None), within(parts))

    def number(*conditions: ColumnElement[bool]) -> int:
        return int(tx.conn.execute(select(func.count()).where(of_kind, *conditions)).scalar_one())

    # Both columns are in a partial index, which has few entries.
    worst = select(resources.c.replication, func.count()).where(of_kind, resources.c.replication.is_not(None))
    size = func.count().label("size")
    by_reason = (
        select(resources.c.reason, size)
        .where(of_kind, resources.c.reason.is_not(None), resources.c.reason != _READY_REASON)
        .group_by(resources.c.reason)
        .order_by(size.desc(), resources.c.reason)
    )
    return KindCounts(
        total=int(tx.conn.execute(total).scalar_one()),
        # They were asked for and are not done yet; an attempt that failed has a reason.
        pending=int(tx.conn.execute(pending).scalar_one()),
        drifted=number(resources.c.drifted),
        reasons=[(reason, found) for reason, found in tx.conn.execute(by_reason)],
        replication={str(result): found for result, found in tx.conn.execute(worst.group_by(resources.c.replication))},
        silent=number(resources.c.silent),
    )


def unreachable(tx: Tx, parts: Sequence[Part] | None) -> int:
    """Count the active accounts within some parts of the fleet that cannot be reached."""
    conditions = [true()] if parts is None else [_like(fleet_accounts.c.account, part.accounts) for part in parts]
    lost = and_(fleet_accounts.c.state == AccountState.ACTIVE, fleet_accounts.c.unreachable != "")
    return int(
        tx.conn.execute(
            select(func.count()).select_from(fleet_accounts).where(lost, or_(false(), *conditions))
        ).scalar_one()
    )


def broken_replication(tx: Tx, kind: str, parts: Sequence[Part] | None, limit: int) -> list[Resource]:
    """Some registries whose replication does not work, by name."""
    found = (resources.c.kind == kind, resources.c.replication == "BROKEN", within(parts))
    query = select(*RESOURCE_COLUMNS).select_from(resource).where(*found)
    return [Resource.of(row) for row in tx.conn.execute(query.order_by(resources.c.name).limit(limit))]


def accounts(tx: Tx, parts: Sequence[Part] | None) -> int:
    """Count the accounts of the fleet within some parts of it."""
    conditions = [true()] if parts is None else [_like(fleet_accounts.c.account, part.accounts) for part in parts]
    return int(
        tx.conn.execute(select(func.count()).select_from(fleet_accounts).where(or_(false(), *conditions))).scalar_one()
    )


def examples(tx: Tx, kind: str, reason: str, parts: Sequence[Part] | None, limit: int) -> list[Resource]:
    """Some resources of a kind whose `Ready` has a reason, by name."""
    query = select(*RESOURCE_COLUMNS).select_from(resource)
    query = query.where(resources.c.kind == kind, resources.c.reason == reason, within(parts))
    return [Resource.of(row) for row in tx.conn.execute(query.order_by(resources.c.name).limit(limit))]
