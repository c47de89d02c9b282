"""End attempts that changed something, any number with the same few statements."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec.structs import replace
from sqlalchemy import (
    BigInteger,
    Boolean,
    Select,
    Text,
    Update,
    and_,
    bindparam,
    case,
    select,
    true,
    type_coerce,
    update,
)
from sqlalchemy.types import TypeEngine

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import json_rows
from ecrkeeper_server.store.long_json import LongJson
from ecrkeeper_server.store.queue import Outcome
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.states import RegistryState
from ecrkeeper_server.store.tables import RESOURCE_COLUMNS, declarations, resource, resources, schedule

# The columns that the end of an attempt changes.
_SCHEDULED: dict[str, TypeEngine[Any]] = {
    **dict.fromkeys(("due_at", "failures", "attempts", "failed_at", "observe_time"), BigInteger()),
    "urgent": Boolean(),
    "trace": Text(),
}
_OBSERVED = ("state", "observed_generation", "unready", "reason", "drifted", "replication", "silent")


def finish(tx: Tx, ended: Sequence[tuple[Resource, Outcome]], *, wait: bool = True) -> list[Resource | None]:
    """Save the outcomes of attempts, and release their rows.

    Return each row as it is then; None if its lease is lost. A request during the attempt makes the row due again at
    once. Without `wait`, rows that another transaction holds are skipped, and None as well.
    """
    values = json_rows(
        {"name": row.name, "token": row.lease_token, "known": outcome.differs is not None} for row, outcome in ended
    )
    locked = {}
    for locked_row in tx.conn.execute(_lock(tx.dialect, wait), values):
        columns = locked_row._asdict()
        now = columns.pop("now")
        locked[locked_row.name, locked_row.lease_token] = Resource(**columns), now
    finished: list[Resource | None] = []
    stored: list[_Ended] = []
    for row, outcome in ended:
        current, now = locked.get((row.name, row.lease_token), (None, 0))
        if current is None:
            finished.append(None)
            continue
        if outcome.differs is not None:
            current = replace(current, state=row.state)
        after = ended_row(current, row, outcome, now)
        finished.append(after)
        stored.append(_Ended(current, after, outcome))
        if outcome.new_state(row) or outcome.observed_generation != row.observed_generation:
            tx.changes(row.name)
    _store(tx, stored)
    return finished


@lru_cache(maxsize=64)
def _lock(dialect: Dialect, wait: bool) -> Select[Any]:
    leases = dialect.json_table({"name": Text(), "token": Text(), "known": Boolean()})
    # A long state that the attempt has compared already is not read again.
    state = type_coerce(
        case((leases.c.known, "{}"), else_=type_coerce(resources.c.state, Text)), resources.c.state.type
    )
    columns = [state.label("state") if column is resources.c.state else column for column in RESOURCE_COLUMNS]
    same = and_(schedule.c.name == leases.c.name, schedule.c.lease_token == leases.c.token)
    return (
        select(*columns, dialect.now().label("now"))
        .select_from(resource.join(leases, same))
        .order_by(schedule.c.name)
        .with_for_update(skip_locked=not wait, of=(schedule, resources))
    )


class _Ended(NamedTuple):
    """A row before and after the end of an attempt."""

    before: Resource
    row: Resource
    outcome: Outcome

    @property
    def keeps_state(self) -> bool:
        """Whether the row has the state already.

        A long one that is not parsed is either kept or replaced.
        """
        if self.outcome.differs is not None:
            return not (self.outcome.saved or self.outcome.differs)
        before, after = self.before.state, self.row.state
        return before is after or not (isinstance(before, LongJson) or before != after)

    @property
    def keeps_rest(self) -> bool:
        """Whether it has the other columns already."""
        return all(getattr(self.before, name) == getattr(self.row, name) for name in _OBSERVED[1:])


def _store(tx: Tx, saved: Sequence[_Ended]) -> None:
    if not saved:
        return
    scheduled = ({"name": each.row.name, **_values_of(each.row, _SCHEDULED)} for each in saved)
    tx.conn.execute(_release(tx.dialect), json_rows(scheduled))
    observed, partly = list[dict[str, Any]](), list[dict[str, Any]]()
    for each in saved:
        kept = each.keeps_state
        if kept and each.keeps_rest:
            continue
        if kept and each.outcome.differs is not None:
            partly.append({"_name": each.row.name, **_values_of(each.row, _OBSERVED[1:])})
        else:
            observed.append({"_name": each.row.name, **_values_of(each.row, _OBSERVED)})
    for statement, rows in ((_OBSERVE, observed), (_OBSERVE_REST, partly)):
        if rows:
            tx.conn.execute(statement, rows[0] if len(rows) == 1 else rows)


@lru_cache(maxsize=64)
def _release(dialect: Dialect) -> Update:
    rows = dialect.json_table({"name": Text(), **_SCHEDULED})
    values = {name: rows.c[name] for name in _SCHEDULED}
    released = {"lease_token": None, "lease_until": None}
    return update(schedule).where(schedule.c.name == rows.c.name).values({**values, **released})


_OBSERVE, _OBSERVE_REST = (
    update(resources).where(resources.c.name == bindparam("_name")).values({name: bindparam(name) for name in columns})
    for columns in (_OBSERVED, _OBSERVED[1:])
)


def _values_of(row: Resource, columns: Collection[str]) -> dict[str, Any]:
    return {column: getattr(row, column) for column in columns}


def ended_row(current: Resource, claimed: Resource, outcome: Outcome, now: int) -> Resource:
    """Return the row after the attempt; `current` may have changed since the claim."""
    requested = current.requested != claimed.requested
    later = None if outcome.next_in is None else now + int(outcome.next_in * MICROSECONDS)
    event = current.event_due_at
    awaits_event = later is not None and event is not None and outcome.began_at < event < later
    if awaits_event:
        later = event
    return replace(
        current,
        state=outcome.state if outcome.saved or outcome.new_state(claimed) else current.state,
        observed_generation=outcome.observed_generation,
        observe_time=current.observe_time if outcome.observed_at is None else outcome.observed_at,
        due_at=now if requested else later,
        urgent=requested or awaits_event or outcome.urgent,
        failures=0 if current.generation != claimed.generation else outcome.failures,
        lease_token=None,
        lease_until=None,
        unready=outcome.unready,
        reason=outcome.reason,
        **_counted(outcome.stored_state),
        attempts=outcome.attempts,
        failed_at=now if outcome.attempts else None,
        # An attempt that nobody requested belongs to no call.
        trace=current.trace if requested else None,
    )


def _counted(state: Json) -> dict[str, Any]:
    """Return the columns by which resources are counted; each has a partial index."""
    registry_state = RegistryState(state)
    return {
        "drifted": registry_state.drifted,
        "replication": registry_state.worst_check,
        "silent": registry_state.silent,
    }


def mark_declarations(tx: Tx, claimed: Resource, owners: Collection[str] | None = None) -> None:
    """Record that some or all declarations of the claimed generation converged."""
    if owners is not None and not owners:
        return
    tx.conn.execute(
        update(declarations)
        .where(
            declarations.c.account == claimed.account,
            declarations.c.region == claimed.place,
            declarations.c.registry_generation <= claimed.generation,
            declarations.c.observed_generation != declarations.c.generation,
            declarations.c.owner.in_(owners) if owners is not None else true(),
        )
        .values(observed_generation=declarations.c.generation)
    )
