"""Retries when Postgres fails in the middle of a transaction."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import psycopg
import pytest
from ecrkeeper_server.errors import NotFound, Unavailable
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import declarations, postgres_engine, resources, schema
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.postgres import PostgresDatabase
from sqlalchemy import event, text

from tests.chaos.proxy import proxy
from tests.postgres import IN_SYNC, Postgres, replicated

NAME = RegistryName("111111111111", "us-east-1")
DECLARED = SettingsName(NAME, "team-a")
OTHER = RegistryName("222222222222", "us-east-1")

known_commits = pytest.mark.skipif(
    os.environ.get("TEST_PUBLIC_INTERFACES") == "1",
    reason="by psycopg's public interface a COMMIT that ends without an answer is always of unknown outcome",
)


@pytest.fixture
def url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    opened = schema.open_database(url, pool_size=2)
    yield opened
    await opened.close()


def backend(tx: Tx) -> int:
    return int(tx.conn.execute(text("SELECT pg_backend_pid()")).scalar_one())


def cut(url: str, pid: int) -> None:
    """End one connection, as a restart does."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


MAKE = (
    "INSERT INTO resources (name, kind, account, place, uid, spec, state, generation, observed_generation,"
    " create_time, update_time)"
    f" VALUES ('{NAME}', 'registry', '111111111111', 'us-east-1', 'u', '{{}}', '{{}}', 1, 0, 0, 0)"
)
SCHEDULE = f"INSERT INTO schedule (name, account, requested, failures) VALUES ('{NAME}', '111111111111', 1, 0)"


def create(tx: Tx) -> None:
    tx.conn.execute(text(MAKE))
    tx.conn.execute(text(SCHEDULE))


def failing_once(pids: list[int], fault: Callable[[Tx], None]) -> Callable[[Tx], None]:
    def change(tx: Tx) -> None:
        first = not pids
        pids.append(backend(tx))
        if first:
            fault(tx)
        create(tx)

    return change


async def test_write_is_retried_if_connection_dies_before_commit(db: Database, url: str) -> None:
    pids: list[int] = []
    await db.write(failing_once(pids, lambda tx: cut(url, backend(tx))))
    assert len(set(pids)) == 2
    assert await db.read(lambda tx: resources.get(tx, str(NAME))) is not None


async def test_write_on_standby_is_retried_on_other_connection(db: Database) -> None:
    def read_only(tx: Tx) -> None:
        tx.conn.execute(text("SET TRANSACTION READ ONLY"))

    pids: list[int] = []
    await db.write(failing_once(pids, read_only))
    assert len(set(pids)) == 2


async def test_unanswered_commit_is_reported_and_not_repeated(db: Database, url: str) -> None:
    pids: list[int] = []

    def change(tx: Tx) -> None:
        pids.append(pid := backend(tx))
        create(tx)
        event.listen(tx.conn, "before_cursor_execute", lambda *sent: sent[2] == "COMMIT" and cut(url, pid))

    with pytest.raises(Unavailable) as caught:
        await db.write(change)
    assert caught.value.reason == "STORE_OUTCOME_UNKNOWN"
    assert "request_id" in caught.value.message
    assert len(pids) == 1
    # The pool has recovered.
    assert await db.read(lambda tx: resources.get(tx, str(NAME))) is None


@known_commits
async def test_write_is_retried_if_connection_dies_after_last_statement(db: Database, url: str) -> None:
    pids: list[int] = []

    def change(tx: Tx) -> None:
        pids.append(backend(tx))
        create(tx)
        if len(pids) == 1:
            cut(url, pids[0])

    await db.write(change)
    assert len(pids) == 2


@known_commits
async def test_write_is_retried_if_connection_dies_before_commit_is_sent(db: Database, url: str) -> None:
    pids: list[int] = []

    def change(tx: Tx) -> None:
        pids.append(pid := backend(tx))
        create(tx)
        if len(pids) == 1:
            event.listen(tx.conn, "after_cursor_execute", lambda *sent: sent[2] == "SELECT 1" and cut(url, pid))

    await db.write(change)
    assert len(set(pids)) == 2
    assert await db.read(lambda tx: resources.get(tx, str(NAME))) is not None


async def test_skipped_prepared_statement_is_prepared_again(db: Database) -> None:
    def change(tx: Tx, first: int, second: int) -> None:
        tx.conn.execute(text("INSERT INTO first VALUES (:number)"), {"number": first})
        tx.conn.execute(text("INSERT INTO second VALUES (:number)"), {"number": second})

    def refused(_: Tx) -> None:
        raise NotFound("Registry", str(NAME))

    def tables(tx: Tx) -> None:
        for table in ("first", "second"):
            tx.conn.execute(text(f"CREATE TABLE {table} (number int PRIMARY KEY)"))

    await db.write(tables)
    # psycopg forgets its prepared statements at a successful ROLLBACK, if it is the first one.
    with pytest.raises(NotFound):
        await db.write(refused)
    # psycopg prepares a statement at its sixth execution.
    for number in range(5):
        await db.write(lambda tx, n=number: change(tx, n, n))
    with pytest.raises(Unavailable):
        await db.write(lambda tx: change(tx, 0, 5))
    for number in range(5, 10):
        await db.write(lambda tx, n=number: change(tx, n, n))


