"""The server works with exactly the permissions that it documents."""

from __future__ import annotations

import json
from typing import Any

import ecrkeeper
import pytest
from ecrkeeper.v1.role_pb2 import ServiceLinkedRole
from ecrkeeper.v1.settings_pb2 import ReplicationDestination

from tests.e2e.live import Live, Place, rules
from tests.harness import eventually
from tests.permissions.conftest import Rights

WEST = "us-west-2"


def secret(place: Place, name: str) -> str:
    return f"arn:aws:secretsmanager:us-east-1:{place.account}:secret:ecr-pullthroughcache/{name}-AbCdEf"


def statement(place: Place) -> dict[str, Any]:
    return {
        "Sid": "Replicate",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{place.account}:root"},
        "Action": ["ecr:ReplicateImage", "ecr:CreateRepository"],
        "Resource": f"arn:aws:ecr:us-east-1:{place.account}:repository/*",
    }


def all_settings(place: Place, *, changed: bool) -> dict[str, Any]:
    """Return a declaration with all settings; `changed` differs in updatable members."""
    account = place.account
    template = {
        "prefix": "team",
        "appliedFor": ["REPLICATION"],
        "description": "after" if changed else "before",
        "customRoleArn": f"arn:aws:iam::{account}:role/ecr-custom/template",
        "lifecyclePolicy": json.dumps(
            {
                "rules": [
                    {
                        "rulePriority": 1,
                        "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 3},
                        "action": {"type": "expire"},
                    }
                ]
            }
        ),
        "repositoryPolicy": json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}],
            }
        ),
    }
    rule = {
        "ecrRepositoryPrefix": "hub",
        "upstreamRegistryUrl": "registry-1.docker.io",
        "credentialArn": secret(place, "second" if changed else "first"),
    }
    frequency = "SCAN_ON_PUSH" if changed else "CONTINUOUS_SCAN"
    repositories = [{"filter": "*", "filterType": "WILDCARD"}]
    profile = f"arn:aws:signer:us-east-1:{account}:/signing-profiles/release"
    return {
        "account_settings": {"settings": [{"name": "BLOB_MOUNTING", "value": "DISABLED" if changed else "ENABLED"}]},
        "registry_policy": {"policyText": json.dumps({"Version": "2012-10-17", "Statement": [statement(place)]})},
        "repository_creation_templates": {"templates": [template]},
        "pull_through_cache_rules": {"rules": [rule]},
        "replication_configuration": rules((account, WEST)),
        "scanning_configuration": {
            "scanType": "BASIC" if changed else "ENHANCED",
            "rules": [{"scanFrequency": frequency, "repositoryFilters": repositories}],
        },
        "signing_configuration": {"rules": [{"signingProfileArn": profile}]},
        "pull_time_update_exclusions": {"principalArns": [f"arn:aws:iam::{account}:role/scanner"]},
    }


def seed_secrets(place: Place) -> None:
    value = json.dumps({"username": "u", "accessToken": "t"})
    place.seed(
        secrets=[
            {"name": f"ecr-pullthroughcache/{n}", "arn": secret(place, n), "value": value} for n in ("first", "second")
        ]
    )


def backfill(place: Place) -> None:
    """Start a backfill, read it and its results, stop another."""
    client, to = place.live.client, ReplicationDestination(region=WEST, registry_id=place.account)
    client.start_replication_backfill(place.name, to).result(timeout=20)
    (done,) = client.list_replication_backfills(place.name)
    assert list(client.list_replication_backfill_results(done.name))
    place.seed(repositories=["app"], images={"app": ["v1"]})
    assert list(client.list_image_replication_statuses(place.name, to, timeout=30))
    client.start_replication_backfill(place.name, to)
    running = eventually(
        lambda: next((b for b in client.list_replication_backfills(place.name) if b.name != done.name), None)
    )
    client.stop_replication_backfill(running.name)


