"""Prepared queries, which the driver runs without SQLAlchemy."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.store import declaration_pages, declarations, listing
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.declaration_pages import ListedDeclaration
from ecrkeeper_server.store.prepared import Prepared
from ecrkeeper_server.store.tables import resources
from ecrkeeper_server.turns import finish
from sqlalchemy import event, func, select

from .test_declarations import NAME

LISTED = ListedDeclaration("111111111111", "us-east-1", "team-a", None, "uid", 1, 1, 1, None, None, None)
QUERIES: list[tuple[Any, str]] = [
    (lambda tx: declarations.stored(tx, [NAME]), "one declaration"),
    (lambda tx: declarations.stored(tx, [NAME, NAME]), "several declarations"),
    (lambda tx: finish(declaration_pages.reading_page(tx, "-", "-", ("", "", ""), 9)), "a page of declarations"),
    (
        lambda tx: finish(declaration_pages.reading_page(tx, "1", "r", ("", "", ""), 9, "o", "g")),
        "a filtered page of declarations",
    ),
    (lambda tx: finish(declaration_pages.reading(tx, [LISTED])), "the declarations of a page"),
    (lambda tx: finish(listing.reading_list(tx, "-", "", 9)), "a page of registries"),
    (lambda tx: finish(listing.reading_list(tx, "111111111111", "", 9)), "a page of an account's registries"),
]


async def test_driver_accepts_the_text_of_every_prepared_query(db: Database) -> None:
    executed: list[str] = []

    def run(tx: Tx, query: Any) -> None:
        def record(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
            executed.append(statement)

        event.listen(tx.conn, "before_cursor_execute", record)
        try:
            query(tx)
        finally:
            event.remove(tx.conn, "before_cursor_execute", record)

    for query, reason in QUERIES:
        await db.read(lambda tx, query=query: run(tx, query))  # type: ignore[misc]
        # SQLAlchemy runs a query only if the driver has failed.
        assert executed == [], reason


async def test_incomplete_text_is_rejected(db: Database) -> None:
    query = select(func.aggregate_strings(resources.c.name, ","))
    with pytest.raises(ValueError, match="completes the text"):
        await db.read(lambda tx: Prepared(query, tx.conn.dialect))
