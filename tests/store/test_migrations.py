"""Migrations on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from ecrkeeper_server import app
from ecrkeeper_server.config.settings import Config
from ecrkeeper_server.errors import Unavailable
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import claims, endings, operations, postgres_engine, queue, resources, schema
from ecrkeeper_server.store.indexes import metadata
from ecrkeeper_server.store.tables import drifting
from ecrkeeper_server.store.unit_of_work import Origin
from sqlalchemy import Engine, create_engine, inspect, select, text

from tests import declaring
from tests.harness import program
from tests.postgres import new_database


def engine(url: str) -> Engine:
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://"))


def differences(url: str) -> list[Any]:
    opened = engine(url)
    with opened.connect() as conn, warnings.catch_warnings():
        # Nobody can compare the expressions of indexes of SQLite; tests of filters use each of these indexes.
        warnings.filterwarnings("ignore", message=".*expression-based index")
        listed = compare_metadata(MigrationContext.configure(conn, opts={"compare_type": True}), metadata)
    opened.dispose()
    return list(listed)


def test_migrations_create_exactly_the_declared_tables(database_url: str) -> None:
    assert differences(database_url) == []


def test_repeated_migration_changes_nothing(database_url: str) -> None:
    schema.migrate(database_url)
    assert schema.pending_migrations(database_url) == []
    assert differences(database_url) == []


STORED = """
    INSERT INTO resources (name, kind, account, place, uid, spec, state, generation, observed_generation, requested,
        create_time, update_time, urgent, failures, unready)
    VALUES ('accounts/111111111111/registries/us-east-1', 'registry', '111111111111', 'us-east-1', 'u', :spec, :state,
        1, 1, 1, 1, 1, false, 0, 'AWS_REFUSED')
"""


@pytest.fixture(params=["sqlite", "postgres"])
def old_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with the schema of 0.1.0, of each kind."""
    url = f"sqlite:///{tmp_path / 'old.db'}"
    if request.param == "postgres":
        url = new_database(request)
    schema.migrate(url, "0005")
    return url


async def test_migration_renames_words_of_0_1_0(old_url: str) -> None:
    opened = engine(old_url)
    with opened.begin() as conn:
        spec = '{"foreign_elements":"PRUNE","mode":"ENFORCE"}'
        state = '{"error":{"message":"\\"mend\\": no","reason":"STEP_TIMEOUT"},"mend":{"drift":[],"time":1}}'
        conn.execute(text(STORED), {"spec": spec, "state": state})
    opened.dispose()
    schema.migrate(old_url)
    db = schema.open_database(old_url)
    row = await db.read(lambda tx: resources.get(tx, "accounts/111111111111/registries/us-east-1"))
    await db.close()
    assert row is not None
    assert row.spec == {"unmanaged_elements": "PRUNE", "mode": "ENFORCE"}
    error = {"message": '"mend": no', "reason": "RECONCILE_TIMEOUT"}
    assert row.state == {"error": error, "remediation": {"drift": [], "time": 1}}
    assert row.unready == "AWS_REJECTED"


async def test_migration_fills_filter_columns(old_url: str) -> None:
    state = (
        '{"conditions":[{"reason":"NOT_BLOCKED","type":"Blocked"},{"reason":"STEP_TIMEOUT","type":"Ready"}],'
        '"drift":[{"key":"a:b","kind":"MISSING","setting":"x"},{"key":"s","kind":"MISSING","setting":"x"}],'
        '"error":{"message":"m","reason":"STEP_TIMEOUT"}}'
    )
    opened = engine(old_url)
    with opened.begin() as conn:
        conn.execute(text(STORED), {"spec": "{}", "state": state})
    opened.dispose()
    schema.migrate(old_url)
    db = schema.open_database(old_url)
    row = await db.read(lambda tx: resources.get(tx, "accounts/111111111111/registries/us-east-1"))
    rows = await db.read(lambda tx: tx.conn.execute(select(drifting).order_by(drifting.c.element)).all())
    await db.close()
    assert row is not None
    assert (row.reason, row.drifted, row.attempts, row.failed_at) == ("RECONCILE_TIMEOUT", True, 1, None)
    assert [tuple(each) for each in rows] == [(row.name, "x", "a:b"), (row.name, "x", "s")]


def _migrate_at_once(url: str) -> list[int]:
    command = [program("ecrkeeper-server"), "migrate"]
    environment = {**os.environ, "ECRKEEPER_DATABASE_URL": url}
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(4)
    ]
    ends = [process.communicate(timeout=60)[1] for process in running]
    assert [end for end in ends if b"Traceback" in end] == []
    return [process.returncode for process in running]


def test_concurrent_sqlite_migrations_wait_for_each_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    assert _migrate_at_once(url) == [0, 0, 0, 0]
    assert differences(url) == []


def test_concurrent_postgres_migrations_wait_for_each_other(empty_postgres_url: str) -> None:
    assert len(schema.pending_migrations(empty_postgres_url)) >= 1
    assert _migrate_at_once(empty_postgres_url) == [0, 0, 0, 0]
    assert differences(empty_postgres_url) == []


