"""Errors for documents that AWS rejects, and warnings about unknown Regions."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest

from tests.e2e.live import Live, Place, fields_of, fresh_account, rejection

CODE = grpc.StatusCode
AT = "registry_settings.settings"
EXPIRE = {"type": "expire"}
COUNT = {"countType": "imageCountMoreThan", "countNumber": 10}
AGE = {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7}


@pytest.fixture
def place(live: Live) -> Place:
    return live.registry(fresh_account())


def templates(**members: Any) -> dict[str, Any]:
    documents = {name: json.dumps(document) for name, document in members.items()}
    one = {"prefix": "lc", "appliedFor": ["PULL_THROUGH_CACHE"], **documents}
    return {"repository_creation_templates": {"templates": [one]}}


def lifecycle(*rules: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    numbered = enumerate(rules, 1)
    return templates(
        lifecyclePolicy={"rules": [{"rulePriority": i, "selection": s, "action": a} for i, (s, a) in numbered]}
    )


def policy(**members: Any) -> dict[str, Any]:
    statement = {"Sid": "X", "Effect": "Allow", "Principal": "*", "Action": "ecr:ReplicateImage", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": {**statement, **members}}
    return {"registry_policy": {"policyText": json.dumps(document)}}


REJECTED: list[tuple[dict[str, Any], str, str]] = [
    (
        lifecycle(({"tagStatus": "any", **COUNT}, EXPIRE), ({"tagStatus": "untagged", **AGE}, EXPIRE)),
        "repository_creation_templates.templates[0].lifecycle_policy",
        "any is not last",
    ),
    (
        lifecycle(({"tagStatus": "untagged", **AGE}, {**EXPIRE, "targetStorageClass": None})),
        "repository_creation_templates.templates[0].lifecycle_policy",
        "a member is null",
    ),
    (
        lifecycle(({"tagStatus": "any", **AGE, "countType": "sinceImagePulled"}, EXPIRE)),
        "repository_creation_templates.templates[0].lifecycle_policy",
        "images that nobody pulls cannot expire",
    ),
    (
        templates(
            repositoryPolicy={
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage", "Resource": "*"}],
            }
        ),
        "repository_creation_templates.templates[0].repository_policy.Statement[0]",
        "a repository policy has no resource",
    ),
    (
        policy(Principal={"AWS": "arn:aws:iam::222222222222:*"}),
        "registry_policy.policy_text.Statement[0].Principal.AWS",
        "all of an account",
    ),
    (
        policy(Principal={"AWS": "arn:aws:iam::*:root"}),
        "registry_policy.policy_text.Statement[0].Principal.AWS",
        "all accounts",
    ),
    (
        policy(Condition={"StringEqual": {"aws:PrincipalOrgID": "o-abc"}}),
        "registry_policy.policy_text.Statement[0].Condition.StringEqual",
        "no such operator",
    ),
]


@pytest.mark.parametrize("validate_only", [False, True], ids=["write", "plan"])
@pytest.mark.parametrize(("settings", "field", "reason"), REJECTED)
def test_declaration_that_aws_rejects_is_rejected(
    place: Place, settings: dict[str, Any], field: str, reason: str, validate_only: bool
) -> None:
    error = rejection(CODE.INVALID_ARGUMENT, place.apply, settings, validate_only=validate_only)
    assert fields_of(error) == [f"{AT}.{field}"], reason


def test_secret_for_public_upstream_is_rejected(place: Place) -> None:
    secret = f"arn:aws:secretsmanager:{place.region}:{place.account}:secret:ecr-pullthroughcache/quay-AbCdEf"
    rule = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io", "credentialArn": secret}
    error = rejection(CODE.INVALID_ARGUMENT, place.apply, {"pull_through_cache_rules": {"rules": [rule]}})
    assert fields_of(error) == [f"{AT}.pull_through_cache_rules.rules[0].credential_arn"]


def test_plan_warns_of_unknown_ecr_action(place: Place) -> None:
    one_account = {"AWS": "222222222222"}
    settings = policy(Action=["ecr:ReplicateImage", "ecr:PullImage"], Principal=one_account)
    planned = place.apply(settings, validate_only=True).plan
    assert [(w.reason, w.subject) for w in planned.warnings] == [("POLICY_ACTION_UNKNOWN", "X")]
    assert "'ecr:PullImage'" in planned.warnings[0].message
    assert [call.operation for call in planned.calls] == ["PutRegistryPolicy"]


QUAY = {"pull_through_cache_rules": {"rules": [{"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}]}}


def test_plan_warns_of_registry_in_unknown_region(live: Live) -> None:
    place = live.registry(fresh_account(), "us-east-9")
    planned = place.apply(QUAY, validate_only=True).plan
    assert [(w.reason, w.subject) for w in planned.warnings] == [
        ("REGION_UNKNOWN", "us-east-9"),
        ("REGION_NOT_ENABLED", place.name),
    ]
    assert not planned.calls


def test_plan_for_unknown_region_has_calls_and_warning(live: Live) -> None:
    place = live.registry(fresh_account(), "us-east-9")
    live.aws.control("PUT", f"accounts/{place.account}", {"enabled_regions": ["us-east-1", "us-east-9"]})
    planned = place.apply(QUAY, validate_only=True).plan
    assert [w.reason for w in planned.warnings] == ["REGION_UNKNOWN"]
    assert [call.operation for call in planned.calls] == ["CreatePullThroughCacheRule"]


@pytest.mark.parametrize("call", ["plan", "refresh", "import"])
def test_plan_names_disabled_region(live: Live, call: str) -> None:
    place = live.registry(fresh_account(), "me-south-1")
    calls = {
        "plan": lambda: place.apply(QUAY, validate_only=True),
        "refresh": lambda: place.read(refresh=True),
        "import": lambda: live.client.import_registry_settings(place.name, "platform"),
    }
    error = rejection(CODE.FAILED_PRECONDITION, calls[call])
    assert error.reason == "REGION_NOT_ENABLED"
    assert "aws account enable-region --region-name me-south-1" in str(error)
