"""The asynchronous deletion of service-linked roles."""

from __future__ import annotations

from typing import Any

from .conftest import ACCOUNT, Aws, rejection

ROLE = "AWSServiceRoleForECRReplication"
PRINCIPAL = "replication.ecr.amazonaws.com"
TO_WEST = {"rules": [{"destinations": [{"region": "us-west-2", "registryId": ACCOUNT}]}]}


def status(iam: Any, task: str) -> dict[str, Any]:
    """Return IAM's status of the task."""
    answer: dict[str, Any] = iam.get_service_linked_role_deletion_status(DeletionTaskId=task)
    return answer


def started_deletion(aws: Aws) -> tuple[Any, str]:
    """Create the role and begin to delete it."""
    iam = aws.client("iam")
    iam.create_service_linked_role(AWSServiceName=PRINCIPAL)
    return iam, iam.delete_service_linked_role(RoleName=ROLE)["DeletionTaskId"]


def test_repeated_call_names_the_unfinished_task(aws: Aws) -> None:
    iam, task = started_deletion(aws)
    assert iam.delete_service_linked_role(RoleName=ROLE)["DeletionTaskId"] == task


def test_role_exists_until_the_task_succeeds(aws: Aws) -> None:
    iam, task = started_deletion(aws)
    aws.advance(0.31)
    assert status(iam, task)["Status"] == "IN_PROGRESS"
    assert iam.get_role(RoleName=ROLE)["Role"]["RoleName"] == ROLE
    aws.advance(0.31)
    assert rejection(iam.get_role, RoleName=ROLE) == ("NoSuchEntity", f"The role with name {ROLE} cannot be found.")
    assert status(iam, task)["Status"] == "SUCCEEDED"


def test_deletion_fails_with_the_usage_of_every_region(aws: Aws) -> None:
    aws.seed(replicationConfiguration=TO_WEST)
    aws.seed(region="eu-west-1", replicationConfiguration=TO_WEST)
    iam, task = started_deletion(aws)
    aws.advance(1)
    answer = status(iam, task)
    assert answer["Status"] == "FAILED"
    assert [usage["Region"] for usage in answer["Reason"]["RoleUsageList"]] == ["eu-west-1", "us-east-1"]
    assert answer["Reason"]["RoleUsageList"][0]["Resources"] == [
        f"arn:aws:ecr:eu-west-1:{ACCOUNT}:replication-configuration"
    ]
    assert iam.get_role(RoleName=ROLE)


def test_new_task_starts_after_a_failed_one(aws: Aws) -> None:
    aws.seed(replicationConfiguration=TO_WEST)
    iam, task = started_deletion(aws)
    aws.advance(1)
    aws.seed(replicationConfiguration={"rules": []})
    repeated = iam.delete_service_linked_role(RoleName=ROLE)["DeletionTaskId"]
    assert repeated != task
    aws.advance(1)
    assert status(iam, repeated)["Status"] == "SUCCEEDED"


def test_usage_names_cache_rules_and_templates(aws: Aws) -> None:
    ecr, iam = aws.client("ecr"), aws.client("iam")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    ecr.create_repository_creation_template(prefix="team", appliedFor=["REPLICATION"])
    for role, resource in (
        ("AWSServiceRoleForECRPullThroughCache", "pull-through-cache-rule/quay"),
        ("AWSServiceRoleForECRTemplate", "repository-creation-template/team"),
    ):
        task = iam.delete_service_linked_role(RoleName=role)["DeletionTaskId"]
        aws.advance(1)
        usage = status(iam, task)["Reason"]["RoleUsageList"][0]
        assert usage["Resources"] == [f"arn:aws:ecr:us-east-1:{ACCOUNT}:{resource}"]


def test_usage_lags_when_configured(aws: Aws) -> None:
    aws.settings(usage_release_seconds=30)
    ecr = aws.client("ecr")
    ecr.put_replication_configuration(replicationConfiguration=TO_WEST)
    ecr.put_replication_configuration(replicationConfiguration={"rules": []})
    iam = aws.client("iam")
    task = iam.delete_service_linked_role(RoleName=ROLE)["DeletionTaskId"]
    aws.advance(1)
    assert status(iam, task)["Status"] == "FAILED"
    aws.advance(30)
    repeated = iam.delete_service_linked_role(RoleName=ROLE)["DeletionTaskId"]
    aws.advance(1)
    assert status(iam, repeated)["Status"] == "SUCCEEDED"


def test_deletion_of_missing_role_is_no_such_entity(aws: Aws) -> None:
    code, _ = rejection(aws.client("iam").delete_service_linked_role, RoleName=ROLE)
    assert code == "NoSuchEntity"


def test_task_record_can_vanish_after_success(aws: Aws) -> None:
    aws.settings(deletion_task_vanishes=True)
    iam, task = started_deletion(aws)
    aws.advance(1)
    assert rejection(iam.get_service_linked_role_deletion_status, DeletionTaskId=task)[0] == "NoSuchEntity"
    assert rejection(iam.get_role, RoleName=ROLE)[0] == "NoSuchEntity"


def test_deleted_role_is_readable_for_a_while(aws: Aws) -> None:
    aws.settings(iam_delete_lag_reads=1, iam_name_held_seconds=5)
    iam, task = started_deletion(aws)
    aws.advance(1)
    assert status(iam, task)["Status"] == "SUCCEEDED"
    assert iam.get_role(RoleName=ROLE)
    assert rejection(iam.get_role, RoleName=ROLE)[0] == "NoSuchEntity"
    assert "has been taken" in rejection(iam.create_service_linked_role, AWSServiceName=PRINCIPAL)[1]
    aws.advance(5)
    assert iam.create_service_linked_role(AWSServiceName=PRINCIPAL)


def test_manual_mode_advances_on_request_only(aws: Aws) -> None:
    aws.settings(deletion_mode="manual")
    iam, task = started_deletion(aws)
    aws.advance(60)
    assert status(iam, task)["Status"] == "NOT_STARTED"
    for expected in ("IN_PROGRESS", "SUCCEEDED"):
        moved = aws.control("POST", "deletions", {"account": ACCOUNT, "role_name": ROLE})["moved"]
        assert [move["status"] for move in moved] == [expected]
        assert status(iam, task)["Status"] == expected


def test_recreated_role_has_another_id(aws: Aws) -> None:
    iam, _ = started_deletion(aws)
    before = iam.get_role(RoleName=ROLE)["Role"]["RoleId"]
    aws.advance(1)
    after = iam.create_service_linked_role(AWSServiceName=PRINCIPAL)["Role"]["RoleId"]
    assert before.startswith("AROA")
    assert len(before) == 21
    assert before != after