async def test_program_works_with_newer_schema(database_url: str) -> None:
    """During a rolling update, old replicas meet an unknown column and revision."""
    opened = engine(database_url)
    with opened.begin() as conn:
        conn.execute(text("ALTER TABLE resources ADD COLUMN later TEXT"))
        conn.execute(text("ALTER TABLE declarations ADD COLUMN later TEXT DEFAULT 'x'"))
        conn.execute(text("ALTER TABLE operations ADD COLUMN later BIGINT NOT NULL DEFAULT 7"))
        conn.execute(text("CREATE TABLE later (name TEXT PRIMARY KEY)"))
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        assert "later" in {column["name"] for column in inspect(conn).get_columns("resources")}
    opened.dispose()
    assert schema.pending_migrations(database_url) == []
    app.prepare(Config(database_url=database_url))
    db = schema.open_database(database_url)
    name = RegistryName("111111111111", "us-east-1")
    await db.write(lambda tx: resources.ensure(tx, name, {"a": 1}))
    row = await db.read(lambda tx: resources.get(tx, str(name)))
    assert row is not None
    assert row.spec == {"a": 1}
    await db.write(lambda tx: resources.set_spec(tx, str(name), {"a": 2}))
    (row,) = await db.write(
        lambda tx: claims.claim(tx, lease=30, backlog=claims.Capacity(1), urgent=claims.Capacity(1))
    )
    assert await db.write(lambda tx: queue.hold(tx, row, {"on": "its way"}))
    assert await db.write(lambda tx: endings.finish(tx, [(row, queue.Outcome({}, 2, 1.0, 0, observed_at=1))])[0])
    origin = Origin("Test")
    declared = await db.write(
        lambda tx: declaring.put(
            tx, SettingsName(name, "team-a"), {}, registry_generation=2, origin=origin,
            deletion_policy="REMOVE", allow_replacement=False,
        )
    )  # fmt: skip
    assert declared.generation == 1
    operation = await db.write(lambda tx: operations.create(tx, "ReconcileRegistry", row))
    assert not operation.done
    await db.close()


def test_blocked_migration_changes_nothing_and_can_be_repeated(empty_postgres_url: str) -> None:
    schema.migrate(empty_postgres_url, "0001")
    opened = engine(empty_postgres_url)
    with opened.connect() as reader:
        reader.execute(text("SELECT count(*) FROM resources"))
        with pytest.raises(Unavailable) as caught:
            schema.migrate(empty_postgres_url, lock_seconds=0.2)
        assert caught.value.reason == "STORE_BUSY"
        assert "0002" in schema.pending_migrations(empty_postgres_url)
    opened.dispose()
    schema.migrate(empty_postgres_url)
    assert schema.pending_migrations(empty_postgres_url) == []
    assert differences(empty_postgres_url) == []


def test_migration_may_pause_between_statements(empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit on pauses in transactions is that of calls, not of migrations."""
    monkeypatch.setattr(postgres_engine, "_IDLE_MILLISECONDS", 200)
    create_index, paused = op.create_index, []

    def create_index_late(*arguments: Any, **options: Any) -> None:
        if not paused:
            paused.append(time.sleep(1.0))
        create_index(*arguments, **options)

    monkeypatch.setattr(op, "create_index", create_index_late)
    schema.migrate(empty_postgres_url)
    assert paused
    monkeypatch.undo()
    assert not schema.pending_migrations(empty_postgres_url)


def test_migration_waits_longer_for_another_migration(empty_postgres_url: str) -> None:
    opened = engine(empty_postgres_url)
    with opened.connect() as first:
        first.execute(text("SELECT pg_advisory_lock(7302611)"))
        second = threading.Thread(target=schema.migrate, args=(empty_postgres_url,), kwargs={"lock_seconds": 0.1})
        second.start()
        second.join(1)
        assert second.is_alive()
        assert schema.pending_migrations(empty_postgres_url)
        first.execute(text("SELECT pg_advisory_unlock(7302611)"))
        second.join(30)
    opened.dispose()
    assert schema.pending_migrations(empty_postgres_url) == []


async def test_rows_of_previous_release_are_reconciled(old_url: str) -> None:
    """Its inserts do not know the columns of later migrations."""
    later = {"reason", "drifted", "attempts", "failed_at"}
    opened = engine(old_url)
    name = RegistryName("111111111111", "us-east-1")
    values = {
        "name": str(name), "kind": "registry", "account": name.account, "place": name.region, "uid": "u",
        "spec": "{}", "state": "{}", "generation": 1, "observed_generation": 0, "requested": 1,
        "create_time": 1, "update_time": 1, "due_at": 1, "failures": 3, "urgent": False, "observe_time": 7,
    }  # fmt: skip
    assert not later & set(values)
    with opened.begin() as conn:
        names = ", ".join(values)
        conn.execute(text(f"INSERT INTO resources ({names}) VALUES ({', '.join(':' + n for n in values)})"), values)
    opened.dispose()
    schema.migrate(old_url)
    db = schema.open_database(old_url)
    (row,) = await db.write(
        lambda tx: claims.claim(tx, lease=30, backlog=claims.Capacity(1), urgent=claims.Capacity(1))
    )
    assert (row.urgent, row.requested, row.due_at, row.failures, row.observe_time) == (False, 1, 1, 3, 7)
    assert await db.write(lambda tx: endings.finish(tx, [(row, queue.Outcome({}, 1, 1.0, 0, observed_at=1))])[0])
    await db.close()


def test_server_rejects_outdated_postgres_schema(empty_postgres_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ecrkeeper_server", "serve"],
        env={
            "ECRKEEPER_DATABASE_URL": empty_postgres_url,
            "ECRKEEPER_LISTEN": "127.0.0.1:0",
            "ECRKEEPER_METRICS_LISTEN": "127.0.0.1:0",
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    assert "ecrkeeper-server migrate" in done.stderr
