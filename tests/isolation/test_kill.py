"""SIGKILL between any two statements of an isolating attempt, and recovery."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ecrkeeper
from ecrkeeper.v1.common_pb2 import Condition

from tests.chaos.processes import TracedServer
from tests.harness import Server, Simulator, eventually

from .conftest import GONE

BASE = 310_000_000_000
REGION = "us-east-1"
ROWS = range(34)


def account(n: int) -> str:
    return str(BASE + n)


def registry(n: int) -> str:
    return f"accounts/{account(n)}/registries/{REGION}"


def policy(n: int, *statements: tuple[str, str, str]) -> dict[str, Any]:
    written = [
        {
            "Sid": sid,
            "Effect": effect,
            "Principal": {"AWS": principal},
            "Action": "ecr:ReplicateImage",
            "Resource": f"arn:aws:ecr:{REGION}:{account(n)}:repository/*",
        }
        for sid, effect, principal in statements
    ]
    return {"registryPolicy": {"policyText": json.dumps({"Version": "2012-10-17", "Statement": written})}}


def sids(aws: Simulator, n: int) -> set[str]:
    text = aws.registry(REGION, account(n))["policyText"]
    return {each["Sid"] for each in json.loads(text)["Statement"]} if text else set()


def ready(client: ecrkeeper.Client, n: int, owner: str) -> bool:
    declaration = client.get_registry_settings(f"{registry(n)}/settings/{owner}")
    true_types = {c.type for c in declaration.conditions if c.status == Condition.TRUE}
    return not declaration.reconciling and "Ready" in true_types


def refused(client: ecrkeeper.Client, n: int) -> bool:
    declaration = client.get_registry_settings(f"{registry(n)}/settings/bad")
    return any(c.type == "Synced" and c.reason == "PRINCIPAL_NOT_FOUND" for c in declaration.conditions)


def test_isolation_resumes_after_kill_between_any_two_statements(
    aws: Simulator, database_url: str, tmp_path: Path
) -> None:
    aws.control("PUT", "settings", {"max_log": 1_000_000, "unresolvable_principals": [GONE]})
    doomed = TracedServer(tmp_path, database_url, aws.url, kind="registry", base=BASE, concurrency=200, lease_seconds=3)
    with ecrkeeper.Client(doomed.address, insecure=True) as client:
        for n in ROWS:
            text = policy(n, ("Foreign", "Allow", "777777777777"))["registryPolicy"]["policyText"]
            aws.seed({"policyText": text}, REGION, account(n))
            pair = [("Bad", "Deny", GONE), ("Open", "Allow", "444444444444")]
            client.apply_registry_settings(f"{registry(n)}/settings/bad", policy(n, *pair))
            good = policy(n, ("Good", "Allow", "555555555555"))
            client.apply_registry_settings(f"{registry(n)}/settings/good", good)
        ended: set[int] = set()

        def stands_still() -> bool:
            stopped = doomed.stopped()
            ended.update(n for n in ROWS if n not in ended and registry(n) not in stopped and ready(client, n, "good"))
            return all(n in ended or registry(n) in stopped for n in ROWS)

        eventually(stands_still, 60)
    doomed.kill()
    assert ended, "every step was stopped: the kill points do not reach the end of a step"
    assert len(ended) < len(ROWS) - 10, "hardly any step was stopped"

    heir = Server(tmp_path, database_url, aws.url)
    with ecrkeeper.Client(heir.address, insecure=True) as client:
        eventually(lambda: all(ready(client, n, "good") and refused(client, n) for n in ROWS), 40)
        for n in ROWS:
            assert sids(aws, n) == {"Foreign", "Good"}, f"killed after {n} statements"
        for n in ROWS:
            client.delete_registry_settings(f"{registry(n)}/settings/bad")
            client.delete_registry_settings(f"{registry(n)}/settings/good")
        eventually(lambda: all(sids(aws, n) == {"Foreign"} for n in ROWS), 40)
    check_writes(aws)
    assert heir.stop() == 0


def check_writes(aws: Simulator) -> None:
    """No write lacks unmanaged elements, nor has an Allow without its owner's denial."""
    for call in aws.writes():
        if call["operation"] == "PutRegistryPolicy":
            sent = {each["Sid"] for each in json.loads(call["params"]["policyText"])["Statement"]}
            assert "Foreign" in sent
            assert call["status"] != 200 or "Open" not in sent
