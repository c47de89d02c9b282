"""Queries on registries and roles as resources."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Select,
    Text,
    Update,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    true,
    type_coerce,
    update,
)

from ecrkeeper_server.names import WILDCARD, RegistryName, RoleName
from ecrkeeper_server.store import drifting
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.event_tables import attributions
from ecrkeeper_server.store.filter_expression import Condition, Narrowing
from ecrkeeper_server.store.json_columns import JsonText, as_text, json_rows, reading_each, released
from ecrkeeper_server.store.prepared import characters_of
from ecrkeeper_server.store.rows import Resource, with_new_spec, with_request
from ecrkeeper_server.store.tables import RESOURCE_COLUMNS, RESOURCE_NAMES, resource, resources, schedule
from ecrkeeper_server.store.windows import names_of_page, order_of
from ecrkeeper_server.turns import STEP, Steps

EVENT_DEBOUNCE = 2.0
SUSPENDED = "ACCOUNT_SUSPENDED"
"""The reason of a registry that waits for its suspended account."""
_CONVERTED: list[tuple[str, Callable[[Any], Any]]] = [
    *((column.name, column.type.read) for column in RESOURCE_COLUMNS if isinstance(column.type, JsonText)),
    # SQLite has no booleans.
    *((column.name, bool) for column in RESOURCE_COLUMNS if isinstance(column.type, Boolean)),
]
# Between two observations that events cause, so many times as long passes.
_SPACING = 5


def get(tx: Tx, name: str, *, lock: bool = False) -> Resource | None:
    """Return one resource; `lock` prevents changes until this transaction ends."""
    query = select(*RESOURCE_COLUMNS).select_from(resource).where(schedule.c.name == name)
    if lock:
        query = query.with_for_update()
    row = tx.conn.execute(query).one_or_none()
    return Resource.of(row) if row else None


def page(tx: Tx, kind: str, account: str, after: str, limit: int, condition: Condition | None = None) -> list[Resource]:
    """Return resources of a kind by name, after `after`; the account may be `-`."""
    return [Resource.of(row) for row in tx.conn.execute(page_query(kind, account, after, limit, condition))]


def reading_page(
    tx: Tx, kind: str, account: str, after: str, limit: int, narrowed: Narrowing | None = None
) -> Steps[Steps[list[Resource]]]:
    """Read the same, and return the steps that parse all but long states."""
    page = yield from narrowing(tx, kind, account, after, limit, narrowed)
    (rows,) = tx.ask(tx.conn, [(page(select(*map(as_text, RESOURCE_COLUMNS)).select_from(resource)), {})])
    texts = yield from reading_each(rows, tuple, characters_of)
    return reading_each(released(texts), parsed_row, characters_of)


def reading_states(tx: Tx, names: Collection[str]) -> Steps[dict[str, str]]:
    """Return the states of these resources that exist, as texts."""
    query = select(resources.c.name, type_coerce(resources.c.state, Text)).where(resources.c.name.in_(names))
    (rows,) = tx.ask(tx.conn, [(query, {})]) if names else [()]
    return dict((yield from reading_each(rows, tuple, lambda row: len(row[1]))))


def page_query(kind: str, account: str, after: str, limit: int, condition: Condition | None = None) -> Select[Any]:
    """Return the query of a page, with an optional condition."""
    query = page_of(select(*RESOURCE_COLUMNS).select_from(resource), kind, account, after, limit)
    return query if condition is None else query.where(condition)


def page_of(query: Select[Any], kind: str, account: str, after: str, limit: int) -> Select[Any]:
    """Return a query limited to a page of a kind by name, after `after`."""
    name = order_of(of_account=account != WILDCARD)
    if account != WILDCARD:
        query = query.where(resources.c.account == account)
    return query.where(resources.c.kind == kind, name > after).order_by(name).limit(limit)


def narrowing(
    tx: Tx, kind: str, account: str, after: str, limit: int, narrowed: Narrowing | None
) -> Steps[Callable[[Select[Any]], Select[Any]]]:
    """Return what limits a query to a page of a filter, in steps."""
    names = yield from names_of_page(tx, kind, account, after, limit, narrowed)
    if names is not None:
        # By their names: the index that has the order has all others of the kind as well.
        order = order_of(of_account=True)
        return lambda query: query.where(resources.c.name.in_(names)).order_by(order)
    condition = true() if narrowed is None else narrowed.condition
    return lambda query: page_of(query, kind, account, after, limit).where(condition)


def parsed_row(row: Sequence[Any]) -> Resource:
    """Return the values of a row with JSON as text; a long state is not parsed yet."""
    values = dict(zip(RESOURCE_NAMES, row, strict=True))
    for name, value_of in _CONVERTED:
        if values[name] is not None:
            values[name] = value_of(values[name])
    return Resource(**values)


def ensure(tx: Tx, name: RegistryName | RoleName, spec: dict[str, Any], *, due: bool = False) -> Resource:
    """Return the resource, locked; create it with this spec if it does not exist."""
    return get(tx, str(name), lock=True) or create(tx, name, spec, due=due)


def create(tx: Tx, name: RegistryName | RoleName, spec: dict[str, Any], *, due: bool = False) -> Resource:
    """Create a resource that was just found missing.

    If another transaction creates it concurrently, this one is retried and finds it.
    """
    first = {
        "name": str(name),
        "kind": name.kind,
        "account": name.account,
        "place": name.region if isinstance(name, RegistryName) else name.role,
        "uid": str(uuid.uuid4()),
        "spec": spec,
        "state": {},
        "generation": 1,
        "observed_generation": 0,
        "create_time": tx.now(),
        "update_time": tx.now(),
        "requested": 1,
        "due_at": tx.now() if due else None,
        "urgent": due,
        "failures": 0,
    }
    for table in (schedule, resources):
        tx.conn.execute(insert(table).values({column: value for column, value in first.items() if column in table.c}))
    if due:
        tx.makes_due()
    return _changed(tx, str(name))


def set_spec(tx: Tx, name: str, spec: dict[str, Any]) -> Resource:
    """Set another spec: a new generation, due at once."""
    requested, desired = _set_spec(tx.dialect)
    tx.conn.execute(requested, {"_name": name, "_trace": tx.trace or None})
    tx.conn.execute(desired, {"_name": name, "_spec": spec})
    tx.makes_due()
    return _changed(tx, name)


@lru_cache(maxsize=64)
def _set_spec(dialect: Dialect) -> tuple[Update, Update]:
    now = dialect.now()
    requested = with_request(schedule.c, now=now, trace=bindparam("_trace", type_=Text))
    desired = with_new_spec(resources.c, spec=bindparam("_spec", type_=resources.c.spec.type), now=now)
    return (
        update(schedule).where(schedule.c.name == bindparam("_name")).values({**requested, "failures": 0}),
        update(resources).where(resources.c.name == bindparam("_name")).values(desired),
    )


def request(tx: Tx, name: str) -> Resource:
    """Request a reconcile now, without a new generation."""
    values = with_request(schedule.c, now=tx.now(), trace=tx.trace or None)
    tx.conn.execute(update(schedule).where(schedule.c.name == name).values(values))
    tx.makes_due()
    return _changed(tx, name)


def enqueue_by_event(tx: Tx, names: Sequence[str], debounce: float = EVENT_DEBOUNCE) -> None:
    """Make resources due in `debounce` seconds, in the priority lane.

    Those that are never due again are left alone.

    One change makes many events, so the first one sets a time that the following ones share. Between
    two such times at least five times `debounce` passes. An attempt under way may have observed AWS
    before the change: `endings.finish` makes its row due at that time.
    """
    values = {**json_rows({"name": name} for name in names), "debounce": int(debounce * MICROSECONDS)}
    tx.conn.execute(_enqueue_by_event(tx.dialect), values)


@lru_cache(maxsize=64)
def _enqueue_by_event(dialect: Dialect) -> Any:
    table = dialect.json_table({"name": Text()})
    set_for, debounce = schedule.c.event_due_at, bindparam("debounce", type_=BigInteger)
    earliest, following = dialect.now() + debounce, set_for + debounce * _SPACING
    due = case((set_for > dialect.now(), set_for), (following > earliest, following), else_=earliest)
    # The following events of a change leave the row as it is.
    changes = or_(set_for.is_(None), set_for != due, schedule.c.due_at > due)
    return (
        update(schedule)
        .where(schedule.c.name.in_(select(table.c.name)), schedule.c.due_at.is_not(None), changes)
        .values(event_due_at=due, due_at=case((schedule.c.due_at > due, due), else_=schedule.c.due_at), urgent=True)
    )


def shorten_resync(tx: Tx, seconds: float, after: str) -> str | None:
    """Bring some stretched resyncs forward, of resources by name.

    A resource becomes due a resync after its last observation, unless it is due earlier. Backoff after
    failures stays. Return the last name, or None behind the last one: other writes wait for this one.
    """
    due = func.coalesce(schedule.c.observe_time, 0) + int(seconds * MICROSECONDS)
    stretched = (schedule.c.due_at > due, schedule.c.due_at > tx.now(), schedule.c.failures == 0)
    some = select(schedule.c.name).where(schedule.c.name > after, *stretched).order_by(schedule.c.name).limit(STEP)
    names = list(tx.conn.execute(some).scalars())
    tx.conn.execute(update(schedule).where(schedule.c.name.in_(names), *stretched).values(due_at=due))
    return names[-1] if names else None


def enqueue_now(tx: Tx, name: str) -> None:
    """Run a requested reconcile now if it was postponed."""
    put_off = or_(schedule.c.due_at.is_(None), schedule.c.due_at > tx.now(), ~schedule.c.urgent)
    change = update(schedule).where(schedule.c.name == name, put_off).values(due_at=tx.now(), urgent=True)
    if tx.conn.execute(change.returning(schedule.c.name)).first() is not None:
        tx.changes(name)
        tx.makes_due()


def enqueue_suspended(tx: Tx, account: str) -> None:
    """Reconcile the registries that waited for their suspended account."""
    held = select(resources.c.name).where(resources.c.account == account, resources.c.reason == SUSPENDED)
    for name in tx.conn.execute(held.order_by(resources.c.name)).scalars().all():
        enqueue_now(tx, name)


def patch(tx: Tx, name: str, *, spec: dict[str, Any] | None = None, state: dict[str, Any] | None = None) -> Resource:
    """Change the row without a new generation."""
    values: dict[str, Any] = {}
    if spec is not None:
        values["spec"] = spec
    if state is not None:
        values["state"] = state
    tx.conn.execute(update(resources).where(resources.c.name == name).values(**values))
    return _changed(tx, name)


def _changed(tx: Tx, name: str) -> Resource:
    """Return a resource that this transaction has changed."""
    tx.changes(name)
    row = get(tx, name)
    if row is None:
        raise AssertionError(f"{name} was changed, and is not stored")
    return row


def remove(tx: Tx, name: str) -> None:
    """Delete a resource."""
    drifting.remove(tx, name)
    for table in (attributions, schedule, resources):
        tx.conn.execute(delete(table).where(table.c.name == name))
    tx.changes(name)
