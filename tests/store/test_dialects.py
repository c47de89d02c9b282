"""One object hides the SQL of each database from queries."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import ecrkeeper_server.store as store
import pytest
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import resources, tables
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.json_columns import json_rows, read_json
from ecrkeeper_server.store.postgres_dialect import PostgresDialect
from ecrkeeper_server.store.sqlite_dialect import SqliteDialect
from ecrkeeper_server.store.tables import audit_events, page_token_keys
from sqlalchemy import BigInteger, Text, select

# `stored_mode` is part of an index, which has no transaction and so no dialect.
OF_ONE_DATABASE = ("sqlite", "postgres", "schema", "indexes", "stored_mode", "tables", "file_lock")
QUERIES = [p for p in sorted(Path(store.__file__).parent.glob("*.py")) if not p.stem.startswith(OF_ONE_DATABASE)]


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_query_module_names_no_database(path: Path) -> None:
    tree = ast.parse(path.read_text())
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not words & {"sqlite", "postgresql"}
    assert not [name for name in modules if name and name.startswith("sqlalchemy.dialects")]


def test_dialects_with_one_clock_share_statements() -> None:
    assert SqliteDialect() == SqliteDialect()
    assert hash(PostgresDialect()) == hash(PostgresDialect())
    assert SqliteDialect() != PostgresDialect()


async def test_json_table_has_a_row_for_each_value(db: Database) -> None:
    values = [{"name": 'a"b', "number": 1}, {"name": "c", "number": 2**60}, {"name": "", "number": None}]

    def query(tx: Tx) -> list[tuple[str, int | None]]:
        table = tx.dialect.json_table({"name": Text(), "number": BigInteger()})
        rows = tx.conn.execute(select(table.c.name, table.c.number), json_rows(values))
        return [(row.name, row.number) for row in rows]

    assert await db.read(query) == [(each["name"], each["number"]) for each in values]


@pytest.mark.parametrize(
    "value",
    [
        {"conditions": [{"a": "x\x00\ud800"}, 10**40, '"'], "other\x00\udc00": "\ud800"},
        {"conditions": {}},
        {"other": [1]},
        {},
    ],
)
async def test_json_part_has_the_member_with_any_escapes(db: Database, value: dict[str, Any]) -> None:
    name = RegistryName("111111111111", "us-east-1")

    def store(tx: Tx) -> None:
        resources.ensure(tx, name, {})
        resources.patch(tx, str(name), state=value)

    await db.write(store)
    part = await db.read(
        lambda tx: tx.conn.execute(select(tx.dialect.json_part(tables.resources.c.state, "conditions"))).scalar_one()
    )
    assert read_json(part).get("conditions", "none") == value.get("conditions", "none")


async def test_insert_or_ignore_keeps_the_first_row(db: Database) -> None:
    def change(tx: Tx) -> list[str]:
        for key in ("aa", "bb"):
            values = {"id": 7, "key": key, "create_time": tx.now()}
            tx.conn.execute(tx.dialect.insert_or_ignore(page_token_keys).values(values))
        return list(tx.conn.execute(select(page_token_keys.c.key).where(page_token_keys.c.id == 7)).scalars())

    assert await db.write(change) == ["aa"]


async def test_transaction_ids_are_ordered(db: Database) -> None:
    def ids(tx: Tx) -> tuple[int, int, int]:
        column, own = audit_events.c.txid, tx.dialect
        row = tx.conn.execute(
            select(own.first_unfinished(column), own.transaction_id(column), own.first_unassigned(column))
        ).one()
        return row[0], row[1], row[2]

    unfinished, this, unassigned = await db.write(ids)
    assert unfinished <= this
    assert unfinished <= unassigned
