"""Transactions on Postgres, with and without psycopg's pipeline."""

from __future__ import annotations

import contextlib
import select
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from ecrkeeper_server.errors import Unavailable
from ecrkeeper_server.private_interfaces import SWITCH
from ecrkeeper_server.store import postgres_engine, resources, schema
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.pipeline import PIPELINE
from ecrkeeper_server.store.prepared import Prepared
from ecrkeeper_server.store.tables import resources as table
from msgspec.structs import replace
from psycopg.pq import TransactionStatus
from sqlalchemy import func, text
from sqlalchemy import select as query_of
from sqlalchemy.exc import DBAPIError

from tests.store.test_postgres import NAME, create

QUERY = query_of(func.count()).select_from(table)


@pytest.fixture
def url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture(params=["pipeline", "public"])
def interface(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(SWITCH, "1" if request.param == "public" else "")
    chosen: str = request.param
    if chosen == "pipeline" and not PIPELINE.usable:
        pytest.skip("the installed psycopg is of another version")
    return chosen


@pytest.fixture
async def db(url: str, interface: str) -> AsyncIterator[Database]:
    opened = schema.open_database(url, pool_size=2)
    yield opened
    await opened.close()


async def test_unnoticed_statement_failure_rolls_back_the_write(db: Database) -> None:
    def change(tx: Tx) -> None:
        create(tx)
        tx.conn.execute(text("UPDATE schedule SET failures = failures / 0"))
        tx.conn.execute(text("UPDATE schedule SET failures = 1"))

    with pytest.raises(Unavailable):
        await db.write(change)
    assert await db.read(lambda tx: resources.get(tx, str(NAME))) is None
    await db.write(create)
    assert await db.read(lambda tx: resources.get(tx, str(NAME))) is not None


def _failed(tx: Tx) -> None:
    """Fail a statement, and wait until its error has arrived."""
    create(tx)
    tx.conn.execute(text("UPDATE schedule SET failures = failures / 0"))
    driver: Any = tx.conn.connection.driver_connection
    assert select.select([driver.fileno()], [], [], 10)[0]


LOOKS: dict[str, Callable[[Tx], object]] = {
    "queries that share a round trip": lambda tx: tx.ask(tx.conn, [(QUERY, {}), (QUERY, {})]),
    "a precompiled query": lambda tx: Prepared(QUERY, tx.conn.dialect).rows(tx.conn, {}),
    "a query": lambda tx: tx.conn.execute(QUERY).all(),
    "a change, and the end of the transaction": lambda tx: tx.conn.execute(text("UPDATE schedule SET failures = 1")),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("caught", [False, True])
async def test_skipped_statement_raises_the_first_error(
    db: Database, look: Callable[[Tx], object], caught: bool
) -> None:
    def change(tx: Tx) -> None:
        _failed(tx)
        with contextlib.suppress(DBAPIError) if caught else contextlib.nullcontext():
            tx.conn.execute(text("UPDATE schedule SET failures = 1"))
        look(tx)

    with pytest.raises(Unavailable) as raised:
        await db.write(change)
    assert "22012" in raised.value.message, raised.value.message


async def test_write_waits_only_for_statements_with_rows(db: Database, interface: str) -> None:
    answered: list[bool] = []

    def change(tx: Tx) -> None:
        create(tx)
        driver = tx.conn.connection.driver_connection
        answered.append(driver is not None and driver.info.transaction_status == TransactionStatus.INTRANS)
        assert tx.conn.execute(text("SELECT count(*) FROM resources")).scalar_one() == 1
        answered.append(driver is not None and driver.info.transaction_status == TransactionStatus.INTRANS)

    await db.write(change)
    assert answered == [interface == "public", True]


async def test_untested_psycopg_uses_no_pipeline_with_warning(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(SWITCH, "")
    monkeypatch.setattr(postgres_engine, "PIPELINE", replace(PIPELINE, version="3.4.0"))
    opened = schema.open_database(url, pool_size=1)
    try:
        kinds = await opened.write(lambda tx: tx.conn.connection.driver_connection.cursor_factory.__name__)  # type: ignore[union-attr]
    finally:
        await opened.close()
    assert kinds == "Cursor"
    assert "public_interface_used" in capsys.readouterr().err
