"""Read the declarations of registries in steps.

One registry may have thousands of them. A step reads `AT_ONCE` characters. A short read has no
pause, and costs nothing more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import Select, Text, and_, bindparam, select

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.declarations import SETTINGS_AT, STORED_DECLARATION, Stored
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import json_rows, reading_each, reading_json
from ecrkeeper_server.store.tables import declarations
from ecrkeeper_server.turns import Steps


def reading_texts(tx: Tx, registry: RegistryName) -> Steps[list[Stored]]:
    """Return the declarations of a registry by owner, as texts for `parsing`."""
    (rows,) = tx.ask(tx.conn, [(_of_registry(), {"in_account": registry.account, "in_region": registry.region})])
    return reading_each(rows, tuple, lambda row: len(row[SETTINGS_AT]))


def text_of(tx: Tx, registry: RegistryName) -> str:
    """Return the declarations of a registry as one text, for `reading_lists`.

    A transaction reads it instead of rows: SQLite's driver releases the GIL for each row.
    """
    values = {"in_account": registry.account, "in_region": registry.region}
    text: str | None = tx.conn.execute(_text_of(tx.dialect), values).scalar_one()
    # Postgres has no text for no declarations.
    return text or "[]"


class Registry(Protocol):
    """The row of a registry, or of a role."""

    @property
    def kind(self) -> str:
        """The kind of the resource."""

    @property
    def name(self) -> str:
        """The name of the resource."""

    @property
    def account(self) -> str:
        """The account."""

    @property
    def place(self) -> str:
        """The Region."""


def reading_texts_of(tx: Tx, registries: Collection[Registry]) -> Steps[dict[str, list[Stored]]]:
    """Return the declarations of several registries, by the registry's name."""
    texts: dict[str, list[Stored]] = {row.name: [] for row in registries if row.kind == RegistryName.kind}
    if not texts:
        return texts
    names = [{"name": row.name, "account": row.account, "region": row.place} for row in registries if row.name in texts]
    (rows,) = tx.ask(tx.conn, [(_of_registries(tx.dialect), json_rows(names))])
    # The name of the registry comes before the columns.
    for name, *columns in (yield from reading_each(rows, tuple, lambda row: len(row[1 + SETTINGS_AT]))):
        texts[name].append(tuple(columns))
    for each in texts.values():
        each.sort(key=owner_of)
    return texts


def reading_lists(text: str) -> Steps[list[Stored]]:
    """Return the declarations in the text of a `json_lists`, by owner."""
    return sorted((yield from reading_json(text)), key=owner_of)


def owner_of(row: Sequence[Any]) -> str:
    """Return the owner of a declaration's columns."""
    owner: str = row[2]
    return owner


_HERE = (declarations.c.account == bindparam("in_account"), declarations.c.region == bindparam("in_region"))


@lru_cache(maxsize=1)
def _of_registry() -> Select[Any]:
    return select(*STORED_DECLARATION).where(*_HERE).order_by(declarations.c.owner)


@lru_cache(maxsize=4)
def _text_of(dialect: Dialect) -> Select[Any]:
    return select(dialect.json_lists(STORED_DECLARATION)).where(*_HERE)


# A join, because SQLite would scan all declarations for a condition on pairs of columns. In no order, because it
# would read all rows before it returned the first one.
@lru_cache(maxsize=4)
def _of_registries(dialect: Dialect) -> Select[Any]:
    names = dialect.json_table({name: Text() for name in ("name", "account", "region")})
    of_it = and_(declarations.c.account == names.c.account, declarations.c.region == names.c.region)
    return select(names.c.name, *STORED_DECLARATION).join_from(names, declarations, of_it)
