"""Counts of the whole installation for metrics, from indexes."""

from __future__ import annotations

from msgspec import Struct, field
from sqlalchemy import func, literal_column, or_, select

from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.tables import operations, resources, schedule


class Overview(Struct, frozen=True):
    """Counts of rows.

    `oldest` is in seconds, `unready` by kind and reason, `pending` by method.
    """

    due: int
    oldest: float
    resources: dict[str, int] = field(default_factory=dict)
    unready: dict[tuple[str, str], int] = field(default_factory=dict)
    pending: dict[str, tuple[int, float]] = field(default_factory=dict)


def alive(tx: Tx) -> bool:
    """Return whether the database answers."""
    return tx.conn.execute(select(literal_column("1"))).scalar_one() == 1


def overview(tx: Tx) -> Overview:
    """Return the current counts; takes milliseconds for 150,000 rows."""
    now = tx.now()
    due = tx.conn.execute(select(func.count()).where(schedule.c.due_at <= now)).scalar_one()
    free = or_(schedule.c.lease_until.is_(None), schedule.c.lease_until < now)
    oldest = tx.conn.execute(
        select(now - schedule.c.due_at).where(schedule.c.due_at <= now, free).order_by(schedule.c.due_at).limit(1)
    ).scalar_one_or_none()
    kinds = tx.conn.execute(select(resources.c.kind, func.count()).group_by(resources.c.kind))
    unready = tx.conn.execute(
        select(resources.c.kind, resources.c.unready, func.count())
        .where(resources.c.unready.is_not(None))
        .group_by(resources.c.kind, resources.c.unready)
    )
    pending = tx.conn.execute(
        select(operations.c.method, func.count(), now - func.min(operations.c.create_time))
        .where(operations.c.done.is_(False))
        .group_by(operations.c.method)
    )
    return Overview(
        due=due,
        oldest=(oldest or 0) / MICROSECONDS,
        resources={kind: count for kind, count in kinds},
        unready={(kind, reason): count for kind, reason, count in unready},
        pending={method: (count, max(0.0, age / MICROSECONDS)) for method, count, age in pending},
    )
