"""Queries on rollouts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import delete, func, insert, select, tuple_, update

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.store.clock import DAY, MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_tables import rollout_accounts, rollout_targets
from ecrkeeper_server.store.fleet_tables import rollouts as table
from ecrkeeper_server.store.json_columns import MEASURED_AT_ONCE, NARROW_CHARACTERS, read_json, reading_each
from ecrkeeper_server.store.large_rows import Sized, reading_rows, reading_sizes, sizes
from ecrkeeper_server.store.long_json import LONG, LongJson
from ecrkeeper_server.store.rollout_rows import ENDED, Cause, RolloutRow, RolloutState
from ecrkeeper_server.store.work import columns_of
from ecrkeeper_server.turns import Steps

Key = tuple[str, int]
"""A set and the number of one of its rollouts."""

_KEY = (table.c.set_id, table.c.number)
# All members of a set but its settings and overrides, which contain settings.
_SHOWN_MEMBERS = ("selector", "waves", "deletion_policy", "allow_replacement", "max_removals")
# The retention of ended rollouts with their targets: a time, and a number for each set.
_KEPT_DAYS, _MAX_KEPT = 90, 20


def get(tx: Tx, set_id: str, number: int, *, lock: bool = False) -> RolloutRow | None:
    """Return one rollout.

    `lock` keeps other transactions from changing it until this one ends.
    """
    query = select(table).where(table.c.set_id == set_id, table.c.number == number)
    row = tx.conn.execute(query.with_for_update() if lock else query).one_or_none()
    return RolloutRow.of(row) if row else None


def reading_page(tx: Tx, set_id: str, below: int | None, limit: int) -> Steps[list[Sized]]:
    """Return the numbers and sizes of rollouts below `below`, newest first."""
    query = sizes(table.c.number, table.c.spec).where(table.c.set_id == set_id)
    if below is not None:
        query = query.where(table.c.number < below)
    return reading_sizes(tx, query.order_by(table.c.number.desc()).limit(limit))


def reading_shown(tx: Tx, set_id: str, numbers: Collection[int]) -> Steps[Steps[list[RolloutRow]]]:
    """Read the rollouts of these numbers, and return the steps that parse them.

    A large set has no settings, which no list shows.
    """
    these = (table.c.set_id == set_id, table.c.number.in_(numbers))
    return reading_rows(tx, table, lambda query: query.where(*these), RolloutRow, {"spec": _without_settings})


def _without_settings(text: str) -> Steps[Json]:
    if len(text) <= LONG:
        whole: Json = read_json(text)
        return whole
    return {**(yield from LongJson(text).reading_members(_SHOWN_MEMBERS)), "settings": {}}


def newest_begun(tx: Tx, set_id: str) -> int:
    """Return the number of the newest rollout that is not queued; 0 if there is none."""
    query = select(func.max(table.c.number)).where(table.c.set_id == set_id, table.c.state != RolloutState.QUEUED)
    return tx.conn.execute(query).scalar_one() or 0


class OpenRollout(Struct, frozen=True):
    """A rollout that has not ended, without its content."""

    set_id: str
    number: int
    state: str

    @property
    def name(self) -> str:
        """The name of the rollout."""
        return f"registrySets/{self.set_id}/rollouts/{self.number}"


def open_states(tx: Tx, sets: Collection[str]) -> dict[str, list[OpenRollout]]:
    """The rollouts of some sets that have not ended, by set, oldest first."""
    query = select(table.c.set_id, table.c.number, table.c.state)
    by_set: dict[str, list[OpenRollout]] = {}
    for row in tx.conn.execute(query.where(table.c.set_id.in_(sets), table.c.state.not_in(ENDED))) if sets else ():
        by_set.setdefault(row.set_id, []).append(OpenRollout(row.set_id, row.number, row.state))
    return {set_id: sorted(rows, key=lambda row: row.number) for set_id, rows in by_set.items()}


def open_of(tx: Tx, set_id: str, *, lock: bool = False) -> list[RolloutRow]:
    """Return the rollouts of a set that have not ended, oldest first.

    They are the active one, and one that is queued.
    """
    query = select(table).where(table.c.set_id == set_id, table.c.state.not_in(ENDED)).order_by(table.c.number)
    return [RolloutRow.of(row) for row in tx.conn.execute(query.with_for_update() if lock else query)]


def open_keys(tx: Tx) -> list[Key]:
    """Return the keys of the rollouts that have not ended; looks at all."""
    query = select(*_KEY).where(table.c.state.not_in(ENDED)).order_by(*_KEY)
    return [(set_id, number) for set_id, number in tx.conn.execute(query)]


def reading_sizes_of(tx: Tx, keys: Sequence[Key]) -> Steps[list[Sized]]:
    """Return the keys and sizes of some rollouts, by set and number."""
    query = sizes(table.c.set_id, table.c.spec).add_columns(table.c.number).where(tuple_(*_KEY).in_(keys))
    (rows,) = tx.ask(tx.conn, [(query.order_by(*_KEY), {})])
    return reading_each(rows, _sized, lambda row: row[1] // MEASURED_AT_ONCE, NARROW_CHARACTERS)


def _sized(row: Sequence[Any]) -> Sized:
    set_id, size, number = row
    return Sized((set_id, number), size)


def reading_open(tx: Tx, keys: Sequence[Key]) -> Steps[Steps[list[RolloutRow]]]:
    """Read those of some rollouts that have not ended.

    Return the steps that parse them. A large set has no settings. They are in the order of their sets and numbers.
    """
    these = (tuple_(*_KEY).in_(keys), table.c.state.not_in(ENDED))
    return reading_rows(
        tx, table, lambda query: query.where(*these).order_by(*_KEY), RolloutRow, {"spec": _without_settings}
    )


def next_number(tx: Tx, set_id: str) -> int:
    """Return the number of the next rollout of a set.

    It goes on where a deleted set of the name ended.
    """
    newest = select(func.coalesce(func.max(table.c.number), 0)).where(table.c.set_id == set_id)
    return int(tx.conn.execute(newest).scalar_one()) + 1


def succeeded_before(tx: Tx, row: RolloutRow) -> int:
    """Return the revision of the last rollout that succeeded before this one.

    Only rollouts that a new revision caused count. 0 if none succeeded.
    """
    query = select(table.c.revision).where(
        table.c.set_id == row.set_id,
        table.c.number < row.number,
        table.c.cause == Cause.REVISION,
        table.c.state == RolloutState.SUCCEEDED,
    )
    revision = tx.conn.execute(query.order_by(table.c.number.desc()).limit(1)).scalar_one_or_none()
    return 0 if revision is None else int(revision)


def add(tx: Tx, row: RolloutRow) -> RolloutRow:
    """Add a rollout; a step on it is due at once, unless it is queued."""
    now = tx.now()
    due = None if row.state == RolloutState.QUEUED else now
    values = {**columns_of(row), "create_time": now, "update_time": now, "due_at": due}
    tx.changes(row.name)
    return RolloutRow.of(tx.conn.execute(insert(table).values(values).returning(table)).one())


def claim_due(tx: Tx) -> tuple[RolloutRow, int] | None:
    """Return the rollout that has been due longest, locked, and the time.

    The time is in microseconds.

    None if there is none that no other transaction holds.
    """
    query = select(*table.c, tx.now().label("now")).where(table.c.due_at <= tx.now()).order_by(table.c.due_at).limit(1)
    row = tx.conn.execute(query.with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return None
    columns = row._asdict()
    now = columns.pop("now")
    return RolloutRow(**columns), now


def change(tx: Tx, row: RolloutRow, *, due_in: float | None, touch: bool = True, **values: Any) -> RolloutRow:
    """Change columns of a rollout.

    A step on it is due in `due_in` seconds; with None, no step is due before a call.
    """
    values["due_at"] = None if due_in is None else tx.now() + int(due_in * MICROSECONDS)
    if touch:
        values["update_time"] = tx.now()
        tx.changes(row.name)
    if values.get("state") in ENDED:
        values["end_time"] = tx.now()
    this = (table.c.set_id == row.set_id, table.c.number == row.number)
    return RolloutRow.of(tx.conn.execute(update(table).where(*this).values(**values).returning(table)).one())


def purge(tx: Tx) -> bool:
    """Delete the oldest rollout that ended long ago; return whether there was one.

    The newest rollouts of each set are kept.
    """
    newer = table.alias("newer")
    newest = select(func.max(newer.c.number)).where(newer.c.set_id == table.c.set_id).scalar_subquery()
    old = (table.c.end_time < tx.now() - _KEPT_DAYS * DAY, table.c.number <= newest - _MAX_KEPT)
    row = tx.conn.execute(select(table.c.set_id, table.c.number).where(*old).limit(1)).one_or_none()
    if row is None:
        return False
    for rows in (rollout_targets, rollout_accounts, table):
        tx.conn.execute(delete(rows).where(rows.c.set_id == row.set_id, rows.c.number == row.number))
    return True


def next_due(tx: Tx) -> float | None:
    """Seconds until a step on a rollout is due; None if none is planned."""
    micros = tx.conn.execute(select(func.min(table.c.due_at) - tx.now())).scalar_one()
    return None if micros is None else max(0.0, micros / MICROSECONDS)


def now(tx: Tx) -> int:
    """The database's time in microseconds."""
    return int(tx.conn.execute(select(tx.now())).scalar_one())
