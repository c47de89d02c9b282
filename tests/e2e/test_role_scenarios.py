"""Role scenarios of several calls, through gRPC; see tests/cases/scenarios.py."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ecrkeeper
import grpc
import pytest
from ecrkeeper.v1.common_pb2 import Mode
from ecrkeeper.v1.role_pb2 import RegionUsage, ServiceLinkedRole
from google.rpc import code_pb2, error_details_pb2

from tests.e2e.live import WAIT_SECONDS, Live, Place, fields_of, fresh_account, rejection, rules
from tests.harness import eventually


@pytest.fixture
def place(live: Live) -> Place:
    """A registry of an account that no other test uses."""
    return live.registry(fresh_account())


def role_name(place: Place, role: str = "replication") -> str:
    return f"accounts/{place.account}/serviceLinkedRoles/{role}"


def reconciled_role(place: Place, name: str) -> ServiceLinkedRole:
    operation = place.live.client.reconcile_service_linked_role(name)
    with contextlib.suppress(ecrkeeper.OperationFailed):
        operation.result(timeout=WAIT_SECONDS)
    return place.live.client.get_service_linked_role(name)


def roles_in_iam(place: Place) -> Any:
    return place.live.aws.control("GET", f"accounts/{place.account}")["roles"]


def create(place: Place, role: str = "replication", **fields: Any) -> ServiceLinkedRole:
    requested = ServiceLinkedRole(**fields)
    place.live.client.create_service_linked_role(f"accounts/{place.account}", role, service_linked_role=requested)
    return reconciled_role(place, role_name(place, role))


CREATED = [
    ("slr-create-replication", "replication", "AWSServiceRoleForECRReplication", "replication.ecr.amazonaws.com"),
    (
        "slr-create-pullthroughcache",
        "pull-through-cache",
        "AWSServiceRoleForECRPullThroughCache",
        "pullthroughcache.ecr.amazonaws.com",
    ),
    ("slr-create-template", "repository-creation-template", "AWSServiceRoleForECRTemplate", "ecr.amazonaws.com"),
]


@pytest.mark.parametrize(("role", "name", "service"), [row[1:] for row in CREATED], ids=[row[0] for row in CREATED])
def test_role_is_created(place: Place, role: str, name: str, service: str) -> None:
    observed = create(place, role)
    assert observed.state == ServiceLinkedRole.ACTIVE
    assert observed.provenance == ServiceLinkedRole.CREATED
    assert (observed.role_name, observed.aws_service_name) == (name, service)
    assert observed.arn == f"arn:aws:iam::{place.account}:role/aws-service-role/{service}/{name}"


def test_role_is_created_with_description(place: Place) -> None:
    created = create(place, description="description1")
    assert created.provenance == ServiceLinkedRole.CREATED
    assert created.observed_description == "description1"


def test_existing_role_is_adopted(place: Place) -> None:
    place.converged({"replication_configuration": rules((place.account, "us-west-2"))}, owner="first")
    requested = ServiceLinkedRole(description="mine", mode=Mode.OBSERVE)
    client = place.live.client
    client.create_service_linked_role(f"accounts/{place.account}", "replication", service_linked_role=requested)
    since = place.live.aws.position()

    def differing() -> ServiceLinkedRole | None:
        role = client.get_service_linked_role(role_name(place))
        return role if role.drift else None

    observed = eventually(differing)
    assert [drift.setting for drift in observed.drift] == ["description"]
    assert observed.state == ServiceLinkedRole.ACTIVE
    assert place.writes(since) == []
    requested.name, requested.mode = role_name(place), Mode.ENFORCE
    client.update_service_linked_role(requested)
    observed = reconciled_role(place, role_name(place))
    assert observed.observed_description == requested.description
    assert not observed.drift


def test_role_gets_its_tags(place: Place) -> None:
    assert dict(create(place, tags={"owner": "platform"}).observed_tags) == {"owner": "platform"}


def test_role_description_is_limited_to_1000_characters(place: Place) -> None:
    requested, parent = ServiceLinkedRole(description="d" * 1001), f"accounts/{place.account}"
    client = place.live.client
    error = rejection(
        grpc.StatusCode.INVALID_ARGUMENT,
        client.create_service_linked_role,
        parent,
        "replication",
        service_linked_role=requested,
    )
    assert fields_of(error) == ["service_linked_role.description"]
    place.untouched()


def test_unrelated_role_has_no_api_name(place: Place) -> None:
    get, name = place.live.client.get_service_linked_role, role_name(place, "not-service-linked-role")
    error = rejection(grpc.StatusCode.INVALID_ARGUMENT, get, name, refresh=True)
    assert fields_of(error) == ["name"]


def test_unused_role_is_deleted(place: Place) -> None:
    client = place.live.client
    client.create_service_linked_role(f"accounts/{place.account}", "replication")
    reconciled_role(place, role_name(place))
    since = place.live.aws.position()
    client.delete_service_linked_role(role_name(place)).result(timeout=WAIT_SECONDS)
    assert [call["operation"] for call in place.writes(since)] == ["DeleteServiceLinkedRole"]
    assert not roles_in_iam(place)
    observed = client.get_service_linked_role(role_name(place), refresh=True)
    assert observed.state == ServiceLinkedRole.ABSENT


def test_unreadable_region_prevents_role_deletion(place: Place) -> None:
    client, region = place.live.client, "me-south-1"
    client.create_service_linked_role(f"accounts/{place.account}", "replication")
    reconciled_role(place, role_name(place))
    place.live.aws.control("PUT", f"accounts/{place.account}", {"enabled_regions": ["us-east-1", region]})
    fault = {
        "kind": "error",
        "service": "ecr",
        "account": place.account,
        "region": region,
        "code": "AccessDeniedException",
    }
    place.live.aws.control("POST", "faults", {**fault, "message": "no", "status": 400})
    try:
        usage = client.check_service_linked_role_usage(role_name(place))
        states = {each.region: each.state for each in usage.usage}
        assert states == {"us-east-1": RegionUsage.FREE, region: RegionUsage.UNKNOWN}
        assert not usage.deletable
        with pytest.raises(ecrkeeper.OperationFailed) as caught:
            client.delete_service_linked_role(role_name(place)).result(timeout=WAIT_SECONDS)
        assert any(region in violation.subject + violation.description for violation in caught.value.violations)
    finally:
        place.live.aws.control("DELETE", "faults")
    assert len(roles_in_iam(place)) == 1


def test_concurrent_role_creation_succeeds(place: Place) -> None:
    """The role and a setting that makes ECR create it are declared together."""
    parent = f"accounts/{place.account}"
    with ThreadPoolExecutor(2) as pool:
        created = pool.submit(place.live.client.create_service_linked_role, parent, "replication")
        declared = pool.submit(place.converged, {"replication_configuration": rules((place.account, "us-west-2"))})
        created.result()
        declared.result()
    reconciled = reconciled_role(place, role_name(place))
    assert reconciled.state == ServiceLinkedRole.ACTIVE
    assert not reconciled.HasField("last_error")
    assert len(roles_in_iam(place)) == 1


def unpacked(status: Any) -> error_details_pb2.ErrorInfo:
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return info


def test_denied_creation_names_missing_permission(place: Place) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["iam:GetRole", "iam:List*"], "Resource": "*"}],
    }
    place.live.aws.control("PUT", f"accounts/{place.account}", {"iam_policy": policy})
    place.live.client.create_service_linked_role(f"accounts/{place.account}", "replication")

    def failed() -> Any:
        role = place.live.client.get_service_linked_role(role_name(place))
        return role if role.HasField("last_error") else None

    role = eventually(failed)
    # PERMISSION_DENIED is only for callers of ecrkeeper.
    assert role.last_error.code == code_pb2.FAILED_PRECONDITION
    assert unpacked(role.last_error).reason == "AWS_ACCESS_DENIED"
    assert "iam:CreateServiceLinkedRole" in role.last_error.message
    assert "iam:AWSServiceName" in role.last_error.message