async def test_concurrently_created_row_is_found(db: Database, url: str) -> None:
    existed: list[bool] = []

    def change(tx: Tx) -> None:
        present = resources.get(tx, str(NAME), lock=True)
        existed.append(present is not None)
        if len(existed) == 1:
            with psycopg.connect(url, autocommit=True) as other:
                other.execute(MAKE)
                other.execute(SCHEDULE)
        if present is None:
            resources.create(tx, NAME, {})

    await db.write(change)
    assert existed == [False, True]


async def test_read_survives_loss_of_all_connections(db: Database, url: str) -> None:
    await asyncio.gather(*(db.read(backend) for _ in range(4)))
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'ecrkeeper'"
        )
    # Bypass SQLAlchemy, too, which would handle it.
    results = await asyncio.gather(*(db.read(lambda tx: declarations.stored(tx, [DECLARED])) for _ in range(4)))
    assert results == [{}] * 4


async def test_listener_reports_possibly_lost_notifications(db: Database, url: str) -> None:
    notified: list[set[str]] = []
    db.listen(notified.append)
    await _until(lambda: set() in notified)
    notified.clear()
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ecrkeeper-listen'"
        )
    await _until(lambda: set() in notified)
    await db.write(lambda tx: resources.ensure(tx, NAME, {}))
    await _until(lambda: {str(NAME)} in notified)


async def test_listener_reconnects_with_all_connections(db: Database, url: str) -> None:
    notified: list[set[str]] = []
    db.listen(notified.append)
    await _until(lambda: set() in notified)
    notified.clear()
    assert await db.read(backend)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'ecrkeeper'"
        )
    assert notified == []
    assert await db.read(backend)
    await _until(lambda: set() in notified)


async def _until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not check():
            await asyncio.sleep(0.02)


async def test_multi_host_url_finds_the_primary(cluster: Postgres, url: str) -> None:
    several = (
        f"postgresql://postgres@/{url.rpartition('/')[2]}"
        f"?host=127.0.0.1:1&host=127.0.0.1:{cluster.port}&target_session_attrs=read-write"
    )
    opened = schema.open_database(several)
    try:
        notified: list[set[str]] = []
        opened.listen(notified.append)
        await _until(lambda: set() in notified)
        await opened.write(lambda tx: resources.ensure(tx, NAME, {}))
        await _until(lambda: {str(NAME)} in notified)
    finally:
        await opened.close()


async def test_transaction_on_silent_connection_is_aborted(url: str) -> None:
    with proxy(urlsplit(url).port or 0) as line:
        through = url.replace(f":{urlsplit(url).port}/", f":{line.port}/")
        db = PostgresDatabase(postgres_engine.postgres_engine(through, 2), 2, watchdog_seconds=0.5)
        assert await db.read(backend)
        line.hang()
        with pytest.raises(Unavailable) as caught:
            await asyncio.wait_for(db.read(backend), 10)
        assert caught.value.reason == "STORE_UNAVAILABLE"
        line.heal()
        # Neither thread nor connection is leaked.
        assert all(await asyncio.gather(*(db.read(backend) for _ in range(4))))
        await db.close()


STALLED = [
    ("lock", "the statement that takes the lock was answered"),
    ("change", "nobody waited for the answer to the change"),
]


@pytest.mark.parametrize(("last", "reason"), STALLED)
async def test_stalled_process_in_transaction_does_not_block_rows(
    url: str, monkeypatch: pytest.MonkeyPatch, last: str, reason: str
) -> None:
    other = schema.open_database(url, pool_size=2)
    # Only for the one that is stopped, and long enough for its second try: on a busy machine both may pause as well.
    monkeypatch.setattr(postgres_engine, "_IDLE_MILLISECONDS", 3_000)
    stopped = schema.open_database(url, pool_size=2)
    await other.write(create)
    tries: list[int] = []
    reached, go_on = threading.Event(), threading.Event()

    def change(tx: Tx) -> None:
        tries.append(backend(tx))
        tx.conn.execute(text("SELECT name FROM schedule FOR UPDATE")).all()
        if last == "change":
            tx.conn.execute(text("UPDATE schedule SET failures = failures + 10"))
        reached.set()
        assert go_on.wait(20)

    still = asyncio.create_task(stopped.write(change))
    await asyncio.to_thread(reached.wait, 10)
    await asyncio.wait_for(other.write(lambda tx: tx.conn.execute(text("UPDATE schedule SET failures = 1"))), 10)
    assert len(tries) == 1, reason
    go_on.set()
    # It had no effect, so it is repeated.
    await still
    assert len(set(tries)) == 2
    await stopped.close()
    await other.close()


async def test_commit_unconfirmed_by_standby_is_not_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_engine, "_STATEMENT_MILLISECONDS", 500)
    with replicated() as (primary, standby):
        url = primary.create_database("kept")
        schema.migrate(url)
        db = PostgresDatabase(
            postgres_engine.postgres_engine(url.replace("://", "+psycopg://"), 2), 2, watchdog_seconds=2.0
        )
        await db.write(create)
        standby.stop()
        # The statement timeout would end any other wait, but must not end this one successfully.
        with pytest.raises(Unavailable) as caught:
            await db.write(lambda tx: resources.ensure(tx, OTHER, {}))
        assert caught.value.reason == "STORE_OUTCOME_UNKNOWN"
        assert await db.read(lambda tx: resources.get(tx, str(OTHER))) is None
        standby.start()
        await asyncio.to_thread(primary.await_, IN_SYNC, 1)
        await db.close()
        # It took effect as soon as the standby had it.
        reopened = schema.open_database(url)
        assert await reopened.read(lambda tx: resources.get(tx, str(OTHER))) is not None
        await reopened.close()
