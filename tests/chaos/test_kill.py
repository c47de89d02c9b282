"""SIGKILL between statements of an attempt, and recovery by the next process.

One process is killed at every point at once: the registry (or role) of the
N-th account stops after N statements, and the kill comes when all have stopped.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ecrkeeper
import pytest

from tests.harness import Server, Simulator, eventually

from .processes import TracedServer

BASE = 300_000_000_000
REGION = "us-east-1"


def account(n: int) -> str:
    return str(BASE + n)


def registry(n: int) -> str:
    return f"accounts/{account(n)}/registries/{REGION}"


def declared(n: int) -> dict[str, Any]:
    statement = {
        "Sid": "Cache",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account(n)}:root"},
        "Action": ["ecr:CreateRepository"],
        "Resource": f"arn:aws:ecr:{REGION}:{account(n)}:repository/quay/*",
    }
    destination = {"region": "us-west-2", "registryId": account(n)}
    return {
        "registryPolicy": {"policyText": json.dumps({"Version": "2012-10-17", "Statement": [statement]})},
        "replicationConfiguration": {
            "rules": [
                {
                    "destinations": [destination],
                    "repositoryFilters": [{"filter": "prod/", "filterType": "PREFIX_MATCH"}],
                }
            ]
        },
        "pullThroughCacheRules": {
            "rules": [
                {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"},
                {"ecrRepositoryPrefix": "k8s", "upstreamRegistryUrl": "registry.k8s.io"},
            ]
        },
    }


def has_everything(aws: Simulator, n: int) -> bool:
    state = aws.registry(REGION, account(n))
    prefixes = {rule["ecrRepositoryPrefix"] for rule in state["pullThroughCacheRules"]}
    return bool(
        prefixes == {"quay", "k8s"} and state["policyText"] and len(state["replicationConfiguration"]["rules"]) == 1
    )


def has_nothing(aws: Simulator, n: int) -> bool:
    state = aws.registry(REGION, account(n))
    return not (state["pullThroughCacheRules"] or state["policyText"] or state["replicationConfiguration"]["rules"])


def in_sync(client: ecrkeeper.Client, name: str) -> bool:
    registry = client.get_registry(name)
    statuses = {c.type: c.status for c in registry.conditions}
    return registry.observed_generation == registry.generation and statuses.get("Synced") == 1


def all_hold(rows: range | list[int], check: Callable[[int], bool]) -> Callable[[], bool]:
    """Check many resources, skipping those that already passed."""
    remaining = set(rows)

    def holds() -> bool:
        for n in sorted(remaining):
            if not check(n):
                return False
            remaining.discard(n)
        return True

    return holds


def creations(aws: Simulator) -> Counter[tuple[str, str, str]]:
    """Return how often each cache rule and each role was requested."""
    requests: Counter[tuple[str, str, str]] = Counter()
    for call in aws.writes():
        key = call["params"].get("ecrRepositoryPrefix") or call["params"].get("AWSServiceName")
        if call["operation"].startswith("Create"):
            requests[call["account"], call["operation"], str(key)] += 1
    return requests


def test_registry_converges_after_a_kill_between_any_two_statements(
    aws: Simulator, database_url: str, tmp_path: Path
) -> None:
    aws.control("PUT", "settings", {"max_log": 1_000_000})
    rows = range(70)
    names = {n: f"{registry(n)}/settings/team-a" for n in rows}
    doomed = TracedServer(tmp_path, database_url, aws.url, kind="registry", base=BASE, concurrency=200, lease_seconds=3)
    with ecrkeeper.Client(doomed.address, insecure=True) as client:
        for n in rows:
            client.apply_registry_settings(f"{registry(n)}/settings/team-a", declared(n))
        operations = {n: client.reconcile_registry(registry(n)).name for n in rows}
        finished: set[int] = set()

        def stands_still() -> bool:
            stopped = doomed.stopped()
            for n in rows:
                if registry(n) not in stopped and n not in finished:
                    if not (in_sync(client, registry(n)) and client.operation(operations[n]).done()):
                        return False
                    finished.add(n)
            return True

        eventually(stands_still, 60)
    doomed.kill()
    assert finished, "every step was stopped: the kill points do not reach the end of a step"
    assert len(finished) < len(rows) - 15, "hardly any step was stopped"
    assert not (doomed.stopped() & {registry(n) for n in finished})

    heir = Server(tmp_path, database_url, aws.url)
    with ecrkeeper.Client(heir.address, insecure=True) as client:
        eventually(all_hold(rows, lambda n: in_sync(client, registry(n))), 30)
        eventually(all_hold(rows, lambda n: client.operation(operations[n]).done()), 30)
        for n in rows:
            assert has_everything(aws, n), f"killed after {n} statements"
            assert client.get_registry_settings(names[n]).settings.HasField("registry_policy")
            assert client.operation(operations[n]).result().name == registry(n)
        repeated = {creation: times for creation, times in creations(aws).items() if times > 1}
        assert not repeated
        failed = [call for call in aws.writes() if call["status"] != 200]
        assert not failed
        for n in rows:
            client.delete_registry_settings(names[n])
        eventually(all_hold(rows, lambda n: has_nothing(aws, n)), 30)
    assert heir.stop() == 0


@pytest.mark.parametrize("vanishes", [False, True], ids=["task-stays", "task-vanishes"])
def test_role_is_deleted_after_a_kill_between_any_two_statements(
    aws: Simulator, database_url: str, tmp_path: Path, vanishes: bool
) -> None:
    aws.control("PUT", "settings", {"max_log": 1_000_000, "deletion_task_vanishes": vanishes})
    rows = range(36)
    names = {n: f"accounts/{account(n)}/serviceLinkedRoles/replication" for n in rows}
    before = Server(tmp_path, database_url, aws.url, concurrency=200)
    with ecrkeeper.Client(before.address, insecure=True) as client:
        for n in rows:
            aws.control("PUT", f"accounts/{account(n)}", {"enabled_regions": ["us-east-1", "eu-west-1"]})
            client.create_service_linked_role(f"accounts/{account(n)}", "replication")

        eventually(all_hold(rows, lambda n: bool(client.get_service_linked_role(names[n]).arn)), 30)
        eventually(all_hold(rows, lambda n: not client.get_service_linked_role(names[n]).reconciling), 30)
    assert before.stop() == 0

    doomed = TracedServer(tmp_path, database_url, aws.url, kind="role", base=BASE, concurrency=200, lease_seconds=3)
    with ecrkeeper.Client(doomed.address, insecure=True) as client:
        operations = {n: client.delete_service_linked_role(names[n]).name for n in rows}
        finished: set[int] = set()

        def stands_still() -> bool:
            stopped = doomed.stopped()
            for n in rows:
                if names[n] not in stopped and n not in finished:
                    if not client.operation(operations[n]).done():
                        return False
                    finished.add(n)
            return True

        eventually(stands_still, 60)
    doomed.kill()
    assert finished, "every step was stopped: the kill points do not reach the end of a deletion"
    assert len(finished) < len(rows) - 8, "hardly any step was stopped"

    heir = Server(tmp_path, database_url, aws.url)
    with ecrkeeper.Client(heir.address, insecure=True) as client:
        eventually(all_hold(rows, lambda n: client.operation(operations[n]).done()), 40)
        for n in rows:
            client.operation(operations[n]).result()
            assert not aws.control("GET", f"accounts/{account(n)}")["roles"], f"killed after {n} statements"
            with pytest.raises(ecrkeeper.NotFound):
                client.get_service_linked_role(names[n])
    assert heir.stop() == 0
    created = creations(aws)
    assert set(created.values()) == {1}
    deletions = Counter(c["account"] for c in aws.writes() if c["operation"] == "DeleteServiceLinkedRole")
    assert max(deletions.values()) <= 2
    assert not [c for c in aws.writes() if c["status"] != 200]


def test_random_kills_of_busy_server_lose_nothing(aws: Simulator, database_url: str, tmp_path: Path) -> None:
    aws.control("PUT", "settings", {"max_log": 1_000_000})
    dice = random.Random(7)
    rows = range(100, 124)
    answered: list[int] = []
    waiting = list(rows)
    for _ in range(4):
        server = Server(tmp_path, database_url, aws.url, lease_seconds=2)
        with ecrkeeper.Client(server.address, insecure=True) as client:
            for _ in range(6):
                n = waiting.pop()
                client.apply_registry_settings(f"{registry(n)}/settings/team-a", declared(n))
                answered.append(n)
            time.sleep(dice.uniform(0.0, 0.3))  # the moment of the kill
            server.kill()
    heir = Server(tmp_path, database_url, aws.url)
    with ecrkeeper.Client(heir.address, insecure=True) as client:
        eventually(all_hold(answered, lambda n: in_sync(client, registry(n))), 30)
        assert all(has_everything(aws, n) for n in answered)
        assert not {creation: times for creation, times in creations(aws).items() if times > 1}
    assert heir.stop() == 0
