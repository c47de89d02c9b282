"""The problems in the fleet, counted by indexes.

No row is kept for them, because every attempt would have to write it.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field
from sqlalchemy import ColumnElement, and_, func, select

from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_parts import Part, count_accounts, count_resources, within
from ecrkeeper_server.store.fleet_specs import AccountState
from ecrkeeper_server.store.fleet_tables import fleet_accounts
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.tables import RESOURCE_COLUMNS, resource, resources, schedule

# The reason of resources that nobody declares: they are `Ready`.
_READY_REASON = "UNMANAGED"


class KindCounts(Struct, frozen=True):
    """The numbers of resources of a kind.

    `pending` resources were not observed yet, and `reasons` count those that are not Ready. Registries
    are also counted by the worst result of their replication checks, and by silent events.
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


def counts(tx: Tx, kind: str, parts: Sequence[Part] | None) -> KindCounts:
    """Count the resources of a kind within some parts of the fleet."""
    of_kind = and_(resources.c.kind == kind, within(parts))

    # Not by the kind, for which SQLite would read whole rows: resources with a waiting caller are few, and always due.
    kept = func.coalesce(resources.c.kind, "") == kind
    waited_for = and_(kept, schedule.c.urgent, schedule.c.due_at > 0)
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
        total=number() if parts is None else count_resources(tx, kind, parts),
        # They were requested and no attempt has ended yet; a failed attempt has a reason.
        pending=int(tx.conn.execute(pending).scalar_one()),
        drifted=number(resources.c.drifted),
        reasons=[(reason, count) for reason, count in tx.conn.execute(by_reason)],
        replication={str(result): count for result, count in tx.conn.execute(worst.group_by(resources.c.replication))},
        silent=number(resources.c.silent),
    )


def unreachable(tx: Tx, parts: Sequence[Part] | None) -> int:
    """Count the active accounts within some parts of the fleet that cannot be reached."""
    return accounts(tx, parts, fleet_accounts.c.state == AccountState.ACTIVE, fleet_accounts.c.unreachable != "")


def broken_replication(tx: Tx, kind: str, parts: Sequence[Part] | None, limit: int) -> list[Resource]:
    """Some registries whose replication does not work, by name."""
    broken = (resources.c.kind == kind, resources.c.replication == "BROKEN", within(parts))
    query = select(*RESOURCE_COLUMNS).select_from(resource).where(*broken)
    return [Resource.of(row) for row in tx.conn.execute(query.order_by(resources.c.name).limit(limit))]


def accounts(tx: Tx, parts: Sequence[Part] | None, *conditions: ColumnElement[bool]) -> int:
    """Count the accounts within some parts of the fleet that meet all conditions."""
    if parts is not None:
        return count_accounts(tx, parts, *conditions)
    return int(tx.conn.execute(select(func.count()).select_from(fleet_accounts).where(*conditions)).scalar_one())


def examples(tx: Tx, kind: str, reason: str, parts: Sequence[Part] | None, limit: int) -> list[Resource]:
    """Some resources of a kind whose `Ready` has a reason, by name."""
    query = select(*RESOURCE_COLUMNS).select_from(resource)
    query = query.where(resources.c.kind == kind, resources.c.reason == reason, within(parts))
    return [Resource.of(row) for row in tx.conn.execute(query.order_by(resources.c.name).limit(limit))]
