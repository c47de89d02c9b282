"""Registry views: cache rules, destinations, repositories and backfills."""

from __future__ import annotations

from typing import Any

import boto3
import ecrkeeper
import pytest
from ecrkeeper.v1.common_pb2 import Drift
from ecrkeeper.v1.registry_pb2 import ReplicationBackfill, ReplicationCheck
from ecrkeeper.v1.role_pb2 import ServiceLinkedRole
from ecrkeeper.v1.settings_pb2 import ReplicationDestination
from google.protobuf.empty_pb2 import Empty

from tests import harness
from tests.e2e.live import Live, Place, fresh_account

REPLICATION = "replication_configuration"


@pytest.fixture
def place(live: Live) -> Place:
    return live.registry(fresh_account())


def replicates(account: str, region: str) -> dict[str, object]:
    return {REPLICATION: {"rules": [{"destinations": [{"region": region, "registryId": account}]}]}}


def test_cache_rule_reports_failed_login(place: Place) -> None:
    name = "ecr-pullthroughcache/docker-hub-AbCdEf"
    arn = f"arn:aws:secretsmanager:{place.region}:{place.account}:secret:{name}"
    place.seed(secrets=[{"name": name.rsplit("-", 1)[0], "arn": arn, "value": "not what Docker Hub wants"}])
    rule = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io", "credentialArn": arn}
    registry = place.converged({"pull_through_cache_rules": {"rules": [rule]}})
    (element,) = registry.elements
    assert element.problem
    checked = place.live.client.validate_pull_through_cache_rule(place.name, "hub")
    assert not checked.is_valid
    assert checked.failure == element.problem


def test_destination_is_broken_until_it_has_a_policy(place: Place) -> None:
    other = place.live.registry(fresh_account(), "eu-west-1")
    registry = place.converged(replicates(other.account, other.region))
    (check,) = registry.replication_checks
    assert check.result == ReplicationCheck.BROKEN
    assert [finding.reason for finding in check.findings] == ["DESTINATION_POLICY_MISSING"]
    statement = {
        "Sid": "replication",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{place.account}:root"},
        "Action": ["ecr:ReplicateImage", "ecr:CreateRepository"],
        "Resource": f"arn:aws:ecr:{other.region}:{other.account}:repository/*",
    }
    other.seed(policyText={"Version": "2012-10-17", "Statement": [statement]})
    (check,) = place.live.client.check_replication(place.name).checks
    assert check.result == ReplicationCheck.OK


def test_backfill_is_one_operation_per_request_id(place: Place) -> None:
    place.converged(replicates(place.account, "us-west-2"))
    client, destination = place.live.client, ReplicationDestination(region="us-west-2", registry_id=place.account)
    request_id = "0b0b0b0b-1111-4222-8333-444444444444"
    first = client.start_replication_backfill(place.name, destination, request_id=request_id)
    repeated = (
        client.start_replication_backfill(place.name, destination, request_id=request_id) if not first.done() else first
    )
    assert repeated.name == first.name
    done = first.result(timeout=20)
    assert done.status == ReplicationBackfill.COMPLETE
    assert [b.name for b in client.list_replication_backfills(place.name)] == [done.name]
    assert len(list(client.list_replication_backfill_results(done.name))) == done.total_replication_count
    starts = [call for call in place.live.aws.requests() if call["operation"] == "StartReplicationBackfill"]
    assert len([call for call in starts if call["account"] == place.account]) == 1


def test_second_backfill_is_rejected_before_ecr_lists_the_first(place: Place) -> None:
    place.converged(replicates(place.account, "us-west-2"))
    client, destination = place.live.client, ReplicationDestination(region="us-west-2", registry_id=place.account)
    fault = {"kind": "throttle", "account": place.account, "operation": "StartReplicationBackfill"}
    place.live.aws.control("POST", "faults", fault)
    try:
        first = client.start_replication_backfill(place.name, destination)
        begun: Any = first.metadata
        assert (begun.registry, begun.replication_backfill.destination) == (place.name, destination)
        with pytest.raises(ecrkeeper.FailedPrecondition) as caught:
            client.start_replication_backfill(place.name, destination)
    finally:
        place.live.aws.control("DELETE", "faults")
    assert caught.value.reason == "BACKFILL_IN_PROGRESS"


def test_backfill_is_shown_after_aws_forgets_it(place: Place) -> None:
    place.converged(replicates(place.account, "us-west-2"))
    client, destination = place.live.client, ReplicationDestination(region="us-west-2", registry_id=place.account)
    done = client.start_replication_backfill(place.name, destination).result(timeout=20)
    place.seed(backfills=[])
    assert place.aws()["backfills"] == []
    assert client.get_replication_backfill(done.name).status == ReplicationBackfill.COMPLETE
    assert [b.name for b in client.list_replication_backfills(place.name)] == [done.name]


