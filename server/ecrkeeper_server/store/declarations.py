"""Queries on declarations and their revisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec.structs import replace
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.engine import Dialect as Compiler

from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.settings.elements import CHARACTERS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import (
    Pace,
    TextBytes,
    as_text,
    json_rows,
    read_json,
    read_state,
    reading_json,
    released,
)
from ecrkeeper_server.store.prepared import Prepared
from ecrkeeper_server.store.rows import Declaration, RegistryStatus, Resource, Revision
from ecrkeeper_server.store.tables import declarations, resources, revisions, schedule
from ecrkeeper_server.store.work import KEY, key_of
from ecrkeeper_server.turns import Steps, finish

# A declaration with the status of its registry, as the driver returns the columns. The first
# three are account, Region and owner. JSON stays text, so that cached parses can be used.
Stored = tuple[Any, ...]
REGISTRY = resources.c.name == literal("accounts/") + declarations.c.account + "/registries/" + declarations.c.region
_SCHEDULED = schedule.c.name == resources.c.name


STORED_DECLARATION = list(map(as_text, declarations.c))
STORED_REGISTRY = list(map(as_text, (resources.c.state, schedule.c.due_at, resources.c.events)))
STORED = [*STORED_DECLARATION, *STORED_REGISTRY]
SETTINGS_AT = [column.key for column in STORED_DECLARATION].index("settings")
"""The position of the settings in the columns of a declaration."""
STATE_AT = len(STORED_DECLARATION)
"""The position of the registry's state in a row; its events are the last column."""


def _revises(name: SettingsName) -> tuple[ColumnElement[bool], ...]:
    return tuple(revisions.c[column] == value for column, value in key_of(name).items())


def decoded(
    row: Stored, statuses: dict[RegistryName, RegistryStatus] | None = None
) -> tuple[Declaration, RegistryStatus]:
    """Return the values of a row."""
    return finish(decoding(row, statuses))


def decoding(
    row: Stored, statuses: dict[RegistryName, RegistryStatus] | None = None
) -> Steps[tuple[Declaration, RegistryStatus]]:
    """Return the same in steps; a long state is not parsed yet.

    Rows that were read together share `statuses`: a registry's state can be large, and have a thousand owners.
    """
    *columns, state, due_at, events = row
    declared = yield from parsing_one(columns)
    registry = declared.name.registry
    status = None if statuses is None else statuses.get(registry)
    if status is None:
        status = RegistryStatus(read_state(state), due_at, None if events is None else read_json(events))
        if statuses is not None:
            statuses[registry] = status
    return declared, status


def stored(tx: Tx, names: Sequence[SettingsName]) -> dict[SettingsName, Stored]:
    """Return the existing declarations of these names, with registry statuses."""
    if len(names) != 1:
        return finish(reading(tx, names))
    # Most calls read one name, which takes a third less time than a table of names.
    (name,) = names
    rows = _of_name(tx.conn.dialect).rows(tx.conn, {**key_of(name), "registry": str(name.registry)})
    return {name: rows[0]} if rows else {}


def reading(tx: Tx, names: Sequence[SettingsName]) -> Steps[dict[SettingsName, Stored]]:
    """Return the same in steps."""
    rows = yield from _of_names(tx.dialect, tx.conn.dialect).reading(tx.conn, json_rows(map(key_of, names)))
    return {SettingsName(RegistryName(row[0], row[1]), row[2]): row for row in rows}


@lru_cache(maxsize=8)
def _of_name(compiler: Compiler) -> Prepared:
    this = and_(*(declarations.c[name] == bindparam(name) for name in KEY))
    joined = declarations.join(resources, resources.c.name == bindparam("registry")).join(schedule, _SCHEDULED)
    return Prepared(select(*STORED).select_from(joined).where(this), compiler)


@lru_cache(maxsize=8)
def _of_names(dialect: Dialect, compiler: Compiler) -> Prepared:
    names = dialect.json_table(dict.fromkeys(KEY, Text()))
    named = and_(*(declarations.c[name] == names.c[name] for name in KEY))
    joined = select(*STORED).join_from(names, declarations, named)
    return Prepared(joined.join(resources, REGISTRY).join(schedule, _SCHEDULED), compiler)


def of_registry(tx: Tx, registry: RegistryName) -> list[Declaration]:
    """Return all declarations of one registry, by owner."""
    query = select(*STORED_DECLARATION).where(
        declarations.c.account == registry.account, declarations.c.region == registry.region
    )
    return list(map(parsed, tx.conn.execute(query.order_by(declarations.c.owner))))


def owners(tx: Tx, registry: RegistryName) -> list[str]:
    """Return the owners of all declarations of one registry, in order."""
    query = select(declarations.c.owner).where(
        declarations.c.account == registry.account, declarations.c.region == registry.region
    )
    return sorted(tx.conn.execute(query).scalars())


