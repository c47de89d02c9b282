"""The tables of AWS's answers, with the simulator and boto3."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cases.aws_answers import ACCEPTED, REJECTED
from tests.cases.rows import AwsAccepts, AwsRejects, ids, plain

from .conftest import Aws

REPLICATION = "replication.ecr.amazonaws.com"
# Members of answers that are not state; members of roles that differ with each creation.
VOLATILE = {"ResponseMetadata", "RoleId", "CreateDate", "AssumeRolePolicyDocument", "RoleLastUsed"}


def prepare(aws: Aws, case: AwsAccepts | AwsRejects) -> None:
    if case.existing:
        aws.seed(**case.existing)
    if case.call == "iam:TagRole":
        aws.client("iam").create_service_linked_role(AWSServiceName=REPLICATION)


def call(aws: Aws, case: AwsAccepts | AwsRejects) -> Any:
    service, _, operation = case.call.rpartition(":")
    method = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).lower()
    return getattr(aws.client(service or "ecr"), method)(**case.params)


def read(aws: Aws, case: AwsAccepts) -> dict[str, Any]:
    """Return the answer of the reading call, and a list's only element."""
    if case.read == "get_role":
        return role(aws, case)
    answer: dict[str, Any] = getattr(aws.client("ecr"), case.read)()
    for collection in ("pullThroughCacheRules", "repositoryCreationTemplates"):
        if collection in answer:
            (answer,) = answer[collection]
    return dict(plain(plain(answer)["policyText"] if case.read == "get_registry_policy" else answer))


def role(aws: Aws, case: AwsAccepts) -> dict[str, Any]:
    iam = aws.client("iam")
    principal = case.params.get("AWSServiceName", REPLICATION)
    (listed,) = iam.list_roles(PathPrefix=f"/aws-service-role/{principal}/")["Roles"]
    current: dict[str, Any] = iam.get_role(RoleName=listed["RoleName"])["Role"]
    attached = iam.list_attached_role_policies(RoleName=current["RoleName"])["AttachedPolicies"]
    current["AttachedPolicies"] = [policy["PolicyName"] for policy in attached]
    current["AssumeRolePrincipal"] = current["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
    return current


@pytest.mark.parametrize("case", REJECTED, ids=ids(REJECTED))
def test_call_is_rejected_with_exact_error(aws: Aws, case: AwsRejects) -> None:
    prepare(aws, case)
    with pytest.raises(ClientError) as caught:
        call(aws, case)
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == (case.code, case.message)
    assert bool(aws.requests()[-1]["model_violations"]) is case.of_model


@pytest.mark.parametrize("case", ACCEPTED, ids=ids(ACCEPTED))
def test_call_leaves_exact_state(aws: Aws, case: AwsAccepts) -> None:
    prepare(aws, case)
    call(aws, case)
    state = read(aws, case)
    assert {name: value for name, value in state.items() if name not in VOLATILE} == case.answer
