"""Several processes on one Postgres: roles apart, wrong clocks, a newer schema, and a database that restarts."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import ecrkeeper
import psycopg
import pytest
from ecrkeeper.v1.registry_pb2 import Registry

from tests import harness, postgres
from tests.harness import Server, Simulator, eventually

RULE = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
CACHING = {"pullThroughCacheRules": {"rules": [RULE]}}
SKEWED = Path(__file__).with_name("skewed_server.py")


def registry(n: int, region: str = "us-east-1") -> str:
    return f"accounts/{700_000_000_000 + n}/registries/{region}"


def part(n: int, region: str = "us-east-1") -> str:
    return f"{registry(n, region)}/settings/team-a"


@pytest.fixture
def url(cluster: postgres.Postgres) -> str:
    made = cluster.create_database(f"test_{uuid.uuid4().hex[:12]}")
    harness.migrate(made)
    return made


@pytest.fixture
def servers() -> Iterator[list[harness.Process]]:
    started: list[harness.Process] = []
    yield started
    for server in started:
        if server.process.poll() is None:
            server.kill()


def has_rule(aws: Simulator, n: int) -> bool:
    found = aws.registry("us-east-1", str(700_000_000_000 + n))["pullThroughCacheRules"]
    return [rule["ecrRepositoryPrefix"] for rule in found] == ["quay"]


def in_sync(client: ecrkeeper.Client, name: str) -> bool:
    found = client.get_registry(name)
    return found.observed_generation == found.generation and not found.reconciling


def test_an_api_process_and_an_engine_process_work_together(
    aws: Simulator, url: str, tmp_path: Path, servers: list[harness.Process]
) -> None:
    api = Server(tmp_path, url, aws.url, role="api")
    servers.append(api)
    engine = Server(tmp_path, url, aws.url, role="engine")
    servers.append(engine)
    seen: list[Registry] = []
    with ecrkeeper.Client(api.address, insecure=True) as client, client.watch_registries("accounts/-") as watch:
        watcher = threading.Thread(target=lambda: [seen.append(step.registry) for step in follow(watch)], daemon=True)
        watcher.start()
        latencies = []
        for n in range(5):
            # The engine is asleep by now: only a notification can wake it this soon.
            time.sleep(0.3)
            began = time.monotonic()
            client.apply_registry_settings(part(n), CACHING)
            eventually(lambda n=n: has_rule(aws, n), 10)
            latencies.append(time.monotonic() - began)
        assert sorted(latencies)[2] < 1.0, latencies
        for n in range(5):
            # Only the engine's process knew of this.
            eventually(lambda n=n: any(r.name == registry(n) and is_synced(r) for r in seen), 10)
        client.reconcile_registry(registry(0)).result(timeout=10)
    watcher.join(10)
    assert engine.stop() == 0
    assert api.stop() == 0


def follow(watch: Iterable[Any]) -> Iterator[Any]:
    with contextlib.suppress(ecrkeeper.RegistryError):
        yield from watch


def is_synced(found: Registry) -> bool:
    return found.observed_generation == found.generation and any(
        c.type == "Synced" and c.status == 1 for c in found.conditions
    )


def test_replicas_whose_clocks_are_wrong_by_five_minutes_each_work_as_others_do(
    aws: Simulator, url: str, tmp_path: Path, servers: list[harness.Process]
) -> None:
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
        found = harness.Process([sys.executable, str(SKEWED)], environment, tmp_path / "server.log")
        servers.append(found)
        return found

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
        for found in shown:
            times = [found.observe_time, found.create_time, *(c.last_transition_time for c in found.conditions)]
            for at in times:
                assert began - 2 <= at.ToNanoseconds() / 1e9 <= time.time() + 2, "the clock of a replica shows"
        # The late one dies with rows in hand: they are free when the lease ends by the database's clock.
        aws.control("POST", "faults", {"kind": "latency", "seconds": 1.0})
        for n in range(20, 26):
            two.apply_registry_settings(part(n), CACHING)
        eventually(lambda: held(url) > 0)
        late.kill()
        killed = time.monotonic()
        aws.control("DELETE", "faults")
        for n in range(20, 26):
            eventually(lambda n=n: in_sync(one, registry(n)), 20)
        assert time.monotonic() - killed < 15
    created = Counter((c["account"], c["operation"]) for c in aws.writes() if c["operation"].startswith("Create"))
    assert all(created[str(700_000_000_000 + n), "CreatePullThroughCacheRule"] == 1 for n in range(20)), created


def held(url: str) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT count(*) FROM resources WHERE lease_token IS NOT NULL").fetchone()
    return int(row[0]) if row else 0


def test_a_server_works_on_a_schema_that_is_newer_than_itself(
    aws: Simulator, url: str, tmp_path: Path, servers: list[harness.Process]
) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        tables = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            if table != "alembic_version":
                conn.execute(f'ALTER TABLE "{table}" ADD COLUMN later_text TEXT')
                conn.execute(f'ALTER TABLE "{table}" ADD COLUMN later_number BIGINT NOT NULL DEFAULT 7')
        conn.execute("CREATE TABLE later (name TEXT PRIMARY KEY)")
        conn.execute("CREATE INDEX later_due ON resources (kind, due_at)")
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    harness.migrate(url)
    server = Server(tmp_path, url, aws.url)
    servers.append(server)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        client.apply_registry_settings(part(30), CACHING)
        client.reconcile_registry(registry(30)).result(timeout=15)
        assert has_rule(aws, 30)
        assert len(list(client.list_registry_settings(registry(30)))) == 1
        client.delete_registry_settings(part(30))
        eventually(lambda: not aws.registry("us-east-1", "700000000030")["pullThroughCacheRules"], 15)
    assert server.stop() == 0


def test_a_restart_of_postgres_loses_no_acknowledged_write_and_doubles_none(
    aws: Simulator, tmp_path: Path, servers: list[harness.Process]
) -> None:
    with postgres.running() as cluster:
        url = cluster.create_database("restarted")
        harness.migrate(url)
        server = Server(tmp_path, url, aws.url)
        servers.append(server)
        writers = [Writer(server.address, n) for n in range(40, 44)]
        for writer in writers:
            writer.start()
        for mode in ("fast", "immediate"):
            eventually(lambda: all(writer.acknowledged for writer in writers))
            time.sleep(0.5)
            cluster.stop(mode)
            time.sleep(0.5)
            cluster.start()
            for writer in writers:
                writer.forget_progress()
            # Writes go through again without anybody's help.
            eventually(lambda: all(writer.since for writer in writers), 20)
        for writer in writers:
            writer.stop()
        with ecrkeeper.Client(server.address, insecure=True) as client:
            for writer in writers:
                revisions = revisions_of(url, writer.n)
                assert Counter(revisions).most_common(1)[0][1] == 1, "a write was carried out twice"
                assert set(writer.acknowledged) <= set(revisions)
                eventually(lambda writer=writer: in_sync(client, registry(writer.n)), 20)
            # The listener is back: a write wakes the engine at once, and a watch hears what the engine did.
            eventually(lambda: listeners(url) == 1, 10)
            began = time.monotonic()
            client.apply_registry_settings(part(50), CACHING)
            eventually(lambda: has_rule(aws, 50), 10)
            assert time.monotonic() - began < 3
        assert server.stop() == 0


def revisions_of(url: str, n: int) -> list[str]:
    """The request ids of all writes that were stored, once for each revision."""
    with psycopg.connect(url) as conn:
        rows = conn.execute("SELECT request_id FROM revisions WHERE account = %s", [str(700_000_000_000 + n)])
        return [row[0] for row in rows]


def listeners(url: str) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ecrkeeper-listen'"
        ).fetchone()
    return int(row[0]) if row else 0


class Writer(threading.Thread):
    """Changes one declaration again and again, each change with an id that it repeats until it is acknowledged."""

    def __init__(self, address: str, n: int) -> None:
        super().__init__(daemon=True)
        self.n, self._address = n, address
        self.acknowledged: list[str] = []
        self.since = 0
        self._end = threading.Event()

    def forget_progress(self) -> None:
        self.since = 0

    def stop(self) -> None:
        self._end.set()
        self.join(30)
        assert not self.is_alive()

    def run(self) -> None:
        with ecrkeeper.Client(self._address, insecure=True) as client:
            for round_ in range(5000):
                if self._end.is_set():
                    return
                request_id = str(uuid.uuid4())
                rule = {**RULE, "ecrRepositoryPrefix": f"quay-{round_ % 7}"}
                while True:
                    try:
                        client.apply_registry_settings(
                            part(self.n), {"pullThroughCacheRules": {"rules": [rule]}}, request_id=request_id
                        )
                    except ecrkeeper.Unavailable:
                        time.sleep(0.1)
                        continue
                    break
                self.acknowledged.append(request_id)
                self.since += 1
                time.sleep(0.02)
