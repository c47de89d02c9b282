"""A server with credentials of one account, and secrets in invalid responses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ecrkeeper
import pytest

from tests import databases, harness
from tests.e2e.live import Live
from tests.hostile.bodies import ACCOUNT, OTHER, SECRET, assumed, unusable

REGISTRY = f"accounts/{OTHER}/registries/us-east-1"
ROLE = f"accounts/{OTHER}/serviceLinkedRoles/replication"
SCANNING = {
    "scanningConfiguration": {
        "rules": [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}]
    }
}


def _server(tmp_path: Path, aws: harness.Simulator, **settings: Any) -> harness.Server:
    url = databases.new_sqlite(tmp_path / "ecrkeeper.db")
    return harness.Server(tmp_path, url, aws.url, **settings)


def reason_of(resource: Any) -> str:
    """Return the reason of a resource's condition `Synced`."""
    return next((str(c.reason) for c in resource.conditions if c.type == "Synced"), "")


def rejected(call: Callable[[], Any]) -> ecrkeeper.RegistryError:
    with pytest.raises(ecrkeeper.RegistryError) as caught:
        call()
    return caught.value


def test_declarations_never_reach_other_accounts(tmp_path: Path, aws: harness.Simulator) -> None:
    server = _server(tmp_path, aws, environment={"AWS_ACCESS_KEY_ID": ACCOUNT}, aws_role_template="")
    log = tmp_path / "server.log"
    harness.eventually(lambda: f"account {ACCOUNT}, with its own ambient credentials" in log.read_text())
    with ecrkeeper.Client(server.address, insecure=True) as client:
        live = Live(server, aws, client)
        live.registry(OTHER).apply(SCANNING)
        live.registry(ACCOUNT).converged(SCANNING)
        blocked = harness.eventually(
            lambda: next((r for r in [client.get_registry(REGISTRY)] if reason_of(r) == "WRONG_ACCOUNT"), None)
        )
        assert [c.reason for c in blocked.conditions if c.type == "Blocked"] == ["WRONG_ACCOUNT"]
        assert (ACCOUNT in blocked.last_error.message, OTHER in blocked.last_error.message) == (True, True)
        client.create_service_linked_role(f"accounts/{OTHER}", "replication")
        harness.eventually(lambda: reason_of(client.get_service_linked_role(ROLE)) == "WRONG_ACCOUNT")
        for call in (
            lambda: client.get_registry(REGISTRY, refresh=True),
            lambda: client.get_service_linked_role(ROLE, refresh=True),
            lambda: client.import_registry_settings(REGISTRY, "imported"),
            lambda: client.check_service_linked_role_usage(ROLE),
            lambda: client.check_replication(REGISTRY),
            lambda: client.validate_pull_through_cache_rule(REGISTRY, "hub"),
            lambda: list(client.list_replication_backfills(REGISTRY)),
        ):
            error = rejected(call)
            assert error.reason == "WRONG_ACCOUNT"
            assert (error.metadata["expected_account"], error.metadata["actual_account"]) == (OTHER, ACCOUNT)
        replication = {"rules": [{"destinations": [{"region": "us-west-2", "registryId": OTHER}]}]}
        live.registry(ACCOUNT).converged({"replicationConfiguration": replication})
        (check,) = client.check_replication(f"accounts/{ACCOUNT}/registries/us-east-1").checks
        assert [finding.reason for finding in check.findings] == ["WRONG_ACCOUNT"]
    assert server.stop() == 0
    assert {call["account"] for call in aws.requests()} == {ACCOUNT}
    # Only the account's declarations were written.
    assert {call["region"] for call in aws.writes()} == {"us-east-1"}
    assert sum(call["operation"] == "GetCallerIdentity" for call in aws.requests()) == 1
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize(
    "rule",
    [{"body": assumed(ACCOUNT)[:-40]}, *[dict(unusable("sts", "AssumeRole"))[kind] for kind in ("HTML", "16 MB")]],
    ids=["cut", "HTML", "16 MB"],
)
def test_log_omits_unparsable_content(tmp_path: Path, aws: harness.Simulator, rule: dict[str, Any]) -> None:
    server = _server(tmp_path, aws, log_level="debug")
    log = tmp_path / "server.log"
    aws.control("POST", "faults", {"kind": "answer", "operation": "AssumeRole", **rule})
    with ecrkeeper.Client(server.address, insecure=True) as client:
        live = Live(server, aws, client)
        live.registry(ACCOUNT).apply(SCANNING)
        name = f"accounts/{ACCOUNT}/registries/us-east-1"
        harness.eventually(lambda: reason_of(client.get_registry(name)) == "AWS_ANSWER_INVALID")
        assert rejected(lambda: client.get_registry(name, refresh=True)).reason == "AWS_ANSWER_INVALID"
        aws.control("DELETE", "faults")
        harness.eventually(lambda: reason_of(client.get_registry(name)) == "IN_SYNC")
    assert server.stop() == 0
    text = log.read_text()
    assert SECRET not in text
    assert "Traceback" not in text
    assert "every account, by assuming arn:aws:iam::{account}:role/ecrkeeper" in text
    assert "of account 999999999999" in text


def test_server_starts_while_sts_is_unresponsive(tmp_path: Path, aws: harness.Simulator) -> None:
    aws.control("POST", "faults", {"kind": "latency", "service": "sts", "seconds": 5.0})
    server = _server(tmp_path, aws, aws_timeout_seconds=0.5)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        Live(server, aws, client).registry(ACCOUNT).apply(SCANNING)
    log = tmp_path / "server.log"
    harness.eventually(lambda: "no answer (TimeoutError)" in log.read_text())
    assert server.stop() == 0
