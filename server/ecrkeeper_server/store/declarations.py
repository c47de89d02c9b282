"""Queries on declarations and their revisions."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Insert,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from ecrkeeper_server.names import WILDCARD, RegistryName, SettingsName
from ecrkeeper_server.store.clock import Now
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.given import given, rows
from ecrkeeper_server.store.rows import Declaration, Resource, Revision
from ecrkeeper_server.store.tables import declarations, resources, revisions

_KEY = ("account", "region", "owner")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a change comes from, as its revision remembers it."""

    method: str
    principal: str = ""
    request_id: str = ""
    reason: str = ""


def _is(name: SettingsName, table: Any = declarations) -> tuple[Any, ...]:
    return (
        table.c.account == name.registry.account,
        table.c.region == name.registry.region,
        table.c.owner == name.owner,
    )


def get(tx: Tx, name: SettingsName) -> Declaration | None:
    """One declaration."""
    row = tx.conn.execute(select(declarations).where(*_is(name))).one_or_none()
    return Declaration.of(row) if row else None


def with_registries(tx: Tx, names: Sequence[SettingsName]) -> dict[SettingsName, tuple[Declaration, Resource]]:
    """The declarations of these names that exist, each with its registry."""
    values = rows({**_key(name), "registry": str(name.registry)} for name in names)
    found = (
        (Declaration(*row[:_COLUMNS]), Resource(*row[_COLUMNS:]))
        for row in tx.conn.execute(_with_registries(tx.dialect), values)
    )
    return {declared.name: (declared, registry) for declared, registry in found}


_COLUMNS = len(declarations.c)


@lru_cache(maxsize=4)
def _with_registries(dialect: str) -> Select[Any]:
    names = given(dialect, {name: Text() for name in (*_KEY, "registry")})
    return (
        select(*declarations.c, *resources.c)
        .join_from(names, declarations, and_(*(declarations.c[name] == names.c[name] for name in _KEY)))
        .join(resources, resources.c.name == names.c.registry)
    )


def of_registry(tx: Tx, registry: RegistryName) -> list[Declaration]:
    """All declarations of one registry, by owner."""
    query = select(declarations).where(
        declarations.c.account == registry.account, declarations.c.region == registry.region
    )
    return [Declaration.of(row) for row in tx.conn.execute(query.order_by(declarations.c.owner))]


def of_registries(tx: Tx, registries: Iterable[Resource]) -> dict[str, list[Declaration]]:
    """The declarations of several registries, by the registry's name."""
    found: dict[str, list[Declaration]] = {row.name: [] for row in registries if row.kind == RegistryName.kind}
    keys = [(row.account, row.place) for row in registries if row.kind == RegistryName.kind]
    if keys:
        query = select(declarations).where(tuple_(declarations.c.account, declarations.c.region).in_(keys))
        for row in tx.conn.execute(query.order_by(declarations.c.owner)):
            found[str(RegistryName(row.account, row.region))].append(Declaration.of(row))
    return found


def of_account(tx: Tx, account: str) -> list[Declaration]:
    """All declarations of one account."""
    query = select(declarations).where(declarations.c.account == account)
    return [Declaration.of(row) for row in tx.conn.execute(query)]


def page(tx: Tx, account: str, region: str, after: tuple[str, str, str], limit: int) -> list[Declaration]:
    """Up to `limit` declarations by account, Region and owner, behind `after`; both may be `-`."""
    key = tuple_(declarations.c.account, declarations.c.region, declarations.c.owner)
    query = select(declarations).where(key > after)
    if account != WILDCARD:
        query = query.where(declarations.c.account == account)
    if region != WILDCARD:
        query = query.where(declarations.c.region == region)
    ordered = query.order_by(declarations.c.account, declarations.c.region, declarations.c.owner).limit(limit)
    return [Declaration.of(row) for row in tx.conn.execute(ordered)]


