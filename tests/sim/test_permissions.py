"""The account's IAM policy, enforced for assumed roles."""

from __future__ import annotations

import json
from typing import Any

from .conftest import ACCOUNT, Aws, rejection

PRINCIPAL = "replication.ecr.amazonaws.com"
TO_WEST = {"rules": [{"destinations": [{"region": "us-west-2", "registryId": ACCOUNT}]}]}


def allow(aws: Aws, *statements: dict[str, Any]) -> dict[str, Any]:
    """Attach the statements to the account's roles, and return a session."""
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", **s} for s in statements]}
    aws.control("PUT", f"accounts/{ACCOUNT}", {"iam_policy": document})
    return aws.assume()


def denied(service: str, action: str, resource: str) -> tuple[str, str]:
    """Return AWS's answer to a denied action."""
    return (
        "AccessDenied" if service == "iam" else "AccessDeniedException",
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/keeper/test is not authorized to perform: {action} on resource: "
        f"{resource} because no identity-based policy allows the {action} action",
    )


def test_implicit_denial_has_aws_wording(aws: Aws) -> None:
    session = allow(aws, {"Action": "ecr:Describe*"})
    ecr = aws.client("ecr", **session)
    assert ecr.describe_registry()
    assert rejection(ecr.get_registry_policy) == denied("ecr", "ecr:GetRegistryPolicy", "*")
    arn = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{PRINCIPAL}/AWSServiceRoleForECRReplication"
    rejected = rejection(aws.client("iam", **session).get_role, RoleName="AWSServiceRoleForECRReplication")
    assert rejected == denied("iam", "iam:GetRole", arn)
    assert aws.client("sts", **session).get_caller_identity()


def test_plain_keys_of_the_account_are_not_restricted(aws: Aws) -> None:
    allow(aws)
    assert aws.client("ecr").describe_registry()


def test_automatic_role_creation_requires_permission(aws: Aws) -> None:
    statement = {"Action": "iam:CreateServiceLinkedRole"}
    wrong = {"Condition": {"StringEquals": {"iam:AWSServiceName": ["ecr.amazonaws.com"]}}}
    right = {"Condition": {"StringEquals": {"iam:AWSServiceName": [PRINCIPAL, "ecr.amazonaws.com"]}}}
    put = {"Action": "ecr:PutReplicationConfiguration"}
    ecr = aws.client("ecr", **allow(aws, put, {**statement, **wrong}))
    code, message = rejection(ecr.put_replication_configuration, replicationConfiguration=TO_WEST)
    assert code == "AccessDeniedException"
    assert "iam:CreateServiceLinkedRole" in message
    assert aws.client("ecr").describe_registry()["replicationConfiguration"] == {"rules": []}
    ecr = aws.client("ecr", **allow(aws, put, {**statement, **right}))
    assert ecr.put_replication_configuration(replicationConfiguration=TO_WEST)
    ecr = aws.client("ecr", **allow(aws, put))
    assert ecr.put_replication_configuration(replicationConfiguration=TO_WEST)


def test_conditions_restrict_region_and_setting(aws: Aws) -> None:
    session = allow(
        aws,
        {"Action": "ecr:DescribeRegistry", "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}},
        {"Action": "ecr:GetAccountSetting", "Condition": {"StringEquals": {"ecr:AccountSetting": "BLOB_MOUNTING"}}},
    )
    ecr = aws.client("ecr", **session)
    assert ecr.describe_registry()
    assert rejection(aws.client("ecr", "eu-west-1", **session).describe_registry)[0] == "AccessDeniedException"
    assert ecr.get_account_setting(name="BLOB_MOUNTING")
    assert rejection(ecr.get_account_setting, name="REGISTRY_POLICY_SCOPE")[0] == "AccessDeniedException"


def test_deny_wins(aws: Aws) -> None:
    session = allow(aws, {"Action": "*"}, {"Effect": "Deny", "Action": "ecr:PutRegistryPolicy"})
    _, message = rejection(aws.client("ecr", **session).put_registry_policy, policyText="{}")
    assert message.endswith("with an explicit deny in an identity-based policy")


def test_rules_and_templates_require_dependent_permissions(aws: Aws) -> None:
    secret = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:ecr-pullthroughcache/hub-AbCdEf"
    role = f"arn:aws:iam::{ACCOUNT}:role/custom"
    aws.seed(secrets=[{"name": "ecr-pullthroughcache/hub", "arn": secret}])
    ecr = aws.client("ecr", **allow(aws, {"Action": ["ecr:*PullThrough*", "ecr:*Template"]}))
    rule = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io", "credentialArn": secret}
    rejected = rejection(ecr.create_pull_through_cache_rule, **rule)
    assert rejected == denied("ecr", "secretsmanager:GetSecretValue", secret)
    template = {"prefix": "team", "appliedFor": ["REPLICATION"]}
    assert "iam:PassRole" in rejection(ecr.create_repository_creation_template, **template, customRoleArn=role)[1]
    assert "ecr:CreateRepository" in rejection(ecr.create_repository_creation_template, **template)[1]


def test_v2_registry_policy_with_deny_locks_out_callers(aws: Aws) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "ecr:Describe*", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.seed(policyText=text)
    ecr = aws.client("ecr")
    assert rejection(ecr.describe_registry)[0] == "AccessDeniedException"
    assert ecr.delete_registry_policy()
    aws.seed(policyText=text, scope="V1")
    assert ecr.describe_registry()
