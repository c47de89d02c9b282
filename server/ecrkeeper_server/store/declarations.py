"""Queries on declarations and their revisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, insert, literal, select, tuple_

from ecrkeeper_server.names import WILDCARD, RegistryName, SettingsName
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.given import given, rows
from ecrkeeper_server.store.rows import Declaration, Resource, Revision, Standing
from ecrkeeper_server.store.tables import declarations, resources, revisions
from ecrkeeper_server.store.unit_of_work import Origin, revision
from ecrkeeper_server.store.work import KEY, columns_of, key_of

Shown = tuple[Declaration, Standing]
_REGISTRY = resources.c.name == literal("accounts/") + declarations.c.account + "/registries/" + declarations.c.region
_SHOWN = (*declarations.c, resources.c.state, resources.c.due_at)


def _revises(name: SettingsName) -> tuple[ColumnElement[bool], ...]:
    return tuple(revisions.c[column] == value for column, value in key_of(name).items())


def _shown(row: Any) -> Shown:
    *columns, state, due_at = row
    return Declaration(*columns), Standing(state, due_at)


def shown(tx: Tx, names: Sequence[SettingsName]) -> dict[SettingsName, Shown]:
    """The declarations of these names that exist, each with how its registry stands."""
    found = map(_shown, tx.conn.execute(_of_names(tx.dialect), rows(map(key_of, names))))
    return {declared.name: (declared, standing) for declared, standing in found}


@lru_cache(maxsize=4)
def _of_names(dialect: str) -> Select[Any]:
    names = given(dialect, dict.fromkeys(KEY, Text()))
    named = and_(*(declarations.c[name] == names.c[name] for name in KEY))
    return select(*_SHOWN).join_from(names, declarations, named).join(resources, _REGISTRY)


def of_registry(tx: Tx, registry: RegistryName) -> list[Declaration]:
    """All declarations of one registry, by owner."""
    query = select(declarations).where(
        declarations.c.account == registry.account, declarations.c.region == registry.region
    )
    return [Declaration.of(row) for row in tx.conn.execute(query.order_by(declarations.c.owner))]


def of_registries(tx: Tx, registries: Iterable[Resource]) -> dict[str, list[Declaration]]:
    """The declarations of several registries, by the registry's name."""
    kept = [row for row in registries if row.kind == RegistryName.kind]
    found: dict[str, list[Declaration]] = {row.name: [] for row in kept}
    values = rows({"name": row.name, "account": row.account, "region": row.place} for row in kept)
    for name, *columns in tx.conn.execute(_of_registries(tx.dialect), values) if kept else ():
        found[name].append(Declaration(*columns))
    return found


# Joined, because SQLite would read all declarations for a condition on pairs of columns.
@lru_cache(maxsize=4)
def _of_registries(dialect: str) -> Select[Any]:
    names = given(dialect, {name: Text() for name in ("name", "account", "region")})
    of_it = and_(declarations.c.account == names.c.account, declarations.c.region == names.c.region)
    return select(names.c.name, *declarations.c).join_from(names, declarations, of_it).order_by(declarations.c.owner)


def of_account(tx: Tx, account: str) -> list[Declaration]:
    """All declarations of one account."""
    query = select(declarations).where(declarations.c.account == account)
    return [Declaration.of(row) for row in tx.conn.execute(query)]


def page(tx: Tx, account: str, region: str, after: tuple[str, str, str], limit: int) -> list[Shown]:
    """Up to `limit` declarations by account, Region and owner, behind `after`; both may be `-`."""
    key = tuple_(declarations.c.account, declarations.c.region, declarations.c.owner)
    query = select(*_SHOWN).join_from(declarations, resources, _REGISTRY).where(key > after)
    if account != WILDCARD:
        query = query.where(declarations.c.account == account)
    if region != WILDCARD:
        query = query.where(declarations.c.region == region)
    ordered = query.order_by(declarations.c.account, declarations.c.region, declarations.c.owner).limit(limit)
    return [_shown(row) for row in tx.conn.execute(ordered)]


def record_original(tx: Tx, declared: Declaration, settings: dict[str, Any]) -> None:
    """Keep what AWS had before the declaration as its revision 0, once."""
    first = select(revisions.c.revision).where(*_revises(declared.name), revisions.c.revision == 0)
    if tx.conn.execute(first).first() is None:
        seen = columns_of(revision(declared, 0, settings, Origin("Observe"), 0))
        tx.conn.execute(insert(revisions).values({**seen, "create_time": tx.now()}))


def get_revision(tx: Tx, name: SettingsName, revision: int) -> Revision | None:
    """One revision."""
    query = select(revisions).where(*_revises(name), revisions.c.revision == revision)
    row = tx.conn.execute(query).one_or_none()
    return Revision.of(row) if row else None


def revision_page(tx: Tx, name: SettingsName, below: int | None, limit: int) -> list[Revision]:
    """Up to `limit` revisions, newest first, numbered below `below`."""
    query = select(revisions).where(*_revises(name))
    if below is not None:
        query = query.where(revisions.c.revision < below)
    return [Revision.of(row) for row in tx.conn.execute(query.order_by(revisions.c.revision.desc()).limit(limit))]
