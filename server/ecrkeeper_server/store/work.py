"""Read and store units of work with few statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any

from msgspec import Struct
from sqlalchemy import BigInteger, Boolean, Select, Text, and_, bindparam, delete, func, literal, select, type_coerce

from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import audit
from ecrkeeper_server.store.database import DUE, Rows, Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import Pace, json_rows, reading_each, reading_json
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
# The rows of `read` have these before the columns of a declaration: the time, the registry, the
# newest revision, and the given account, Region and owner.
_GIVEN = slice(3, 6)
_SETTINGS_AT = _GIVEN.stop + list(declarations.c.keys()).index("settings")
_OWNER_AT = _GIVEN.stop + KEY.index("owner")
# A row costs as much as so many characters of settings.
_ROW_WEIGHT = 100


class Lock(Enum):
    """How to lock the registries of a unit of work."""

    NONE = "NONE"
    WAIT = "WAIT"
    SKIP = "SKIP"


class Texts(Struct, frozen=True):
    """The rows of a unit of work, with settings as JSON."""

    locked: Sequence[Sequence[Any]]
    declared: Sequence[Sequence[Any]]
    requests: Sequence[Sequence[Any]]

    @property
    def weight(self) -> int:
        """The cost of parsing and composing the settings, in characters."""
        return sum(map(_weight, self.declared))


def load(
    tx: Tx,
    names: Sequence[SettingsName],
    request_ids: Iterable[str] = (),
    *,
    wait: bool = True,
    most: int | None = None,
) -> UnitOfWork:
    """Read all data for decisions on these declarations, and lock their registries.

    Without `wait`, registries that another transaction holds are excluded, and named
    as busy; so are registries of more weight than `most`, as large.
    """
    locked, declared, called = _ask(tx, names, request_ids, Lock.WAIT if wait else Lock.SKIP)
    unit = UnitOfWork(0)
    for _ in _filling(unit, Texts(list(locked), list(declared), list(called)), most):
        pass
    return unit


def has_many(tx: Tx, registry: RegistryName, most: int) -> bool:
    """Return whether a registry's declarations weigh more than `most`.

    Only their number counts.
    """
    values = {"in_account": registry.account, "in_region": registry.region, "behind": most // _ROW_WEIGHT}
    return bool(tx.conn.execute(_has_many(), values).scalar_one())


@lru_cache(maxsize=1)
def _has_many() -> Select[Any]:
    here = (declarations.c.account == bindparam("in_account"), declarations.c.region == bindparam("in_region"))
    beyond = select(literal(1)).select_from(declarations).where(*here).limit(1)
    return select(beyond.offset(bindparam("behind", type_=BigInteger)).exists())


def reading(tx: Tx, names: Sequence[SettingsName], request_ids: Iterable[str] = ()) -> Steps[Texts]:
    """Read the same in steps, without a lock and without parsing settings."""
    locked, rows, called = _ask(tx, names, request_ids, Lock.NONE)
    declared = yield from reading_each(rows, tuple, lambda row: len(row[_SETTINGS_AT] or ""))
    return Texts(list(locked), declared, list(called))


def parsing(texts: Texts) -> Steps[UnitOfWork]:
    """Return the unit of work in steps."""
    unit = UnitOfWork(0)
    yield from _filling(unit, texts, None)
    return unit


def _ask(tx: Tx, names: Sequence[SettingsName], request_ids: Iterable[str], lock: Lock) -> list[Rows]:
    """Return the rows of the registries, of their declarations, and of the calls."""
    values = json_rows(_given(names))
    ids = sorted({each.lower() for each in request_ids if each})
    registries, declared, called = _load(tx.dialect, lock)
    queries = [(registries, values), (declared, values)]
    if ids:
        return tx.ask(tx.conn, [*queries, (called, json_rows({"request_id": each} for each in ids))])
    return [*tx.ask(tx.conn, queries), ()]


def _filling(unit: UnitOfWork, texts: Texts, most: int | None) -> Steps[None]:
    rows = (Resource(**dict(zip(RESOURCE_NAMES, each, strict=True))) for each in texts.locked)
    held = {row.name: row for row in rows}
    large = _large(texts.declared, most) if most is not None and texts.weight > most else ()
    before: dict[SettingsName, Declaration] = {}
    registry, skipped, pace = RegistryName("", ""), False, Pace()
    for row in texts.declared:
        if pace.is_over():
            yield
        unit.now, stored, newest, account, region, owner = row[: _GIVEN.stop]
        # The owners of a registry mostly come together.
        if (registry.account, registry.region) != (account, region):
            registry = RegistryName(account, region)
            if stored in held:
                unit.registries[registry] = held[stored]
            elif stored is not None:
                unit.busy.add(registry)
            skipped = (account, region) in large
            if skipped:
                unit.large.add(registry)
        if skipped:
            continue
        unit.newest.setdefault(SettingsName(registry, owner), newest)
        owners = unit.declared.setdefault(registry, {})
        text = row[_SETTINGS_AT]
        if text is not None:
            settings = yield from reading_json(text)
            name = SettingsName(registry, row[_OWNER_AT])
            columns = (*row[_GIVEN.stop : _SETTINGS_AT], settings, *row[_SETTINGS_AT + 1 :])
            declared = Declaration(*columns)
            owners[name.owner] = before[name] = declared
            unit.characters.setdefault(registry, {})[name.owner] = len(text)
            # The generation of a declaration is the number of its newest revision.
            unit.newest[name] = declared.generation
            pace.count(len(text))
    if len(before) >= MANY:
        yield
    unit.declared = {registry: dict(sorted(owners.items())) for registry, owners in unit.declared.items()}
    unit.requests = {row.request_id: row for row in (Request(*each) for each in texts.requests)}
    unit.begin(before)


def _large(rows: Sequence[Sequence[Any]], most: int) -> set[tuple[str, str]]:
    """Return the accounts and Regions whose declarations weigh more than `most`."""
    weights: Counter[tuple[str, str]] = Counter()
    for row in rows:
        account, region, _ = row[_GIVEN]
        weights[account, region] += _weight(row)
    return {place for place, weight in weights.items() if weight > most}


def _weight(row: Sequence[Any]) -> int:
    return _ROW_WEIGHT + len(row[_SETTINGS_AT] or "")


def _given(names: Sequence[SettingsName]) -> Iterator[dict[str, Any]]:
    """Yield the given names.

    Only the `first` one of a registry comes with all its declarations.
    """
    known: set[RegistryName] = set()
    for name in names:
        yield {**key_of(name), "registry": str(name.registry), "first": name.registry not in known}
        known.add(name.registry)


@lru_cache(maxsize=64)
def _load(dialect: Dialect, lock: Lock) -> tuple[Select[Any], Select[Any], Select[Any]]:
    names = dialect.json_table({**dict.fromkeys((*KEY, "registry"), Text()), "first": Boolean()})
    registries = (
        select(*RESOURCE_COLUMNS)
        .select_from(resource)
        .where(schedule.c.name.in_(select(names.c.registry)))
        .order_by(schedule.c.name)
    )
    if lock is not Lock.NONE:
        registries = registries.with_for_update(skip_locked=lock is Lock.SKIP)
    newest = select(func.coalesce(func.max(revisions.c.revision), 0)).where(
        *(revisions.c[column] == names.c[column] for column in KEY)
    )
    of_registry = and_(
        names.c.first, declarations.c.account == names.c.account, declarations.c.region == names.c.region
    )
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
    return registries, read, select(requests).where(requests.c.request_id.in_(select(ids.c.request_id)))


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
