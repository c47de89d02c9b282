"""An AWS that throttles, fails, loses answers, is slow, or shows writes late."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ecrkeeper

from tests.harness import Server, Simulator, eventually

from .rest import assert_nothing_stuck, foreign_kept, pairs, plant, prefixes, stop_at_rest
from .test_kill import account, all_hold, declared, in_sync, registry

BAD_DAY: list[dict[str, Any]] = [
    {"kind": "latency", "probability": 0.03, "seconds": 10.0},
    {"kind": "throttle", "probability": 0.2},
    {"kind": "error", "probability": 0.05},
    {"kind": "drop", "probability": 0.03},
    {"kind": "drop_after", "probability": 0.03},
]


def without_caches(n: int) -> dict[str, Any]:
    return {**declared(n), "pullThroughCacheRules": {"rules": []}}


def test_declarations_converge_despite_random_errors(aws: Simulator, tmp_path: Path) -> None:
    rows, database_url = list(range(930, 936)), f"sqlite:///{tmp_path / 'ecrkeeper.db'}"
    aws.control("PUT", "settings", {"seed": 5})
    for n in rows:
        plant(aws, account(n))
    server = Server(tmp_path, database_url, aws.url, aws_timeout_seconds=3)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        aws.control("POST", "faults", BAD_DAY)
        for n in rows:
            client.apply_registry_settings(f"{registry(n)}/settings/team-a", declared(n))
        # The faults stay; the retries succeed in spite of them.
        eventually(all_hold(rows, lambda n: in_sync(client, registry(n))), 120)
        for n in rows:
            assert prefixes(aws.registry(account=account(n))) == {"quay", "k8s", "unmanaged"}
        for n in rows[::2]:
            client.delete_registry_settings(f"{registry(n)}/settings/team-a")
        eventually(all_hold(rows, lambda n: in_sync(client, registry(n))), 120)
        assert {call["status"] for call in aws.requests()} >= {0, 200, 400, 500}
        aws.control("DELETE", "faults")
        for n in rows:
            client.reconcile_registry(registry(n)).result(timeout=30)
    stop_at_rest(server, database_url)
    for n in rows:
        state = aws.registry(account=account(n))
        own = n not in rows[::2]
        assert prefixes(state) == ({"quay", "k8s", "unmanaged"} if own else {"unmanaged"})
        assert pairs(state) == {("eu-west-1", "unmanaged/")} | ({("us-west-2", "prod/")} if own else set())
        foreign_kept(aws, account(n))
    assert_nothing_stuck(database_url)


def test_late_visible_writes_are_neither_repeated_nor_lost(aws: Simulator, database_url: str, tmp_path: Path) -> None:
    rows = list(range(940, 944))
    for n in rows:
        plant(aws, account(n))
    # At first every read lags, later every second one.
    aws.control("PUT", "settings", {"ecr_read_lag_seconds": 1.0, "seed": 5})
    server = Server(tmp_path, database_url, aws.url)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        for n in rows:
            client.apply_registry_settings(f"{registry(n)}/settings/team-a", declared(n))
        eventually(all_hold(rows, lambda n: in_sync(client, registry(n))), 60)
        aws.control("PUT", "settings", {"ecr_stale_reads": 0.5})
        for n in rows:
            client.apply_registry_settings(f"{registry(n)}/settings/team-a", without_caches(n))
        eventually(all_hold(rows, lambda n: in_sync(client, registry(n))), 60)
        assert all(prefixes(aws.registry(account=account(n))) == {"unmanaged"} for n in rows)
        for n in rows:
            client.delete_registry_settings(f"{registry(n)}/settings/team-a")
        eventually(all_hold(rows, lambda n: in_sync(client, registry(n))), 60)
    assert server.stop() == 0
    for n in rows:
        state = aws.registry(account=account(n))
        assert pairs(state) == {("eu-west-1", "unmanaged/")}
        assert prefixes(state) == {"unmanaged"}
        foreign_kept(aws, account(n))
    sent = [call for call in aws.writes() if call["account"] in {account(n) for n in rows}]
    assert len(sent) < 20 * len(rows)
    assert_nothing_stuck(database_url)
