"""Processes that are killed while idle, and processes that are suspended."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import ecrkeeper

from tests.harness import Server, Simulator, eventually

from .rest import assert_nothing_stuck, foreign_kept, pairs, plant, prefixes, stop_at_rest
from .test_kill import account, all_hold, creations, declared, in_sync, registry

LEASE = 2.0
BURST = 20  # writes that the server makes at once in one registry before it paces them


def start(folder: Path, name: str, url: str, aws: Simulator, **settings: Any) -> Server:
    """A server whose calls the simulated AWS can distinguish."""
    (folder / name).mkdir()
    template = f"arn:aws:iam::{{account}}:role/{name}"
    return Server(folder / name, url, aws.url, aws_role_template=template, lease_seconds=LEASE, **settings)


def writes_of(aws: Simulator, name: str, since: int = 0) -> list[dict[str, Any]]:
    return [call for call in aws.writes(since) if f":assumed-role/{name}/" in call["principal"]]


def many_rules(n: int, filters: tuple[str, ...]) -> dict[str, Any]:
    """Return more writes than the server makes at once, with whole documents last."""
    upstreams = [{"ecrRepositoryPrefix": f"cache-{i}", "upstreamRegistryUrl": "quay.io"} for i in range(BURST + n % 8)]
    destination = {"region": "us-west-2", "registryId": account(n)}
    return {
        "pullThroughCacheRules": {"rules": upstreams},
        "replicationConfiguration": {
            "rules": [
                {
                    "destinations": [destination],
                    "repositoryFilters": [{"filter": f, "filterType": "PREFIX_MATCH"} for f in filters],
                }
            ]
        },
    }


def test_accepted_write_converges_after_kill_without_new_writes(
    aws: Simulator, database_url: str, tmp_path: Path
) -> None:
    rows = range(600, 612)
    for n in rows:
        plant(aws, account(n))
    aws.control("POST", "faults", {"kind": "latency", "seconds": 0.05})
    heir = None
    doomed = start(tmp_path, "doomed", database_url, aws)
    if database_url.startswith("postgres"):
        # It is running, gets no notification, and takes over; on SQLite the next process does.
        heir = start(tmp_path, "heir", database_url, aws)
    with ecrkeeper.Client(doomed.address, insecure=True) as client:
        for n in rows:
            client.apply_registry_settings(f"{registry(n)}/settings/team-a", declared(n))
        operations = [client.reconcile_registry(registry(n)).name for n in rows]
    doomed.kill()
    aws.control("DELETE", "faults")
    heir = heir or start(tmp_path, "heir", database_url, aws)
    with ecrkeeper.Client(heir.address, insecure=True) as client:
        eventually(all_hold(list(rows), lambda n: in_sync(client, registry(n))), 30)
        for name in operations:
            client.operation(name).result(timeout=20)
    # Nobody waits for the roles: their leases may be the last to end.
    assert_nothing_stuck(database_url)
    assert heir.stop() == 0
    assert all(has_declared(aws, n) for n in rows)
    for n in rows:
        foreign_kept(aws, account(n))
    assert not {creation: times for creation, times in creations(aws).items() if times > 1}


def has_declared(aws: Simulator, n: int) -> bool:
    state = aws.registry(account=account(n))
    return prefixes(state) == {"quay", "k8s", "unmanaged"} and pairs(state) == {
        ("us-west-2", "prod/"),
        ("eu-west-1", "unmanaged/"),
    }


def test_replica_stopped_past_its_lease_writes_nothing_more(aws: Simulator, shared_url: str, tmp_path: Path) -> None:
    rows = range(700, 708)
    for n in rows:
        plant(aws, account(n))
    stale = start(tmp_path, "stale", shared_url, aws)
    with ecrkeeper.Client(stale.address, insecure=True) as client:
        for n in rows:
            client.apply_registry_settings(f"{registry(n)}/settings/team-a", many_rules(n, ("prod/",)))
    # Every attempt has begun to write, and pacing holds most of them at different points.
    eventually(lambda: len(writes_of(aws, "stale")) > BURST * len(rows), 30)
    os.kill(stale.process.pid, signal.SIGSTOP)
    assert any(("us-west-2", "prod/") not in pairs(aws.registry(account=account(n))) for n in rows), "too late a stop"
    heir = start(tmp_path, "heir", shared_url, aws)
    with ecrkeeper.Client(heir.address, insecure=True) as client:
        # Meanwhile an owner changes its declaration, and somebody changes AWS directly.
        for n in rows:
            client.apply_registry_settings(f"{registry(n)}/settings/team-a", many_rules(n, ("stage/",)))
        eventually(all_hold(list(rows), lambda n: in_sync(client, registry(n))), 40)
        for n in rows:
            rules = aws.registry(account=account(n))["pullThroughCacheRules"]
            late = {"ecrRepositoryPrefix": "late", "upstreamRegistryUrl": "quay.io"}
            aws.seed({"pullThroughCacheRules": [*rules, late]}, account=account(n))
        before = {n: aws.registry(account=account(n)) for n in rows}
        taken_over = aws.position()
        os.kill(stale.process.pid, signal.SIGCONT)
        time.sleep(4.0)  # longer than the longest pause of its attempts
        assert not writes_of(aws, "stale", taken_over)
        assert {n: aws.registry(account=account(n)) for n in rows} == before
        assert all(in_sync(client, registry(n)) for n in rows)
    for n in rows:
        assert pairs(before[n]) == {("us-west-2", "stage/"), ("eu-west-1", "unmanaged/")}
        foreign_kept(aws, account(n))
    # It is a working replica again: it serves, reconciles and stops.
    with ecrkeeper.Client(stale.address, insecure=True) as client:
        assert heir.stop() == 0
        client.apply_registry_settings(f"{registry(rows[0])}/settings/team-b", {"pullThroughCacheRules": {"rules": []}})
        eventually(lambda: in_sync(client, registry(rows[0])), 20)
    stop_at_rest(stale, shared_url)
    assert_nothing_stuck(shared_url)


def test_lone_server_resumes_after_a_stop_past_its_lease(aws: Simulator, database_url: str, tmp_path: Path) -> None:
    rows = range(720, 724)
    for n in rows:
        plant(aws, account(n))
    server = start(tmp_path, "only", database_url, aws)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        for n in rows:
            client.apply_registry_settings(f"{registry(n)}/settings/team-a", many_rules(n, ("prod/",)))
        eventually(lambda: len(writes_of(aws, "only")) > BURST * len(rows) // 2, 30)
        os.kill(server.process.pid, signal.SIGSTOP)
        time.sleep(LEASE + 1.0)
        os.kill(server.process.pid, signal.SIGCONT)
        eventually(all_hold(list(rows), lambda n: in_sync(client, registry(n))), 40)
    stop_at_rest(server, database_url)
    assert not {creation: times for creation, times in creations(aws).items() if times > 1}
    for n in rows:
        state = aws.registry(account=account(n))
        assert pairs(state) == {("us-west-2", "prod/"), ("eu-west-1", "unmanaged/")}
        assert len(prefixes(state)) == BURST + n % 8 + 1
        foreign_kept(aws, account(n))
    assert_nothing_stuck(database_url)