def role_life(place: Place) -> None:
    """Adopt the replication role, change everything about it, delete it."""
    client, parent = place.live.client, f"accounts/{place.account}"
    name = f"{parent}/serviceLinkedRoles/replication"

    def declare(**fields: Any) -> None:
        client.update_service_linked_role(ServiceLinkedRole(name=name, **fields), "*", allow_missing=True)
        client.reconcile_service_linked_role(name).result(timeout=20)

    declare(description="first", tags={"team": "platform"})
    declare(description="second")
    client.check_service_linked_role_usage(name)
    # Slow enough to be polled.
    place.live.aws.control("PUT", "settings", {"deletion_in_progress_seconds": 2.0})
    client.delete_service_linked_role(name, force_delete_adopted=True).result(timeout=30)


def test_policy_allows_exactly_the_calls_of_the_server(live: Live) -> None:
    rights = Rights(live)
    place = rights.place
    seed_secrets(place)
    place.converged(all_settings(place, changed=False))
    backfill(place)
    place.converged(all_settings(place, changed=True))
    place.live.client.delete_registry_settings(place.part("platform"))
    place.live.client.reconcile_registry(place.name).result(timeout=20)
    role_life(place)
    # Somebody else's change is drift, whose cause CloudTrail is asked for.
    place.converged(all_settings(place, changed=False))
    place.seed(signing=None)
    place.live.client.reconcile_registry(place.name).result(timeout=20)
    calls = eventually(lambda: rights.actions() if "cloudtrail:LookupEvents" in rights.actions() else None)
    assert [action for action, allowed in calls.items() if not allowed] == []
    assert rights.allowed - set(calls) == set(), "allowed, and the server never needs it"
    assert set(calls) - rights.allowed == set()


def test_observe_policy_suffices_without_writes(live: Live) -> None:
    rights = Rights(live, "--mode", "observe")
    place = rights.place
    seed_secrets(place)
    place.seed(
        replicationConfiguration=rules((place.account, "eu-west-1")),
        exclusions=[f"arn:aws:iam::{place.account}:role/other"],
        signing={"rules": []},
    )
    place.keep(mode="OBSERVE", unmanaged_elements="PRUNE")
    place.apply(all_settings(place, changed=False))
    role = f"accounts/{place.account}/serviceLinkedRoles/replication"
    live.client.update_service_linked_role(
        ServiceLinkedRole(name=role, description="wanted", mode="OBSERVE"), allow_missing=True
    )
    since = live.aws.position()
    registry = place.reconcile()
    assert {drift.setting for drift in registry.drift} == set(all_settings(place, changed=False))
    with pytest.raises(ecrkeeper.OperationFailed):
        live.client.reconcile_service_linked_role(role).result(timeout=20)
    assert place.read(refresh=True).observed.replication_configuration.rules
    assert live.client.check_replication(place.name).checks
    assert live.client.explain_repository(place.name, "team/app")
    assert live.client.check_service_linked_role_usage(role)
    assert list(live.client.list_replication_backfills(place.name)) == []
    place.seed(repositories=["app"], images={"app": ["v1"]})
    to = ReplicationDestination(region=WEST, registry_id=place.account)
    assert list(live.client.list_image_replication_statuses(place.name, to, timeout=30))
    assert place.apply(all_settings(place, changed=True), validate_only=True).plan.calls
    assert place.writes(since) == []
    calls = rights.actions()
    assert [action for action, allowed in calls.items() if not allowed] == []
    # The results of a backfill exist only where somebody started one, and drift that nobody caused has no cause.
    assert rights.allowed - set(calls) == {"cloudtrail:LookupEvents", "ecr:DescribeReplicationBackfillResults"}


@pytest.mark.parametrize(
    "setting",
    [
        "registry_policy",
        "account_settings",
        "replication_configuration",
        "pull_through_cache_rules",
        "signing_configuration",
    ],
)
def test_setting_policy_suffices_for_its_setting(live: Live, setting: str) -> None:
    rights = Rights(live, "--settings", setting)
    place = rights.place
    seed_secrets(place)
    for changed in (False, True):
        place.converged({setting: all_settings(place, changed=changed)[setting]})
    place.live.client.delete_registry_settings(place.part("platform"))
    place.live.client.reconcile_registry(place.name).result(timeout=20)
    assert all(rights.actions().values())
    with pytest.raises(ecrkeeper.FailedPrecondition) as caught:
        place.read(refresh=True)
    assert caught.value.reason == "AWS_ACCESS_DENIED"