def put(
    tx: Tx,
    name: SettingsName,
    settings: dict[str, Any],
    *,
    deletion_policy: str,
    allow_replacement: bool,
    registry_generation: int,
    origin: Origin,
) -> Declaration:
    """Store a declaration and its revision."""
    values: dict[str, Any] = {
        "settings": settings,
        "deletion_policy": deletion_policy,
        "allow_replacement": allow_replacement,
        "registry_generation": registry_generation,
    }
    given = {f"_{key}": value for key, value in {**_key(name), **values}.items()}
    row = tx.conn.execute(_change(tx.now), given).one_or_none()
    if row is None:
        row = tx.conn.execute(
            insert(declarations)
            .values(
                account=name.registry.account,
                region=name.registry.region,
                owner=name.owner,
                uid=str(uuid.uuid4()),
                generation=_next(name),
                observed_generation=0,
                create_time=tx.now(),
                update_time=tx.now(),
                **values,
            )
            .returning(declarations)
        ).one()
    declared = Declaration.of(row)
    _record(tx, declared, declared.generation, settings, origin)
    return declared


# Every change of a declaration runs this: putting the statement together takes longer.
@lru_cache(maxsize=64)
def _change(now: Now) -> Any:
    wanted: dict[str, Any] = {name: bindparam(f"_{name}") for name in _KEY}
    newest = select(func.coalesce(func.max(revisions.c.revision), 0) + 1)
    return (
        update(declarations)
        .where(*(declarations.c[name] == value for name, value in wanted.items()))
        .values(
            settings=bindparam("_settings"),
            deletion_policy=bindparam("_deletion_policy"),
            allow_replacement=bindparam("_allow_replacement"),
            registry_generation=bindparam("_registry_generation"),
            generation=newest.where(*(revisions.c[name] == value for name, value in wanted.items())).scalar_subquery(),
            update_time=now(),
        )
        .returning(declarations)
    )


def _key(name: SettingsName) -> dict[str, str]:
    return {"account": name.registry.account, "region": name.registry.region, "owner": name.owner}


def remove(tx: Tx, declared: Declaration, origin: Origin) -> None:
    """Delete a declaration; its revisions stay."""
    tx.conn.execute(delete(declarations).where(*_is(declared.name)))
    _record(tx, declared, _next(declared.name), None, origin)


def record_original(tx: Tx, declared: Declaration, settings: dict[str, Any]) -> None:
    """Keep what AWS had before the declaration as its revision 0, once."""
    first = select(revisions.c.revision).where(*_is(declared.name, revisions), revisions.c.revision == 0)
    if tx.conn.execute(first).first() is None:
        _record(tx, declared, 0, settings, Origin("Observe"))


def _record(
    tx: Tx,
    declared: Declaration,
    revision: int | ColumnElement[int],
    settings: dict[str, Any] | None,
    origin: Origin,
) -> None:
    values = {
        "account": declared.account,
        "region": declared.region,
        "owner": declared.owner,
        "settings": settings,
        "deletion_policy": declared.deletion_policy,
        "allow_replacement": declared.allow_replacement,
        "principal": origin.principal,
        "request_id": origin.request_id,
        "reason": origin.reason,
        "method": origin.method,
    }
    if isinstance(revision, int):
        tx.conn.execute(_add(tx.now), {**values, "revision": revision})
    else:
        tx.conn.execute(_add(tx.now).values(revision=revision), values)


@lru_cache(maxsize=64)
def _add(now: Now) -> Insert:
    return insert(revisions).values(create_time=now())


def _next(name: SettingsName) -> ColumnElement[int]:
    """The number of the next revision, which goes on where a deleted declaration of the name ended."""
    newest = select(func.coalesce(func.max(revisions.c.revision), 0) + 1).where(*_is(name, revisions))
    return newest.scalar_subquery()


def get_revision(tx: Tx, name: SettingsName, revision: int) -> Revision | None:
    """One revision."""
    query = select(revisions).where(*_is(name, revisions), revisions.c.revision == revision)
    row = tx.conn.execute(query).one_or_none()
    return Revision.of(row) if row else None


def revision_page(tx: Tx, name: SettingsName, below: int | None, limit: int) -> list[Revision]:
    """Up to `limit` revisions, newest first, numbered below `below`."""
    query = select(revisions).where(*_is(name, revisions))
    if below is not None:
        query = query.where(revisions.c.revision < below)
    return [Revision.of(row) for row in tx.conn.execute(query.order_by(revisions.c.revision.desc()).limit(limit))]
