"""The page of metrics under failures of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from ecrkeeper_server.api.http import scrape
from ecrkeeper_server.api.http.scrape import Scrape
from ecrkeeper_server.api.server import SERVICES, methods
from ecrkeeper_server.errors import Unavailable
from ecrkeeper_server.metrics.server import Metrics
from ecrkeeper_server.store.database import Database, Load
from ecrkeeper_server.store.overview import Overview


class Scripted(Database):
    """Returns configured answers to reads."""

    def __init__(self) -> None:
        self.reads = 0
        self.answer: Callable[[], Any] = overview_values

    async def read(self, query: Callable[[Any], Any]) -> Any:
        self.reads += 1
        result = self.answer()
        return await result if asyncio.iscoroutine(result) else result

    async def write(self, change: Callable[[Any], Any]) -> Any:
        raise AssertionError

    def try_write(self, tx: Any) -> None: ...

    def load(self) -> Load:
        return Load(in_use=2, size=8, waiting=1, retries=4)

    async def close(self) -> None: ...

    def listen(self, on_notify: Callable[[set[str]], Any]) -> None: ...


def shown(page: bytes) -> dict[str, float]:
    lines = [line for line in page.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def overview_values() -> Overview:
    unready = {("registry", "ENFORCE Unsynced OUT_OF_SYNC REGISTRY_POLICY,SCANNING"): 2}
    return Overview(due=3, oldest=7.0, resources={"registry": 5}, unready=unready)


def refuse() -> Overview:
    raise Unavailable("gone", reason="STORE_UNAVAILABLE")


async def test_scrapes_share_a_cached_query() -> None:
    db, now = Scripted(), [100.0]
    db.answer = overview_values
    scraped = Scrape(Metrics(), db, lambda: now[0])
    for _ in range(3):
        values = shown(await scraped.page())
    assert db.reads == 1
    assert values["ecrkeeper_queue_due"] == 3
    assert values["ecrkeeper_queue_oldest_due_seconds"] == 7
    assert values['ecrkeeper_resources{kind="registry"}'] == 5
    assert values['ecrkeeper_resources_drifted{mode="ENFORCE",setting="SCANNING"}'] == 2
    assert values["ecrkeeper_store_retries_total"] == 4, "a total of the database, not added up once more each time"
    now[0] += 16
    await scraped.page()
    assert db.reads == 2


async def test_rejecting_database_leaves_no_stale_metrics() -> None:
    db, now = Scripted(), [100.0]
    db.answer = overview_values
    scraped = Scrape(Metrics(), db, lambda: now[0])
    await scraped.page()
    now[0] += 16
    db.answer = refuse
    values = shown(await scraped.page())
    assert values["ecrkeeper_store_up"] == 0
    assert values["ecrkeeper_queue_due"] != values["ecrkeeper_queue_due"], "NaN: nobody knows"
    assert 'ecrkeeper_resources{kind="registry"}' not in values


async def test_unresponsive_database_does_not_delay_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape, "_QUERY_TIMEOUT_SECONDS", 0.01)
    db, free = Scripted(), asyncio.Event()

    async def late() -> Overview:
        await free.wait()
        return overview_values()

    db.answer = late
    scraped = Scrape(Metrics(), db)
    for _ in range(2):
        assert shown(await scraped.page())["ecrkeeper_store_up"] == 0
    assert db.reads == 1, "one query at a time"
    free.set()
    await asyncio.sleep(0.01)
    assert shown(await scraped.page())["ecrkeeper_store_up"] == 1


def test_methods_have_their_own_label() -> None:
    services = {name.removeprefix("/").rpartition("/")[0] for name in methods()}
    assert set(SERVICES) <= services, "a service that is missing would be counted as unknown"
