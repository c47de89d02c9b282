"""SIGKILL during backfills, abandonment and role creation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ecrkeeper
from ecrkeeper.v1.settings_pb2 import ReplicationDestination

from tests.harness import Server, Simulator, eventually

from .processes import TracedServer
from .rest import assert_nothing_stuck, foreign_kept, pairs, plant, prefixes, stop_at_rest
from .test_kill import BASE, account, all_hold, creations, declared, in_sync, registry

LEASE = 3


def kill_everywhere(doomed: TracedServer, names: dict[int, str], done: Callable[[int], bool]) -> set[int]:
    """Wait until each attempt has stopped or ended, then kill; return the ended."""
    ended: set[int] = set()

    def stands_still() -> bool:
        stopped = doomed.stopped()
        for n, name in names.items():
            if name not in stopped and n not in ended:
                if not done(n):
                    return False
                ended.add(n)
        return True

    eventually(stands_still, 90)
    doomed.kill()
    assert ended, "every step was stopped: the kill points do not reach the end"
    assert len(names) > len(ended), "no step was stopped"
    return ended


def settle(
    folder: Path,
    url: str,
    aws: Simulator,
    rows: range,
    *,
    owner: str = "team-a",
    settings: Mapping[str, Any] | None = None,
    **options: Any,
) -> None:
    """Declare and converge, beside unmanaged elements."""
    server = Server(folder, url, aws.url, concurrency=200)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        for n in rows:
            if settings is None:
                plant(aws, account(n))
            client.apply_registry_settings(f"{registry(n)}/settings/{owner}", settings or declared(n), **options)
        eventually(all_hold(rows, lambda n: in_sync(client, registry(n))), 60)
    assert server.stop() == 0


def test_backfill_starts_once_even_if_it_ends_soon(aws: Simulator, database_url: str, tmp_path: Path) -> None:
    aws.control("PUT", "settings", {"max_log": 1_000_000, "backfill_running_seconds": 0.0})
    rows = range(0, 64, 2)
    settle(tmp_path, database_url, aws, rows)
    doomed = TracedServer(
        tmp_path, database_url, aws.url, kind="registry", base=BASE, concurrency=200, lease_seconds=LEASE
    )
    with ecrkeeper.Client(doomed.address, insecure=True) as client:
        started = {
            n: client.start_replication_backfill(
                registry(n), ReplicationDestination(region="us-west-2", registry_id=account(n))
            ).name
            for n in rows
        }
        kill_everywhere(doomed, {n: registry(n) for n in rows}, lambda n: client.operation(started[n]).done())
    heir = Server(tmp_path, database_url, aws.url)
    with ecrkeeper.Client(heir.address, insecure=True) as client:
        eventually(all_hold(rows, lambda n: client.operation(started[n]).done()), 60)
        for n in rows:
            assert client.operation(started[n]).result().status  # not refused as a second one would be
    stop_at_rest(heir, database_url)
    times = Counter(call["account"] for call in aws.writes() if call["operation"] == "StartReplicationBackfill")
    assert times == {account(n): 1 for n in rows}
    assert_nothing_stuck(database_url)


def test_abandoned_elements_stay_in_aws(aws: Simulator, database_url: str, tmp_path: Path) -> None:
    aws.control("PUT", "settings", {"max_log": 1_000_000})
    rows = range(5)
    settle(tmp_path, database_url, aws, rows, deletion_policy="ABANDON")
    stays = {"pullThroughCacheRules": {"rules": [{"ecrRepositoryPrefix": "stays", "upstreamRegistryUrl": "quay.io"}]}}
    settle(tmp_path, database_url, aws, rows, owner="team-b", settings=stays)
    before = aws.position()
    doomed = TracedServer(
        tmp_path, database_url, aws.url, kind="registry", base=BASE, concurrency=200, lease_seconds=LEASE
    )
    with ecrkeeper.Client(doomed.address, insecure=True) as client:
        for n in rows:
            client.delete_registry_settings(f"{registry(n)}/settings/team-a")
        kill_everywhere(doomed, {n: registry(n) for n in rows}, lambda n: in_sync(client, registry(n)))
    heir = Server(tmp_path, database_url, aws.url)
    with ecrkeeper.Client(heir.address, insecure=True) as client:
        eventually(all_hold(rows, lambda n: in_sync(client, registry(n))), 60)
        # The remaining owner changes something: the abandoned elements are unmanaged now.
        for n in rows:
            client.apply_registry_settings(f"{registry(n)}/settings/team-b", {"pullThroughCacheRules": {"rules": []}})
        eventually(all_hold(rows, lambda n: in_sync(client, registry(n))), 60)
    stop_at_rest(heir, database_url)
    writes = [call["params"].get("ecrRepositoryPrefix") for call in aws.writes(before)]
    assert writes == ["stays"] * len(rows)
    for n in rows:
        state = aws.registry(account=account(n))
        assert prefixes(state) == {"quay", "k8s", "unmanaged"}
        assert pairs(state) == {("us-west-2", "prod/"), ("eu-west-1", "unmanaged/")}
        foreign_kept(aws, account(n))
    assert_nothing_stuck(database_url)


def test_role_is_created_once_with_provenance_created(aws: Simulator, database_url: str, tmp_path: Path) -> None:
    aws.control("PUT", "settings", {"max_log": 1_000_000})
    rows = range(18)
    names = {n: f"accounts/{account(n)}/serviceLinkedRoles/replication" for n in rows}
    doomed = TracedServer(tmp_path, database_url, aws.url, kind="role", base=BASE, concurrency=200, lease_seconds=LEASE)
    with ecrkeeper.Client(doomed.address, insecure=True) as client:
        for n in rows:
            client.create_service_linked_role(f"accounts/{account(n)}", "replication")

        def exists(n: int) -> bool:
            role = client.get_service_linked_role(names[n])
            return bool(role.arn) and not role.reconciling

        kill_everywhere(doomed, names, exists)
    heir = Server(tmp_path, database_url, aws.url)
    with ecrkeeper.Client(heir.address, insecure=True) as client:
        eventually(all_hold(rows, lambda n: not client.get_service_linked_role(names[n]).reconciling), 60)
        provenances = {client.get_service_linked_role(names[n]).provenance for n in rows}
        assert len(provenances) == 1, provenances
    stop_at_rest(heir, database_url)
    assert set(creations(aws).values()) == {1}
    assert len(creations(aws)) == len(rows)
    assert not [call for call in aws.writes() if call["status"] != 200]
    assert_nothing_stuck(database_url)
