"""AWS's behavior over several calls, with boto3; see tests/cases/scenarios.py."""

from __future__ import annotations

import re

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, Aws

OTHER = "222222222222"
ROLE, SERVICE = "AWSServiceRoleForECRReplication", "replication.ecr.amazonaws.com"
# It names a repository of another Region than the replication's.
ELSEWHERE = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "repl",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
            "Resource": [f"arn:aws:ecr:us-east-1:{OTHER}:repository/*"],
        }
    ],
}


@pytest.mark.parametrize("policy", [None, ELSEWHERE], ids=["xacct-no-destination-policy", "xacct-policy-wrong-region"])
def test_replication_to_a_closed_registry_fails(aws: Aws, policy: dict[str, object] | None) -> None:
    ecr, destination = aws.client("ecr"), {"region": "us-west-2", "registryId": OTHER}
    if policy is not None:
        aws.seed(OTHER, "us-west-2", policyText=policy)
    ecr.put_replication_configuration(replicationConfiguration={"rules": [{"destinations": [destination]}]})
    job = ecr.start_replication_backfill(destination=destination)["replicationBackfillId"]
    aws.advance(0.31)
    ecr.list_replication_backfills()
    aws.advance(0.61)
    answer = ecr.describe_replication_backfill_results(replicationBackfillId=job)
    assert answer["status"] == "FAILED"
    assert {result["failureCode"] for result in answer["results"]} == {"DESTINATION_REGISTRY_ACCESS_DENIED"}


def test_repositories_have_effective_scanning(aws: Aws) -> None:
    filters = [{"filter": "prod*", "filterType": "WILDCARD"}]
    scanning = {"scanType": "BASIC", "rules": [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": filters}]}
    aws.seed(scanning=scanning, repositories=["prod-api", "dev-api"])
    answer = aws.client("ecr").batch_get_repository_scanning_configuration(repositoryNames=["prod-api", "dev-api"])
    by_repository = {each["repositoryName"]: each for each in answer["scanningConfigurations"]}
    assert by_repository["prod-api"]["scanFrequency"] == "SCAN_ON_PUSH"
    assert by_repository["prod-api"]["appliedScanFilters"] == filters
    assert by_repository["dev-api"]["scanFrequency"] == "MANUAL"


def test_unused_role_deletion_passes_its_states(aws: Aws) -> None:
    iam = aws.client("iam")
    iam.create_service_linked_role(AWSServiceName=SERVICE)
    task = iam.delete_service_linked_role(RoleName=ROLE)["DeletionTaskId"]
    assert re.fullmatch(rf"task/aws-service-role/{SERVICE}/{ROLE}/[0-9a-f-]{{36}}", task)
    states = []
    for _ in range(3):
        states.append(iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"])
        aws.advance(0.31)
    assert states == ["NOT_STARTED", "IN_PROGRESS", "SUCCEEDED"]
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=ROLE)


def test_creation_without_permission_is_denied(aws: Aws) -> None:
    aws.control("PUT", f"accounts/{ACCOUNT}", {"iam_policy": {"Version": "2012-10-17", "Statement": []}})
    with pytest.raises(ClientError) as caught:
        aws.client("iam", **aws.assume()).create_service_linked_role(AWSServiceName=SERVICE)
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    assert "iam:CreateServiceLinkedRole" in caught.value.response["Error"]["Message"]
