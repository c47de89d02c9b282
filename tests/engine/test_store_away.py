"""The engine while the database fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ecrkeeper_server.engine import worker
from ecrkeeper_server.engine.options import EngineOptions
from ecrkeeper_server.engine.worker import Engine
from ecrkeeper_server.errors import Unavailable
from ecrkeeper_server.store.database import Database, Load
from structlog.testing import capture_logs


class Away(Database):
    """A database that cannot be used."""

    def __init__(self) -> None:
        self.calls = 0

    async def read(self, query: Callable[[Any], Any]) -> Any:
        self.calls += 1
        raise Unavailable("the disk is full", reason="STORE_DISK_FULL")

    async def write(self, change: Callable[[Any], Any]) -> Any:
        return await self.read(change)

    def try_write(self, tx: Any) -> None: ...

    def load(self) -> Load:
        return Load(in_use=0, size=1, waiting=0)

    async def close(self) -> None: ...

    def listen(self, on_notify: Callable[[set[str]], Any]) -> None: ...


def test_pauses_grow_to_fifteen_seconds() -> None:
    assert [worker._pause_after(n) for n in range(6)] == [1, 2, 4, 8, 15, 15]
    assert worker._pause_after(10_000) == 15


async def test_engine_backs_off_without_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    db, pauses = Away(), list[float]()
    aws: Any = None
    engine = Engine(db, aws, EngineOptions())

    async def wait(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 7:
            await engine.stop(0)

    monkeypatch.setattr(engine, "_wait", wait)
    with capture_logs() as logged:
        await engine.run()
    assert pauses == [1, 2, 4, 8, 15, 15, 15]
    assert db.calls == 7
    assert logged == [], "the database's health has a line for all of them"


async def test_stop_completes_if_leases_cannot_be_released(monkeypatch: pytest.MonkeyPatch) -> None:
    aws: Any = None
    engine = Engine(Away(), aws, EngineOptions())
    monkeypatch.setattr(engine, "_held", lambda: {"token": ["a"]})
    with capture_logs() as logged:
        await engine.stop(0)
    assert [line["event"] for line in logged] == ["leases_not_released"]
