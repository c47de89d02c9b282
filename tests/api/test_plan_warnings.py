"""Warnings of plans about settings that AWS accepts but that do not work."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from tests.e2e.live import Live, Place, fresh_account

HUB = {"ecrRepositoryPrefix": "hub-proxy", "upstreamRegistryUrl": "public.ecr.aws"}
TEMPLATE = {"prefix": "hub", "appliedFor": ["PULL_THROUGH_CACHE"]}


@pytest.fixture
def place(live: Live) -> Place:
    return live.registry(fresh_account())


def warnings(place: Place, **settings: Any) -> list[tuple[str, str]]:
    planned = place.apply(settings, validate_only=True).plan
    return [(warning.reason, warning.subject) for warning in planned.warnings]


def test_plan_says_how_long_the_rate_limits_make_it(place: Place) -> None:
    def least(count: int) -> float:
        arns = [f"arn:aws:iam::{place.account}:role/r{at}" for at in range(count)]
        planned = place.apply({"pull_time_update_exclusions": {"principalArns": arns}}, validate_only=True).plan
        return float(planned.least_duration.ToTimedelta().total_seconds())

    assert least(20) == 0
    assert least(21) == pytest.approx(0.2)
    assert least(100) == pytest.approx(16.0)


def iam(place: Place) -> Any:
    return boto3.client(
        "iam", region_name=place.region, endpoint_url=place.live.aws.url, aws_access_key_id=place.account,
        aws_secret_access_key="any",
    )  # fmt: skip


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_template_without_cache_rule_has_warning(place: Place) -> None:
    both = {
        "pull_through_cache_rules": {"rules": [HUB]},
        "repository_creation_templates": {"templates": [TEMPLATE]},
    }
    assert warnings(place, **both) == [("TEMPLATE_NEVER_APPLIES", "hub")]
    alone = both["repository_creation_templates"]
    place.seed(pullThroughCacheRules=[HUB])
    assert warnings(place, repository_creation_templates=alone) == [("TEMPLATE_NEVER_APPLIES", "hub")]
    place.seed(pullThroughCacheRules=[{**HUB, "ecrRepositoryPrefix": "hub"}])
    assert warnings(place, repository_creation_templates=alone) == []


def test_signing_with_cache_rule_of_any_owner_has_warning(place: Place) -> None:
    place.seed(pullThroughCacheRules=[HUB])
    profile = f"arn:aws:signer:{place.region}:{place.account}:/signing-profiles/release"
    signing = {"rules": [{"signingProfileArn": profile}]}
    assert warnings(place, signing_configuration=signing) == [("SIGNING_SKIPS_CACHED_IMAGES", "hub-proxy")]


def test_root_cache_rule_has_warning(place: Place) -> None:
    rules = {"rules": [{**HUB, "ecrRepositoryPrefix": "ROOT"}]}
    assert warnings(place, pull_through_cache_rules=rules) == [("CACHE_RULE_ROOT", "ROOT")]


def test_statement_open_to_all_accounts_has_warning(place: Place) -> None:
    resource = f"arn:aws:ecr:{place.region}:{place.account}:repository/*"
    statement = {
        "Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "ecr:ReplicateImage", "Resource": resource
    }  # fmt: skip
    bounded = {**statement, "Sid": "Org", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}}
    policy = {"policyText": json.dumps({"Version": "2012-10-17", "Statement": [statement, bounded]})}
    assert warnings(place, registry_policy=policy) == [("POLICY_OPEN_TO_ALL_ACCOUNTS", "All")]


def test_missing_or_untrusting_custom_role_has_warning(place: Place) -> None:
    arn = f"arn:aws:iam::{place.account}:role/ecr-custom/template"
    template = {"prefix": "team", "appliedFor": ["CREATE_ON_PUSH"], "customRoleArn": arn}
    declared = {"repository_creation_templates": {"templates": [template]}}
    assert warnings(place, **declared) == [("CUSTOM_ROLE_MISSING", "team")]
    client = iam(place)
    client.create_role(
        RoleName="template", Path="/ecr-custom/", AssumeRolePolicyDocument=trust("pullthroughcache.ecr.amazonaws.com")
    )
    assert warnings(place, **declared) == [("CUSTOM_ROLE_UNTRUSTED", "team")]
    client.delete_role(RoleName="template")
    client.create_role(RoleName="template", Path="/ecr-custom/", AssumeRolePolicyDocument=trust("ecr.amazonaws.com"))
    assert warnings(place, **declared) == []


def test_forbidden_custom_role_has_no_warning(place: Place) -> None:
    allowed = {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}
    place.live.aws.control("PUT", f"accounts/{place.account}", {"iam_policy": {"Statement": [allowed]}})
    template = {
        "prefix": "team", "appliedFor": ["CREATE_ON_PUSH"],
        "customRoleArn": f"arn:aws:iam::{place.account}:role/ecr-custom/template",
    }  # fmt: skip
    assert warnings(place, repository_creation_templates={"templates": [template]}) == []


def test_unreadable_custom_role_is_reported_as_unread(place: Place) -> None:
    aws = place.live.aws
    fault = {"kind": "error", "account": place.account, "operation": "GetRole", "code": "ServiceFailure"}
    aws.control("POST", "faults", {**fault, "status": 500, "message": "not now"})
    arn = f"arn:aws:iam::{place.account}:role/ecr-custom/template"
    template = {"prefix": "team", "appliedFor": ["CREATE_ON_PUSH"], "customRoleArn": arn}
    try:
        listed = warnings(place, repository_creation_templates={"templates": [template]})
    finally:
        aws.control("DELETE", "faults")
    assert listed == [("AWS_UNAVAILABLE", arn)]


def test_plan_advice_requires_no_extra_permission(place: Place) -> None:
    allowed = ["ecr:DescribeRepositoryCreationTemplates"]
    policy = {"Statement": [{"Effect": "Allow", "Action": allowed, "Resource": "*"}]}
    place.live.aws.control("PUT", f"accounts/{place.account}", {"iam_policy": policy})
    planned = place.apply({"repository_creation_templates": {"templates": [TEMPLATE]}}, validate_only=True).plan
    assert [call.operation for call in planned.calls] == ["CreateRepositoryCreationTemplate"]
    assert not planned.warnings