def of_registries(tx: Tx, registries: Iterable[Resource]) -> dict[str, list[Declaration]]:
    """Return the declarations of several registries, by the registry's name."""
    registry_rows = [row for row in registries if row.kind == RegistryName.kind]
    declared: dict[str, list[Declaration]] = {row.name: [] for row in registry_rows}
    values = json_rows({"name": row.name, "account": row.account, "region": row.place} for row in registry_rows)
    for name, *columns in tx.conn.execute(_of_registries(tx.dialect), values) if registry_rows else ():
        declared[name].append(parsed(columns))
    return declared


# A join, because SQLite would scan all declarations for a condition on pairs of columns.
@lru_cache(maxsize=4)
def _of_registries(dialect: Dialect) -> Select[Any]:
    names = dialect.json_table({name: Text() for name in ("name", "account", "region")})
    of_it = and_(declarations.c.account == names.c.account, declarations.c.region == names.c.region)
    named = select(names.c.name, *STORED_DECLARATION).join_from(names, declarations, of_it)
    return named.order_by(declarations.c.owner)


def parsed(columns: Sequence[Any]) -> Declaration:
    """Return the values of a declaration's columns with JSON as text."""
    return finish(parsing_one(columns))


def parsing_one(columns: Sequence[Any]) -> Steps[Declaration]:
    """Return the same in steps; short settings have one."""
    stored = Declaration(*columns)
    text: Any = stored.settings
    settings = yield from reading_json(text)
    # SQLite has no booleans.
    return replace(stored, settings=settings, allow_replacement=bool(stored.allow_replacement))


def parsing(rows: Iterable[Sequence[Any]]) -> Steps[list[Declaration]]:
    """Return the values of declarations, at most one in each step."""
    declared: list[Declaration] = []
    for row in rows:
        declared.append((yield from parsing_one(row)))
        yield
    return declared


def parsing_all(rows: list[Stored], pace: Pace | None = None) -> Steps[list[Declaration]]:
    """Return the same, and release the rows; many short ones share a step."""
    declared, pace = list[Declaration](), pace or Pace()
    for row in released(rows):
        if pace.is_over():
            yield
        pace.count(len(row[SETTINGS_AT]))
        declared.append((yield from parsing_one(row)))
    return declared


def parsing_cost(rows: Iterable[Sequence[Any]]) -> int:
    """Return the cost of declarations with JSON as text, in elements.

    Each declaration costs one more.
    """
    lengths = [len(row[SETTINGS_AT]) for row in rows]
    return len(lengths) + sum(lengths) // CHARACTERS


class DeclaredSetting(NamedTuple):
    """A declaration and one of its settings as JSON text, or None."""

    region: str
    owner: str
    shape: str | None


def reading_setting(tx: Tx, account: str, setting: str) -> Steps[list[DeclaredSetting]]:
    """Return one setting of all declarations of an account, in steps."""
    shape = tx.dialect.json_member(declarations.c.settings, setting)
    size = TextBytes(type_coerce(declarations.c.settings, Text))
    columns: list[ColumnElement[Any]] = [declarations.c.region, declarations.c.owner, shape, size]
    (rows,) = tx.ask(tx.conn, [(select(*columns).where(declarations.c.account == account), {})])
    declared: list[DeclaredSetting] = []
    pace = Pace()
    for *row, length in rows:
        declared.append(DeclaredSetting(*row))
        pace.count(length)
        # Before the next row, which SQLite parses as a whole.
        if pace.is_over():
            yield
    return declared


def get_revision(tx: Tx, name: SettingsName, revision: int) -> Revision | None:
    """Return one revision."""
    query = select(revisions).where(*_revises(name), revisions.c.revision == revision)
    row = tx.conn.execute(query).one_or_none()
    return Revision.of(row) if row else None


def some_revisions(tx: Tx, wanted: Mapping[SettingsName, int]) -> dict[SettingsName, Revision]:
    """Return one revision of each of these declarations, if it is stored."""
    values = json_rows({**key_of(name), "revision": number} for name, number in wanted.items())
    existing = [Revision.of(row) for row in tx.conn.execute(_some_revisions(tx.dialect), values)] if wanted else []
    return {SettingsName(RegistryName(each.account, each.region), each.owner): each for each in existing}


@lru_cache(maxsize=4)
def _some_revisions(dialect: Dialect) -> Select[Any]:
    wanted = dialect.json_table({**dict.fromkeys(KEY, Text()), "revision": BigInteger()})
    same = and_(*(revisions.c[name] == wanted.c[name] for name in (*KEY, "revision")))
    return select(revisions).join_from(wanted, revisions, same)
