"""Read and store units of work with few statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, Text, and_, bindparam, delete, func, select, type_coerce

from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import audit
from ecrkeeper_server.store.database import DUE, Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import Pace, json_rows, reading_json
from ecrkeeper_server.store.rows import Declaration, Request, Resource, with_new_spec, with_request
from ecrkeeper_server.store.tables import (
    RESOURCE_COLUMNS,
    RESOURCE_NAMES,
    declarations,
    requests,
    resource,
    resources,
    revisions,
    schedule,
)
from ecrkeeper_server.store.unit_of_work import UnitOfWork
from ecrkeeper_server.turns import MANY, Steps

KEY = ("account", "region", "owner")
_DECLARED = (
    "settings", "deletion_policy", "allow_replacement", "generation", "registry_generation", "update_time",
    "managed_by", "set_revision", "apply_group",
)  # fmt: skip
# The columns of a resource that a unit of work changes.
_DESIRED = tuple(with_new_spec(resources.c, spec=None, now=None))
_REQUESTED = (*with_request(schedule.c, now=None, trace=None), "failures")
# As plain strings, which orjson takes as keys.
_COLUMNS = {table.name: tuple(map(str, table.c.keys())) for table in (schedule, resources)}
# With settings as text, which shows how long they are before they are parsed.
_DECLARED_COLUMNS = [
    type_coerce(column, Text).label(column.key) if column.key == "settings" else column for column in declarations.c
]
_SETTINGS_AT = list(declarations.c.keys()).index("settings")


def load(tx: Tx, names: Sequence[SettingsName], request_ids: Iterable[str] = (), *, wait: bool = True) -> UnitOfWork:
    """Read all data for decisions on these declarations, and lock their registries.

    Without `wait`, registries that another transaction holds are excluded, and named
    as busy.
    """
    unit = UnitOfWork(0)
    for _ in _filling(tx, unit, names, request_ids, wait):
        pass
    return unit


def loading(tx: Tx, names: Sequence[SettingsName], request_ids: Iterable[str] = ()) -> Steps[UnitOfWork]:
    """Read the same in steps."""
    unit = UnitOfWork(0)
    yield from _filling(tx, unit, names, request_ids, True)
    return unit


def _filling(
    tx: Tx, unit: UnitOfWork, names: Sequence[SettingsName], request_ids: Iterable[str], wait: bool
) -> Steps[None]:
    values = json_rows({**key_of(name), "registry": str(name.registry)} for name in names)
    ids = sorted({each.lower() for each in request_ids if each})
    lock, read, requested = _load(tx.dialect, wait)
    queries = [(lock, values), (read, values)]
    if ids:
        queries.append((requested, json_rows({"request_id": each} for each in ids)))
    locked, declared_rows, *first_calls = tx.ask(tx.conn, queries)
    registries: dict[RegistryName, str | None] = {}
    before: dict[SettingsName, Declaration] = {}
    registry, pace = RegistryName("", ""), Pace()
    for unit.now, stored, newest, account, region, owner, *columns in declared_rows:
        if pace.is_over():
            yield
        # The owners of a registry mostly come together.
        if (registry.account, registry.region) != (account, region):
            registry = RegistryName(account, region)
            registries[registry] = stored
        unit.newest[SettingsName(registry, owner)] = newest
        owners = unit.declared.setdefault(registry, {})
        if columns[0] is not None:
            length = len(columns[_SETTINGS_AT])
            columns[_SETTINGS_AT] = yield from reading_json(columns[_SETTINGS_AT])
            declared = Declaration(*columns)
            name = SettingsName(registry, declared.owner)
            owners[declared.owner] = before[name] = declared
            unit.characters.setdefault(registry, {})[declared.owner] = length
            # The generation of a declaration is the number of its newest revision.
            unit.newest[name] = declared.generation
            pace.count(length)
    if len(before) >= MANY:
        yield
    unit.declared = {registry: dict(sorted(owners.items())) for registry, owners in unit.declared.items()}
    held = {row.name: row for row in (Resource(**dict(zip(RESOURCE_NAMES, each, strict=True))) for each in locked)}
    for registry, stored in registries.items():
        if stored in held:
            unit.registries[registry] = held[stored]
        elif stored is not None:
            unit.busy.add(registry)
    for rows in first_calls:
        unit.requests = {row.request_id: row for row in (Request(*each) for each in rows)}
    unit.begin(before)


@lru_cache(maxsize=64)
def _load(dialect: Dialect, wait: bool) -> tuple[Select[Any], Select[Any], Select[Any]]:
    names = dialect.json_table(dict.fromkeys((*KEY, "registry"), Text()))
    lock = (
        select(*RESOURCE_COLUMNS)
        .select_from(resource)
        .where(schedule.c.name.in_(select(names.c.registry)))
        .order_by(schedule.c.name)
        .with_for_update(skip_locked=not wait)
    )
    newest = select(func.coalesce(func.max(revisions.c.revision), 0)).where(
        *(revisions.c[column] == names.c[column] for column in KEY)
    )
    of_registry = and_(declarations.c.account == names.c.account, declarations.c.region == names.c.region)
    read = (
        select(
            dialect.now().label("now"),
            resources.c.name.label("stored"),
            newest.scalar_subquery().label("newest"),
            *(names.c[column].label(f"given_{column}") for column in KEY),
            *_DECLARED_COLUMNS,
        )
        .select_from(names)
        .outerjoin(resources, resources.c.name == names.c.registry)
        .outerjoin(declarations, of_registry)
    )
    ids = dialect.json_table({"request_id": Text()})
    return lock, read, select(requests).where(requests.c.request_id.in_(select(ids.c.request_id)))


def save(tx: Tx, unit: UnitOfWork) -> None:
    """Store the decisions."""
    before = unit.before
    requested = [row.name for name, row in unit.registries.items() if row is not before.registries.get(name)]
    if requested:
        tx.changed.update((*requested, DUE))
    new, changed = _parted(unit.registries, before.registries)
    for table in (schedule, resources):
        tx.insert_rows(table, [_values_of(row, _COLUMNS[table.name]) for row in new])
    tx.update_rows(schedule, ("name",), [_values_of(row, ("name", *_REQUESTED)) for row in changed])
    desired = [row for row in changed if row.generation != before.registries[row.registry].generation]
    tx.update_rows(resources, ("name",), [_values_of(row, ("name", *_DESIRED)) for row in desired])
    after = {one.name: one for owners in unit.declared.values() for one in owners.values()}
    deleted = [name for name, one in before.declared.items() if name not in after or after[name].uid != one.uid]
    if deleted:
        tx.conn.execute(_DELETE_DECLARATION, [_renamed(key_of(name)) for name in deleted])
    new, changed = _parted(after, {name: one for name, one in before.declared.items() if name not in deleted})
    tx.insert_rows(declarations, [columns_of(one) for one in new])
    tx.update_rows(declarations, KEY, [_values_of(one, (*KEY, *_DECLARED)) for one in changed])
    tx.insert_rows(revisions, [columns_of(one) for one in unit.revisions])
    saved = [columns_of(one) for key, one in unit.requests.items() if key not in before.requests]
    tx.insert_rows(requests, saved)
    audit.add(tx, unit.events)


def _parted(after: Any, before: Any) -> tuple[list[Any], list[Any]]:
    """Return the new and the changed rows."""
    new = [row for name, row in after.items() if name not in before]
    return new, [row for name, row in after.items() if name in before and row is not before[name]]


def key_of(name: SettingsName) -> dict[str, str]:
    """Return the primary key of a declaration."""
    return {"account": name.registry.account, "region": name.registry.region, "owner": name.owner}


def columns_of(row: Any) -> dict[str, Any]:
    """Return a row as the values of its columns."""
    return _values_of(row, row.__struct_fields__)


def _values_of(row: Any, columns: Iterable[str]) -> dict[str, Any]:
    return {column: getattr(row, column) for column in columns}


def _renamed(values: dict[str, str]) -> dict[str, str]:
    """Return values to look a row up by, named differently from columns that are set."""
    return {f"_{name}": value for name, value in values.items()}


_DELETE_DECLARATION = delete(declarations).where(*(declarations.c[column] == bindparam(f"_{column}") for column in KEY))
