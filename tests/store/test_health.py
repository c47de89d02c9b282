"""The current failure: its log lines, its metric, and the probe's answer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ecrkeeper_server.errors import STORE_REASONS, Unavailable
from ecrkeeper_server.metrics.server import Metrics
from ecrkeeper_server.store import instrumented as observed
from ecrkeeper_server.store import schema
from ecrkeeper_server.store.database import Database, Load
from ecrkeeper_server.store.health import StoreHealth
from ecrkeeper_server.store.instrumented import InstrumentedDatabase
from structlog.testing import capture_logs

FULL = Unavailable("the disk is full", reason="STORE_DISK_FULL")
AWAY = Unavailable("it cannot be reached", reason="STORE_UNAVAILABLE")


class Watched:
    """A health with its clock and its gauge."""

    def __init__(self) -> None:
        self.now = 100.0
        self.metrics = Metrics()
        self.health = StoreHealth(self.metrics.store, lambda: self.now)

    @property
    def shown(self) -> set[str]:
        page = self.metrics.page().decode()
        return {r for r in STORE_REASONS if f'ecrkeeper_store_fault{{reason="{r}"}} 1.0' in page}


def test_lasting_failure_is_logged_once_a_minute() -> None:
    watched = Watched()
    with capture_logs() as logged:
        for _ in range(1000):
            watched.health.failed("write", FULL)
            watched.now += 0.119
    assert [line["event"] for line in logged] == ["store_unavailable"] * 2
    assert [line["failures"] for line in logged] == [1, 506]
    assert {line["reason"] for line in logged} == {"STORE_DISK_FULL"}
    assert {line["error"] for line in logged} == {"the disk is full"}


def test_flapping_database_does_not_flood_the_log() -> None:
    watched = Watched()
    with capture_logs() as logged:
        for _ in range(1000):
            watched.health.failed("write", FULL)
            watched.health.worked("write")
            watched.now += 0.01
    assert [line["event"] for line in logged] == ["store_unavailable", "store_available"]


def test_log_has_message_of_driver() -> None:
    error = Unavailable("the disk is full", reason="STORE_DISK_FULL")
    error.__cause__ = sqlite3.OperationalError("database or disk is full\nmore")
    with capture_logs() as logged:
        Watched().health.failed("write", error)
    assert logged[0]["cause"] == "database or disk is full"


def test_gauge_shows_one_reason_at_a_time() -> None:
    watched = Watched()
    assert watched.shown == set()
    watched.health.failed("write", FULL)
    assert watched.shown == {"STORE_DISK_FULL"}
    watched.health.failed("write", AWAY)
    assert watched.shown == {"STORE_UNAVAILABLE"}
    watched.health.worked("write")
    assert watched.shown == set()


@pytest.mark.parametrize(
    ("kind", "works", "over", "reason"),
    [
        ("write", "write", True, "a write is possible again"),
        ("write", "read", False, "reading needs no disk space"),
        ("read", "read", True, "the database answers again"),
        ("read", "write", True, "a write reads as well"),
    ],
)
def test_failure_ends_when_its_operation_succeeds(kind: str, works: str, over: bool, reason: str) -> None:
    watched = Watched()
    watched.health.failed(kind, FULL)
    watched.health.worked(works)
    assert (watched.health.failure is None) is over, reason


@pytest.mark.parametrize("reason", ["REQUEST_RUNNING", "STORE_CLOSED", "STORE_OUTCOME_UNKNOWN"])
def test_rejections_unrelated_to_database_are_no_failure(reason: str) -> None:
    watched = Watched()
    watched.health.failed("write", Unavailable("x", reason=reason))
    assert watched.health.failure is None


class Scripted(Database):
    """Fails or waits as configured."""

    def __init__(self) -> None:
        self.reads = self.writes = 0
        self.read_error: Unavailable | None = None
        self.write_error: Unavailable | None = None
        self.held: asyncio.Event | None = None

    async def read(self, query: Callable[[Any], Any]) -> Any:
        self.reads += 1
        if self.read_error is not None:
            raise self.read_error
        return True

    async def write(self, change: Callable[[Any], Any]) -> Any:
        self.writes += 1
        if self.held is not None:
            await self.held.wait()
        if self.write_error is not None:
            raise self.write_error

    def try_write(self, tx: Any) -> None: ...

    def load(self) -> Load:
        return Load(in_use=0, size=1, waiting=0)

    async def close(self) -> None: ...

    def listen(self, notified: Callable[[set[str]], Any]) -> None: ...


async def test_probe_writes_unless_recently_written(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Scripted()
    db = InstrumentedDatabase(script, Metrics().store)
    assert await db.probe(1.0) == ""
    assert await db.probe(1.0) == ""
    assert script.writes == 1, "one has just been done"
    monkeypatch.setattr(observed, "_WROTE_SECONDS", -1.0)
    script.write_error = FULL
    assert await db.probe(1.0) == "the disk is full"
    script.write_error = None
    assert await db.probe(1.0) == "", "it is noticed although nobody else writes"


async def test_read_probe_reports_reason() -> None:
    script = Scripted()
    script.read_error = AWAY
    db = InstrumentedDatabase(script, Metrics().store)
    assert await db.probe(1.0) == "it cannot be reached"


async def test_probes_share_one_attempt_with_short_wait() -> None:
    script = Scripted()
    script.held = asyncio.Event()
    db = InstrumentedDatabase(script, Metrics().store)
    for _ in range(5):
        assert await db.probe(0.01) == "the database did not answer within 0.01 s"
    assert script.writes == 1
    script.held.set()
    assert await db.probe(1.0) == ""


async def test_probe_changes_nothing_in_database(database_url: str) -> None:
    db = InstrumentedDatabase(schema.open_database(database_url, pool_size=2), Metrics().store)
    assert await db.probe(5.0) == ""
    await db.close()


async def test_probe_reports_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "ecrkeeper.db"
    schema.migrate(f"sqlite:///{path}")
    db = InstrumentedDatabase(schema.open_database(f"sqlite:///{path}"), Metrics().store)
    path.unlink()
    assert "ecrkeeper.db of the database is gone" in await db.probe(5.0)
    await db.close()
