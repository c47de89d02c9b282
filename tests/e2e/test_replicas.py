"""Several processes on one Postgres: separate roles, wrong clocks, newer schema."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

import ecrkeeper
import psycopg
import pytest

from tests import harness
from tests.harness import Server, Simulator, eventually

from .writers import CACHING, Watcher, in_sync, part, registry, rules

SKEWED = Path(__file__).with_name("skewed_server.py")


@pytest.fixture
def url(postgres_url: str) -> str:
    return postgres_url


def test_api_and_engine_processes_work_together(aws: Simulator, url: str, tmp_path: Path) -> None:
    api = Server(tmp_path, url, aws.url, role="api")
    engine = Server(tmp_path, url, aws.url, role="engine")
    with ecrkeeper.Client(api.address, insecure=True) as client:
        watcher = Watcher(client)
        watcher.start()
        latencies = []
        for n in range(5):
            # The engine is idle by now: only a notification can wake it this soon.
            time.sleep(0.3)
            began = time.monotonic()
            client.apply_registry_settings(part(n), CACHING)
            eventually(lambda n=n: rules(aws, n) == ["quay"], 10)
            latencies.append(time.monotonic() - began)
        assert sorted(latencies)[2] < 1.0, latencies
        for n in range(5):
            # Only the engine's process knew of this.
            eventually(lambda n=n: watcher.shows(client.get_registry(registry(n))), 10)
        client.reconcile_registry(registry(0)).result(timeout=10)
        watcher.stop()
    assert engine.stop() == 0
    assert api.stop() == 0


def test_replicas_tolerate_clocks_off_by_five_minutes(aws: Simulator, url: str, tmp_path: Path) -> None:
    def replica(skew: int) -> harness.Process:
        environment = {
            "CLOCK_SKEW_SECONDS": str(skew),
            "AWS_ACCESS_KEY_ID": "999999999999",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "ECRKEEPER_DATABASE_URL": url,
            "ECRKEEPER_LISTEN": "127.0.0.1:0",
            "ECRKEEPER_METRICS_LISTEN": "127.0.0.1:0",
            "ECRKEEPER_AWS_ENDPOINT_URL": aws.url,
            "ECRKEEPER_AWS_ROLE_TEMPLATE": "arn:aws:iam::{account}:role/ecrkeeper",
            "ECRKEEPER_LEASE_SECONDS": "2",
            "ECRKEEPER_CONCURRENCY": "3",
        }
        return harness.Process([sys.executable, str(SKEWED)], environment, tmp_path / "server.log")

    aws.control("POST", "faults", {"kind": "latency", "seconds": 0.02})
    early, late = replica(-300), replica(300)
    began = time.time()
    with (
        ecrkeeper.Client(early.address, insecure=True) as one,
        ecrkeeper.Client(late.address, insecure=True) as two,
    ):
        for n in range(20):
            (one if n % 2 else two).apply_registry_settings(part(n), CACHING)
        for n in range(20):
            eventually(lambda n=n: in_sync(one, registry(n)), 20)
        shown = [one.get_registry(registry(n)) for n in range(20)]
        for each in shown:
            times = [each.observe_time, each.create_time, *(c.last_transition_time for c in each.conditions)]
            for at in times:
                assert began - 2 <= at.ToNanoseconds() / 1e9 <= time.time() + 2, "the clock of a replica shows"
        # The late one is killed with leases, which end by the database's clock.
        aws.control("POST", "faults", {"kind": "latency", "seconds": 1.0})
        for n in range(20, 26):
            two.apply_registry_settings(part(n), CACHING)
        eventually(lambda: leased_rows(url) > 0)
        late.kill()
        killed = time.monotonic()
        aws.control("DELETE", "faults")
        for n in range(20, 26):
            eventually(lambda n=n: in_sync(one, registry(n)), 20)
        assert time.monotonic() - killed < 15
    created = Counter((c["account"], c["operation"]) for c in aws.writes() if c["operation"].startswith("Create"))
    assert all(created[str(700_000_000_000 + n), "CreatePullThroughCacheRule"] == 1 for n in range(20)), created


def test_replicas_can_share_a_port_and_stop_separately(aws: Simulator, url: str, tmp_path: Path) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    shared = {"share_port": "true", "access_log": "all"}
    first = Server(folders[0], url, aws.url, **shared)
    second = Server(folders[1], url, aws.url, listen=first.address, **shared)

    def call() -> None:
        # Each client has its own connection, and the kernel chooses the server.
        with ecrkeeper.Client(first.address, insecure=True) as client:
            list(client.list_registries("accounts/-"))

    def answered() -> list[int]:
        return [(folder / "server.log").read_text().count("/ListRegistries") for folder in folders]

    eventually(lambda: call() or all(answered()))
    assert first.stop() == 0
    before = answered()
    for _ in range(20):
        call()
    assert answered() == [before[0], before[1] + 20]
    assert second.stop() == 0


def leased_rows(url: str) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT count(*) FROM schedule WHERE lease_token IS NOT NULL").fetchone()
    return int(row[0]) if row else 0


def test_server_works_with_newer_schema(aws: Simulator, url: str, tmp_path: Path) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        tables = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            if table != "alembic_version":
                conn.execute(f'ALTER TABLE "{table}" ADD COLUMN later_text TEXT')
                conn.execute(f'ALTER TABLE "{table}" ADD COLUMN later_number BIGINT NOT NULL DEFAULT 7')
        conn.execute("CREATE TABLE later (name TEXT PRIMARY KEY)")
        conn.execute("CREATE INDEX later_due ON schedule (account, due_at)")
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    harness.migrate(url)
    server = Server(tmp_path, url, aws.url)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        client.apply_registry_settings(part(30), CACHING)
        client.reconcile_registry(registry(30)).result(timeout=15)
        assert rules(aws, 30) == ["quay"]
        assert len(list(client.list_registry_settings(registry(30)))) == 1
        client.delete_registry_settings(part(30))
        eventually(lambda: not rules(aws, 30), 15)
    assert server.stop() == 0