def test_backfill_to_non_destination_is_rejected(place: Place) -> None:
    destination = ReplicationDestination(region="us-west-2", registry_id=place.account)
    with pytest.raises(ecrkeeper.FailedPrecondition) as caught:
        place.live.client.start_replication_backfill(place.name, destination)
    assert caught.value.reason == "DESTINATION_NOT_CONFIGURED"


@pytest.mark.parametrize("validate_only", [False, True])
@pytest.mark.parametrize("mode", ["OBSERVE", "PAUSED"])
def test_observed_registry_starts_no_backfill(place: Place, mode: str, validate_only: bool) -> None:
    place.converged(replicates(place.account, "us-west-2"))
    place.keep(mode=mode)
    destination, since = (
        ReplicationDestination(region="us-west-2", registry_id=place.account),
        place.live.aws.position(),
    )
    with pytest.raises(ecrkeeper.FailedPrecondition) as caught:
        place.live.client.start_replication_backfill(place.name, destination, validate_only=validate_only)
    assert caught.value.reason == "NOT_ENFORCED"
    assert f"is {mode}; set ENFORCE before" in str(caught.value)
    assert place.writes(since) == []


def test_started_backfill_is_idempotent_in_any_mode(place: Place) -> None:
    place.converged(replicates(place.account, "us-west-2"))
    client, destination = place.live.client, ReplicationDestination(region="us-west-2", registry_id=place.account)
    request_id = "0b0b0b0b-1111-4222-8333-555555555555"
    first = client.start_replication_backfill(place.name, destination, request_id=request_id)
    first.result(timeout=20)
    place.keep(mode="OBSERVE")
    assert client.start_replication_backfill(place.name, destination, request_id=request_id).name == first.name


def test_forbidden_role_deletion_ends_with_reason(place: Place) -> None:
    client, aws = place.live.client, place.live.aws
    role = client.create_service_linked_role(f"accounts/{place.account}", "replication")
    client.reconcile_service_linked_role(role.name).result(timeout=20)
    fault = {"kind": "error", "account": place.account, "operation": "DeleteServiceLinkedRole", "code": "AccessDenied"}
    aws.control("POST", "faults", {**fault, "status": 403, "message": "not authorized"})
    try:
        with pytest.raises(ecrkeeper.OperationFailed) as caught:
            client.delete_service_linked_role(role.name).result(timeout=20)
    finally:
        aws.control("DELETE", "faults")
    assert caught.value.reason == "AWS_ACCESS_DENIED"
    stored = client.get_service_linked_role(role.name)
    assert stored.deletion_task_id == ""
    client.delete_service_linked_role(role.name).result(timeout=20)
    harness.eventually(lambda: role.name not in {r.name for r in client.list_service_linked_roles()})


def test_running_deletion_can_be_forced_by_joining_call(either: Live) -> None:
    place = either.registry(fresh_account())
    client, aws = either.client, either.aws
    iam = boto3.client(
        "iam", region_name=place.region, endpoint_url=aws.url, aws_access_key_id=place.account,
        aws_secret_access_key="any",
    )  # fmt: skip
    iam.create_service_linked_role(AWSServiceName="replication.ecr.amazonaws.com")
    # Until an attempt observes the role, nobody knows that it existed before.
    fault = {"kind": "error", "account": place.account, "operation": "GetRole", "code": "ServiceFailure"}
    aws.control("POST", "faults", {**fault, "status": 500, "message": "not now"})
    try:
        role = client.create_service_linked_role(f"accounts/{place.account}", "replication")
        first = client.delete_service_linked_role(role.name)
        joined = client.delete_service_linked_role(role.name, force_delete_adopted=True)
    finally:
        aws.control("DELETE", "faults")
    assert joined.name == first.name
    joined.result(timeout=30)
    harness.eventually(lambda: role.name not in {r.name for r in client.list_service_linked_roles()})


def test_plan_warns_of_destinations_in_unknown_regions(place: Place) -> None:
    places = [{"region": region, "registryId": place.account} for region in ("eu-wset-1", "us-west-2")]
    planned = place.apply({REPLICATION: {"rules": [{"destinations": places}]}}, validate_only=True).plan
    assert [(w.reason, w.subject) for w in planned.warnings] == [("REGION_UNKNOWN", "eu-wset-1")]
    assert [call.operation for call in planned.calls] == ["PutReplicationConfiguration"]


