"""IAM roles: shapes, wording, look-alikes, tags, lists and eventual consistency."""

from __future__ import annotations

import json

from .conftest import ACCOUNT, Aws, rejection

ROLE = "AWSServiceRoleForECRReplication"
PRINCIPAL = "replication.ecr.amazonaws.com"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


def test_new_role_has_neither_description_nor_tags(aws: Aws) -> None:
    iam = aws.client("iam")
    iam.create_service_linked_role(AWSServiceName=PRINCIPAL)
    role = iam.get_role(RoleName=ROLE)["Role"]
    assert "Description" not in role
    assert "Tags" not in role
    assert role["RoleLastUsed"] == {}
    assert role["MaxSessionDuration"] == 3600
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Action"] == "sts:AssumeRole"


def test_second_creation_reports_name_in_use(aws: Aws) -> None:
    iam = aws.client("iam")
    iam.create_service_linked_role(AWSServiceName=PRINCIPAL)
    assert rejection(iam.create_service_linked_role, AWSServiceName=PRINCIPAL) == (
        "InvalidInput",
        f"Service role name {ROLE} has been taken in this account, please try a different suffix.",
    )


def test_custom_suffix_is_rejected(aws: Aws) -> None:
    answer = rejection(aws.client("iam").create_service_linked_role, AWSServiceName=PRINCIPAL, CustomSuffix="x")
    assert answer == ("InvalidInput", f"Custom suffix is not allowed for {PRINCIPAL}")


def test_unknown_service_principal_is_access_denied(aws: Aws) -> None:
    principal = "nothing.ecr.amazonaws.com"
    answer = rejection(aws.client("iam").create_service_linked_role, AWSServiceName=principal)
    assert answer == ("AccessDenied", f"{principal} is not a valid AWS service name (Service Principal)")


def test_role_arns_have_their_partition(aws: Aws) -> None:
    iam = aws.client("iam", region="cn-north-1")
    arn = iam.create_service_linked_role(AWSServiceName=PRINCIPAL)["Role"]["Arn"]
    assert arn == f"arn:aws-cn:iam::{ACCOUNT}:role/aws-service-role/{PRINCIPAL}/{ROLE}"
    policies = iam.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"]
    assert policies[0]["PolicyArn"] == "arn:aws-cn:iam::aws:policy/aws-service-role/ECRReplicationServiceRolePolicy"


def test_description_of_a_linked_role_can_change_and_be_cleared(aws: Aws) -> None:
    iam = aws.client("iam")
    iam.create_service_linked_role(AWSServiceName=PRINCIPAL, Description="one")
    iam.update_role(RoleName=ROLE, Description="two & <three>")
    assert iam.get_role(RoleName=ROLE)["Role"]["Description"] == "two & <three>"
    assert "Description" not in iam.update_role_description(RoleName=ROLE, Description="")["Role"]


def test_linked_role_rejects_other_changes(aws: Aws) -> None:
    iam = aws.client("iam")
    iam.create_service_linked_role(AWSServiceName=PRINCIPAL)
    wording = (
        "UnmodifiableEntity",
        f"Cannot perform the operation on the protected role '{ROLE}' - this role is only modifiable by AWS",
    )
    assert rejection(iam.delete_role, RoleName=ROLE) == wording
    assert rejection(iam.update_role, RoleName=ROLE, MaxSessionDuration=7200) == wording


def test_lookalike_occupies_name_in_any_case_and_path(aws: Aws) -> None:
    iam = aws.client("iam")
    iam.create_role(RoleName=ROLE.lower(), Path="/mine/", AssumeRolePolicyDocument=TRUST)
    assert iam.get_role(RoleName=ROLE)["Role"]["Path"] == "/mine/"
    assert "has been taken" in rejection(iam.create_service_linked_role, AWSServiceName=PRINCIPAL)[1]
    assert rejection(iam.delete_service_linked_role, RoleName=ROLE)[0] == "InvalidInput"
    iam.delete_role(RoleName=ROLE)
    assert iam.create_service_linked_role(AWSServiceName=PRINCIPAL)


def test_tags_are_added_changed_removed_and_limited(aws: Aws) -> None:
    iam = aws.client("iam")
    iam.create_service_linked_role(AWSServiceName=PRINCIPAL)
    iam.tag_role(RoleName=ROLE, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
    iam.tag_role(RoleName=ROLE, Tags=[{"Key": "a", "Value": "2"}])
    iam.untag_role(RoleName=ROLE, TagKeys=["b", "never"])
    assert iam.list_role_tags(RoleName=ROLE)["Tags"] == [{"Key": "a", "Value": "2"}]
    assert iam.get_role(RoleName=ROLE)["Role"]["Tags"] == [{"Key": "a", "Value": "2"}]
    many = [{"Key": f"k{i}", "Value": ""} for i in range(50)]
    assert rejection(iam.tag_role, RoleName=ROLE, Tags=many)[0] == "LimitExceeded"
    twice = [{"Key": "x", "Value": ""}, {"Key": "X", "Value": ""}]
    assert rejection(iam.tag_role, RoleName=ROLE, Tags=twice)[0] == "InvalidInput"


def test_list_roles_pages_and_filters_by_path(aws: Aws) -> None:
    iam = aws.client("iam")
    for index in range(7):
        iam.create_role(RoleName=f"role-{index}", Path="/team/", AssumeRolePolicyDocument=TRUST)
    for principal in (PRINCIPAL, "ecr.amazonaws.com", "pullthroughcache.ecr.amazonaws.com"):
        iam.create_service_linked_role(AWSServiceName=principal)
    pages = list(iam.get_paginator("list_roles").paginate(PathPrefix="/team/", PaginationConfig={"PageSize": 3}))
    assert [len(page["Roles"]) for page in pages] == [3, 3, 1]
    assert [page["IsTruncated"] for page in pages] == [True, True, False]
    assert len(iam.list_roles(PathPrefix="/aws-service-role/")["Roles"]) == 3
    assert len(iam.list_roles(PathPrefix="/aws-service-role/ecr.amazonaws.com/")["Roles"]) == 1


def test_created_role_may_be_invisible_at_first(aws: Aws) -> None:
    aws.settings(iam_create_lag_reads=2, iam_create_lag_seconds=3)
    iam = aws.client("iam")
    iam.create_service_linked_role(AWSServiceName=PRINCIPAL)
    for _ in range(2):
        assert rejection(iam.get_role, RoleName=ROLE)[0] == "NoSuchEntity"
    assert rejection(iam.get_role, RoleName=ROLE)[0] == "NoSuchEntity"
    assert "has been taken" in rejection(iam.create_service_linked_role, AWSServiceName=PRINCIPAL)[1]
    aws.advance(3)
    assert iam.get_role(RoleName=ROLE)
