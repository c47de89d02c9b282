"""A Postgres that restarts or fails over while clients write and watch."""

from __future__ import annotations

import time
from pathlib import Path

import ecrkeeper
import psycopg

from tests import harness, postgres
from tests.chaos.rest import assert_nothing_stuck
from tests.harness import Server, Simulator, eventually

from .writers import (
    CACHING,
    Watcher,
    Writer,
    assert_each_write_stored_once,
    in_sync,
    listeners,
    part,
    registry,
    rules,
)


def started(addresses: list[str], first: int) -> list[Writer]:
    writers = [Writer(address, n) for n, address in enumerate(addresses, first)]
    for writer in writers:
        writer.start()
    eventually(lambda: all(len(writer.acknowledged) > 5 for writer in writers))
    return writers


def all_go_on(writers: list[Writer]) -> None:
    """Check that writes succeed again without intervention."""
    before = [len(writer.acknowledged) for writer in writers]
    eventually(lambda: all(len(w.acknowledged) > n + 2 for w, n in zip(writers, before, strict=True)), 30)


def assert_all_is_as_declared(
    aws: Simulator, url: str, client: ecrkeeper.Client, watcher: Watcher, writers: list[Writer]
) -> None:
    for writer in writers:
        writer.stop()
    assert_each_write_stored_once(url, writers)
    for n, declared in [(writer.n, writer.declared) for writer in writers]:
        eventually(lambda n=n: in_sync(client, registry(n)), 30)
        assert rules(aws, n) == [declared]
        eventually(lambda n=n: watcher.shows(client.get_registry(registry(n))), 10)
    assert_nothing_stuck(url, 30)


def test_postgres_restart_loses_and_duplicates_no_write(aws: Simulator, tmp_path: Path) -> None:
    with postgres.running() as cluster:
        url = cluster.create_database("restarted")
        harness.migrate(url)
        server = Server(tmp_path, url, aws.url)
        writers = started([server.address] * 4, 40)
        for mode in ("fast", "immediate"):
            time.sleep(0.5)
            cluster.stop(mode)
            time.sleep(0.5)
            cluster.start()
            all_go_on(writers)
        for writer in writers:
            writer.stop()
        with ecrkeeper.Client(server.address, insecure=True) as client:
            assert_each_write_stored_once(url, writers)
            for writer in writers:
                eventually(lambda writer=writer: in_sync(client, registry(writer.n)), 20)
            # The listener is back: a write wakes the engine at once, and a watch shows its result.
            eventually(lambda: listeners(url) == 1, 10)
            began = time.monotonic()
            client.apply_registry_settings(part(50), CACHING)
            eventually(lambda: rules(aws, 50) == ["quay"], 10)
            assert time.monotonic() - began < 3
        assert server.stop() == 0


def of_both(primary: postgres.Postgres, standby: postgres.Postgres, database: str) -> str:
    """Return the URL that docs/scaling.md recommends."""
    hosts = "&".join(f"host=127.0.0.1:{cluster.port}" for cluster in (primary, standby))
    return f"postgresql://postgres@/{database}?{hosts}&target_session_attrs=read-write"


def test_failover_loses_and_duplicates_no_acknowledged_write(aws: Simulator, tmp_path: Path) -> None:
    with postgres.replicated() as (primary, standby):
        primary.create_database("kept")
        url = of_both(primary, standby, "kept")
        harness.migrate(url)
        servers = [Server(tmp_path, url, aws.url) for _ in range(2)]
        with ecrkeeper.Client(servers[0].address, insecure=True) as client:
            watcher = Watcher(client)
            watcher.start()
            writers = started([servers[0].address, servers[1].address, servers[1].address], 60)
            primary.kill()
            standby.promote()
            all_go_on(writers)
            # The lost one returns as a standby, listed before the primary.
            primary.follow(standby)
            cut_all(standby.url)
            all_go_on(writers)
            assert_all_is_as_declared(aws, standby.database("kept"), client, watcher, writers)
            eventually(lambda: listeners(standby.url) == 2)
            watcher.stop()
        assert [server.stop() for server in servers] == [0, 0]


def cut_all(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE 'ecrkeeper%'"
        )


def test_read_only_primary_is_left_for_the_new_one(aws: Simulator, tmp_path: Path) -> None:
    with postgres.replicated() as (old, new):
        old.create_database("kept")
        url = of_both(old, new, "kept")
        harness.migrate(url)
        busy, idle = Server(tmp_path, url, aws.url), Server(tmp_path, url, aws.url, role="api")
        with ecrkeeper.Client(idle.address, insecure=True) as client:
            watcher = Watcher(client)
            watcher.start()
            writers = started([busy.address] * 3, 70)
            # Open transactions end as they started.
            old.change("default_transaction_read_only", "on")
            old.await_("SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL", 0)
            new.promote()
            all_go_on(writers)
            # Nobody writes through the idle one; it still detects that the old primary sends nothing new.
            eventually(lambda: listeners(old.url) == 0 and listeners(new.url) == 2, 30)
            assert_all_is_as_declared(aws, new.database("kept"), client, watcher, writers)
            watcher.stop()
        assert [server.stop() for server in (busy, idle)] == [0, 0]