def test_rejected_element_is_not_owned(place: Place) -> None:
    """Deleting a rejected declaration must not remove an unmanaged element."""
    unmanaged = {"ecrRepositoryPrefix": "pub", "upstreamRegistryUrl": "public.ecr.aws"}
    place.seed(pullThroughCacheRules=[unmanaged])
    settings = {"pull_through_cache_rules": {"rules": [{**unmanaged, "upstreamRegistryUrl": "registry.k8s.io"}]}}
    planned = place.apply(settings, validate_only=True).plan
    assert [warning.reason for warning in planned.warnings] == ["REPLACEMENT_NOT_ALLOWED"]
    assert not planned.calls
    allowed = place.apply(settings, validate_only=True, allow_replacement=True).plan
    assert [c.operation for c in allowed.calls] == ["DeletePullThroughCacheRule", "CreatePullThroughCacheRule"]
    place.apply(settings)
    with pytest.raises(ecrkeeper.OperationFailed) as caught:
        place.live.client.reconcile_registry(place.name).result(timeout=20)
    assert caught.value.reason == "REPLACEMENT_NOT_ALLOWED"
    place.live.client.delete_registry_settings(place.part("platform"))
    place.live.client.reconcile_registry(place.name).result(timeout=20)
    assert [rule["upstreamRegistryUrl"] for rule in place.aws()["pullThroughCacheRules"]] == ["public.ecr.aws"]


def test_error_of_one_owner_blocks_no_other(place: Place) -> None:
    arn = f"arn:aws:secretsmanager:{place.region}:{place.account}:secret:ecr-pullthroughcache/missing-AbCdEf"
    rule = {"ecrRepositoryPrefix": "aaa", "upstreamRegistryUrl": "ghcr.io", "credentialArn": arn}
    place.apply({"pull_through_cache_rules": {"rules": [rule]}}, owner="bad")
    good = {"ecrRepositoryPrefix": "zzz", "upstreamRegistryUrl": "public.ecr.aws"}
    place.apply({"pull_through_cache_rules": {"rules": [good]}, **replicates(place.account, "us-west-2")}, owner="good")
    harness.eventually(lambda: place.aws()["replicationConfiguration"]["rules"])
    assert [each["ecrRepositoryPrefix"] for each in place.aws()["pullThroughCacheRules"]] == ["zzz"]
    # AWS has it a moment before the attempt ends.
    harness.eventually(lambda: "SecretNotFound" in place.read().last_error.message)


def test_validate_only_operation_has_matching_response(place: Place) -> None:
    client, destination = place.live.client, ReplicationDestination(region="us-west-2", registry_id=place.account)
    place.converged(replicates(place.account, "us-west-2"))
    tried = client.start_replication_backfill(place.name, destination, validate_only=True)
    assert tried.result().destination == destination
    other = place.live.registry(fresh_account())
    role = client.create_service_linked_role(f"accounts/{other.account}", "replication")
    client.reconcile_service_linked_role(role.name).result(timeout=20)
    assert client.delete_service_linked_role(role.name, validate_only=True).result() == Empty()
    assert client.get_service_linked_role(role.name).etag == role.etag


def test_registry_drift_comes_from_fresh_observation(place: Place) -> None:
    place.converged(replicates(place.account, "us-west-2"))
    refreshed = place.read(refresh=True)
    assert (list(refreshed.drift), refreshed.reconciling) == ([], False)
    place.seed(replicationConfiguration={"rules": []})
    assert list(place.read().drift) == []
    refreshed = place.read(refresh=True)
    assert [(drift.setting, drift.kind) for drift in refreshed.drift] == [(REPLICATION, Drift.MISSING)]
    assert refreshed.reconciling
    assert refreshed.conditions == place.read().conditions
    place.keep(mode="OBSERVE")
    place.reconcile()
    refreshed = place.read(refresh=True)
    assert ([drift.setting for drift in refreshed.drift], refreshed.reconciling) == ([REPLICATION], False)
    place.seed(replicationConfiguration={"rules": replicates(place.account, "us-west-2")[REPLICATION]["rules"]})  # type: ignore[index]
    assert place.read().drift
    assert list(place.read(refresh=True).drift) == []


def test_role_drift_comes_from_fresh_observation(place: Place) -> None:
    client, requested = place.live.client, ServiceLinkedRole(tags={"a": "b"})
    role = client.create_service_linked_role(f"accounts/{place.account}", "replication", service_linked_role=requested)
    client.reconcile_service_linked_role(role.name).result(timeout=20)
    refreshed = client.get_service_linked_role(role.name, refresh=True)
    assert (list(refreshed.drift), refreshed.reconciling, refreshed.state) == ([], False, ServiceLinkedRole.ACTIVE)
    other = ServiceLinkedRole(name=role.name, tags={"a": "c"}, mode="PAUSED")  # type: ignore[arg-type]
    client.update_service_linked_role(other, ["tags", "mode"])
    refreshed = client.get_service_linked_role(role.name, refresh=True)
    assert [(drift.setting, drift.key, drift.kind) for drift in refreshed.drift] == [("tags", "a", Drift.CHANGED)]
    unknown = client.get_service_linked_role(role.name.replace("replication", "pull-through-cache"), refresh=True)
    assert (list(unknown.drift), unknown.reconciling, unknown.state) == ([], False, ServiceLinkedRole.ABSENT)
