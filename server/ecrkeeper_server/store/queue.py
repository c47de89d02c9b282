"""The work queue: renew, hold and release claimed rows of `schedule`.

A lease gives a row to the worker whose token it carries, until `lease_until` by the
database's clock. Every later statement of that worker names the token, so a worker
that was suspended for longer than its lease cannot change anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Select, Text, Update, and_, bindparam, select, update

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import json_rows, json_text, writing_json
from ecrkeeper_server.store.long_json import LongJson, comparing
from ecrkeeper_server.store.rows import HasState, Resource
from ecrkeeper_server.store.tables import resource, resources, schedule
from ecrkeeper_server.turns import Steps


class Outcome(HasState, Struct, frozen=True):
    """The result of an attempt; `next_in` is in seconds, None for never."""

    state: Json | LongJson
    observed_generation: int
    next_in: float | None
    failures: int
    # The time at which AWS was observed, in microseconds, or None.
    observed_at: int | None
    # The row's state differs from the claimed one, even if the outcome's does not.
    saved: bool = False
    # A caller still waits for the resource.
    urgent: bool = False
    # The reason why the resource is not Ready; None if it is.
    unready: str | None = None
    # The reason of `Ready`, in the form of the column.
    reason: str | None = None
    # The number of consecutive attempts with the error in the state, including this one.
    attempts: int = 0
    # When the attempt began, in microseconds: an event that made the row due later may have been missed.
    began_at: int = 0
    # Whether the state differs from the claimed one, if that is known already.
    differs: bool | None = None

    def changes(self, claimed: Resource) -> bool:
        """Whether the row differs from the claimed one, except for times."""
        return (
            self.saved
            or self.observed_generation != claimed.observed_generation
            or self.unready != claimed.unready
            or self.reason != claimed.reason
            or self.new_state(claimed)
        )

    def new_state(self, claimed: Resource) -> bool:
        """Whether the state differs from the claimed one."""
        return self.state != claimed.state if self.differs is None else self.differs

    def writing(self, claimed: Resource) -> Steps[Self]:
        """Compare the state with the claimed one, and write it if it changes."""
        differs = not (yield from comparing(claimed.stored_state, self.stored_state))
        if not differs and not self.saved:
            return replace(self, differs=False)
        return replace(self, state=(yield from writing_json(self.stored_state)), differs=differs)


def postpone(tx: Tx, first: Resource, seconds: float) -> None:
    """Postpone the other free rows of an account, which would meet the same error."""
    later = tx.now() + int(seconds * MICROSECONDS)
    # By name: an index of `schedule` on the account would be another one for each attempt to write.
    of_account = select(resources.c.name).where(resources.c.account == first.account, resources.c.name != first.name)
    tx.conn.execute(
        update(schedule)
        .where(schedule.c.name.in_(of_account), schedule.c.lease_until.is_(None), schedule.c.due_at < later)
        .values(due_at=later)
    )


def renew(tx: Tx, names: list[str], token: str, lease: float) -> set[str]:
    """Renew leases for `lease` seconds from now; return the names still held."""
    rows = tx.conn.execute(
        update(schedule)
        .where(schedule.c.name.in_(names), schedule.c.lease_token == token, schedule.c.lease_until >= tx.now())
        .values(lease_until=tx.now() + int(lease * MICROSECONDS))
        .returning(schedule.c.name)
    )
    return {row.name for row in rows}


def lease_remaining(tx: Tx, claimed: Resource) -> float:
    """Return the remaining seconds of the lease; 0 if it is lost."""
    return check_lease(tx, claimed)[0]


def check_lease(tx: Tx, claimed: Resource) -> tuple[float, dict[str, Any]]:
    """Return the remaining seconds of the lease, and the row's current spec."""
    row = tx.conn.execute(_held(tx.dialect), _lease(claimed)).one_or_none()
    return (0.0, {}) if row is None or row[0] is None else (max(0.0, row[0] / MICROSECONDS), row[1])


def hold(tx: Tx, claimed: Resource, state: Json | LongJson) -> bool:
    """Save an attempt's data before it acts; return whether the lease still holds.

    The row of `schedule` stays locked until the transaction ends, so that the next claim
    sees the state.
    """
    if tx.conn.execute(_hold(tx.dialect), _lease(claimed)).first() is None:
        return False
    tx.conn.execute(_SAVE, {"_name": claimed.name, "state": state})
    return True


def hold_free(tx: Tx, states: Sequence[tuple[Resource, Json | LongJson]]) -> set[str]:
    """Do the same for many attempts; return the names of the rows whose leases hold.

    Rows that another transaction holds are skipped.
    """
    leases = json_rows({"name": row.name, "token": row.lease_token} for row, _ in states)
    held = {row.name for row in tx.conn.execute(_hold_free(tx.dialect), leases)}
    saved = [{"name": row.name, "state": json_text(state)} for row, state in states if row.name in held]
    if saved:
        tx.conn.execute(_save_all(tx.dialect), json_rows(saved))
    return held


def _lease(claimed: Resource) -> dict[str, Any]:
    return {"_name": claimed.name, "_token": claimed.lease_token}


# The row if it still carries the token of a claim. Building a statement takes longer than running it.
_LEASED = and_(schedule.c.name == bindparam("_name"), schedule.c.lease_token == bindparam("_token"))
_SAVE = update(resources).where(resources.c.name == bindparam("_name")).values(state=bindparam("state"))


@lru_cache(maxsize=64)
def _held(dialect: Dialect) -> Select[Any]:
    return select(schedule.c.lease_until - dialect.now(), resources.c.spec).select_from(resource).where(_LEASED)


@lru_cache(maxsize=64)
def _hold(dialect: Dialect) -> Select[Any]:
    return select(schedule.c.name).where(_LEASED, schedule.c.lease_until >= dialect.now()).with_for_update()


@lru_cache(maxsize=64)
def _hold_free(dialect: Dialect) -> Select[Any]:
    leases = dialect.json_table({"name": Text(), "token": Text()})
    same = and_(schedule.c.name == leases.c.name, schedule.c.lease_token == leases.c.token)
    return (
        select(schedule.c.name)
        .select_from(resource.join(leases, same))
        .where(schedule.c.lease_until >= dialect.now())
        .order_by(schedule.c.name)
        .with_for_update(skip_locked=True, of=(schedule, resources))
    )


@lru_cache(maxsize=64)
def _save_all(dialect: Dialect) -> Update:
    rows = dialect.json_table({"name": Text(), "state": Text()})
    return update(resources).where(resources.c.name == rows.c.name).values(state=rows.c.state)


def release(tx: Tx, names: list[str], token: str) -> None:
    """Release rows that this token still holds."""
    # By name, too: no index contains the token.
    held = and_(schedule.c.name.in_(names), schedule.c.lease_token == token)
    tx.conn.execute(update(schedule).where(held).values(lease_token=None, lease_until=None))
