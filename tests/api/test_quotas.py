"""Exceeded quotas and conflicts: codes, details, and the client's exceptions."""

from __future__ import annotations

import json
from typing import Any

import ecrkeeper
import pytest
from grpc import StatusCode

from tests.e2e.live import Live, Place, fresh_account, rejection
from tests.harness import eventually

AT = "registry_settings.settings"


@pytest.fixture
def place(live: Live) -> Place:
    return live.registry(fresh_account())


def cached(count: int, first: int = 0) -> dict[str, Any]:
    prefixes = [f"p{i}" for i in range(first, first + count)]
    rules = [{"ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": "quay.io"} for prefix in prefixes]
    return {"pull_through_cache_rules": {"rules": rules}}


def replicated(destinations: int, first: int = 0, filters: int = 0, rules: int = 1) -> dict[str, Any]:
    """Return rules with separate destinations; each pair of rule and filter is new."""
    return {
        "replication_configuration": {
            "rules": [
                {
                    "destinations": [
                        {"region": "eu-west-1", "registryId": f"{222222222222 + first + at + rule}"}
                        for at in range(destinations)
                    ],
                    "repositoryFilters": [
                        {"filter": f"team-{rule}-{at}/", "filterType": "PREFIX_MATCH"} for at in range(filters)
                    ],
                }
                for rule in range(rules)
            ]
        }
    }


def excluded(count: int, first: int = 0) -> dict[str, Any]:
    names = [f"arn:aws:iam::111111111111:role/r{i}" for i in range(first, first + count)]
    return {"pull_time_update_exclusions": {"principalArns": names}}


def signed(count: int, first: int = 0) -> dict[str, Any]:
    arns = [f"arn:aws:signer:us-east-1:111111111111:/signing-profiles/p{i}x" for i in range(first, first + count)]
    return {"signing_configuration": {"rules": [{"signingProfileArn": arn} for arn in arns]}}


def templates(count: int) -> dict[str, Any]:
    prefixes = [{"prefix": f"t{i}", "appliedFor": ["REPLICATION"]} for i in range(count)]
    return {"repository_creation_templates": {"templates": prefixes}}


def policy(statements: int, first: int = 0) -> dict[str, Any]:
    texts = [
        {
            "Sid": f"S{at}", "Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "ecr:ReplicateImage",
            "Resource": f"arn:aws:ecr:us-east-1:*:repository/{'x' * 200}{at}",
        }
        for at in range(first, first + statements)
    ]  # fmt: skip
    return {"registry_policy": {"policyText": json.dumps({"Version": "2012-10-17", "Statement": texts})}}


def scanned_filters(frequency: str, count: int, first: int = 0) -> dict[str, Any]:
    filters = [{"filter": f"f{i}", "filterType": "WILDCARD"} for i in range(first, first + count)]
    return {"scanning_configuration": {"rules": [{"scanFrequency": frequency, "repositoryFilters": filters}]}}


def scanned(*frequencies: str, kind: str = "") -> dict[str, Any]:
    rules = [
        {"scanFrequency": each, "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}
        for each in frequencies
    ]
    return {"scanning_configuration": {"rules": rules, **({"scanType": kind} if kind else {})}}


# the other owner's declaration, this call's declaration, the quota, reason
USED_UP = [
    ({}, cached(51), "pull-through cache rules: 51", "one owner alone"),
    (cached(30), cached(21, 30), "pull-through cache rules: 51 over all owners (other 30, platform 21)", "together"),
    ({}, replicated(26), "replication destinations: 26", "one owner alone"),
    (replicated(20), replicated(6, 20), "replication destinations: 26 over all owners (other 20, platform 6)", "both"),
    ({}, replicated(1, rules=26, filters=1), "replication rules: 26", "one owner alone"),
    ({}, excluded(101), "pull-time update exclusions: 101", "one owner alone"),
    (excluded(60), excluded(41, 60), "pull-time update exclusions: 101 over all owners", "together"),
    ({}, signed(11), "signing rules: 11", "one owner alone"),
    (signed(6), signed(5, 6), "signing rules: 11 over all owners (other 6, platform 5)", "together"),
    ({}, templates(101), "repository creation templates: 101", "one owner alone"),
    ({}, policy(40), "registry policy characters: ", "one owner alone"),
    (policy(20), policy(20, 20), "registry policy characters: ", "together"),
    (
        scanned_filters("SCAN_ON_PUSH", 60), scanned_filters("SCAN_ON_PUSH", 60, 60),
        "SCAN_ON_PUSH filters: 120 over all owners (other 60, platform 60)", "together",
    ),
    ({}, scanned("SCAN_ON_PUSH", "MANUAL", "CONTINUOUS_SCAN"), "scanning rules: 3", "one owner alone"),
]  # fmt: skip


@pytest.mark.parametrize("validate_only", [False, True], ids=["write", "plan"])
@pytest.mark.parametrize(
    ("other", "own", "quota", "reason"), USED_UP, ids=[f"{row[2].partition(':')[0]}-{row[3]}" for row in USED_UP]
)
def test_exceeded_quota_has_no_retry_delay(
    place: Place, other: dict[str, Any], own: dict[str, Any], quota: str, reason: str, validate_only: bool
) -> None:
    if other:
        place.apply(other, "other")
    error = rejection(StatusCode.RESOURCE_EXHAUSTED, place.apply, own, validate_only=validate_only)
    assert isinstance(error, ecrkeeper.ResourceExhausted)
    assert error.reason == "QUOTA_EXCEEDED", reason
    (violation,) = error.violations
    assert violation.subject.startswith(f"{AT}.{next(iter(own))}")
    assert violation.description.startswith(quota), violation
    assert "AWS allows" in violation.description
    assert error.retry_after is None


def test_field_violations_precede_quota_violations(place: Place) -> None:
    bad = {"account_settings": {"settings": [{"name": "SPEED", "value": "ON"}]}}
    error = rejection(StatusCode.INVALID_ARGUMENT, place.apply, {**replicated(26), **bad})
    assert isinstance(error, ecrkeeper.InvalidArgument)
    assert [v.field for v in error.violations] == [f"{AT}.account_settings.settings[0].name"]
    assert [q.description for q in error.quota_violations] == ["replication destinations: 26, and AWS allows 25"]


def test_contradiction_with_other_owner_is_failed_precondition(place: Place) -> None:
    place.apply(scanned(kind="BASIC"), "other")
    error = rejection(StatusCode.FAILED_PRECONDITION, place.apply, scanned("CONTINUOUS_SCAN"))
    assert isinstance(error, ecrkeeper.FailedPrecondition)
    assert (error.reason, error.metadata["owners"]) == ("OWNER_CONFLICT", "other")
    (violation,) = error.violations
    assert violation.type == "OWNER_CONFLICT" and violation.description.startswith("other: CONTINUOUS_SCAN requires")


def test_removing_other_owners_requirement_is_failed_precondition(place: Place) -> None:
    place.apply(scanned(kind="ENHANCED"))
    place.apply(scanned("CONTINUOUS_SCAN"), "other")
    error = rejection(StatusCode.FAILED_PRECONDITION, place.apply, scanned())
    assert (error.reason, error.metadata["owners"]) == ("OWNER_CONFLICT", "other")


def test_contradiction_within_declaration_is_invalid_argument(place: Place) -> None:
    error = rejection(StatusCode.INVALID_ARGUMENT, place.apply, scanned("CONTINUOUS_SCAN"))
    assert [v.field for v in getattr(error, "violations", ())] == [f"{AT}.scanning_configuration"]


def test_own_violations_precede_conflicts(place: Place) -> None:
    place.apply({**cached(1), **scanned("MANUAL")}, "other")
    own = cached(1)
    own["pull_through_cache_rules"]["rules"][0]["upstreamRegistryUrl"] = "public.ecr.aws"
    rejection(StatusCode.FAILED_PRECONDITION, place.apply, own)
    error = rejection(StatusCode.INVALID_ARGUMENT, place.apply, {**own, **scanned("CONTINUOUS_SCAN")})
    assert error.reason == "INVALID_FIELDS"


def test_quota_violation_names_contributing_owners(place: Place) -> None:
    place.apply(scanned_filters("MANUAL", 3), "third")
    place.apply(scanned_filters("SCAN_ON_PUSH", 60), "other")
    error = rejection(StatusCode.RESOURCE_EXHAUSTED, place.apply, scanned_filters("SCAN_ON_PUSH", 60, 60))
    (violation,) = error.quota_violations
    assert (
        violation.description == "SCAN_ON_PUSH filters: 120 over all owners (other 60, platform 60), and AWS allows 100"
    )


def test_force_keeps_other_owners_requirements(place: Place) -> None:
    place.apply(scanned("CONTINUOUS_SCAN", kind="ENHANCED"), "other")
    error = rejection(StatusCode.FAILED_PRECONDITION, place.apply, scanned(kind="BASIC"), force=True)
    assert (error.reason, error.metadata["owners"]) == ("OWNER_CONFLICT", "other")
    assert "CONTINUOUS_SCAN requires scan type ENHANCED" in error.message


def test_quota_error_of_aws_keeps_its_message(place: Place, live: Live) -> None:
    fault = {
        "kind": "error", "operation": "CreatePullThroughCacheRule", "account": place.account, "status": 400,
        "code": "LimitExceededException", "message": "The maximum number of 50 pull through cache rules was reached",
    }  # fmt: skip
    live.aws.control("POST", "faults", [fault])
    place.apply(cached(1))
    registry = eventually(lambda: current if (current := place.read()).HasField("last_error") else None, 10.0)
    with pytest.raises(ecrkeeper.OperationFailed) as caught:
        live.client.wait_until_synced(place.name, timeout=10)
    assert (caught.value.code, caught.value.reason) == (StatusCode.RESOURCE_EXHAUSTED, "AWS_QUOTA_EXCEEDED")
    assert registry.last_error.code == StatusCode.RESOURCE_EXHAUSTED.value[0]
    assert caught.value.quota_violations == (
        ecrkeeper.QuotaViolation(
            "ecr:CreatePullThroughCacheRule", "The maximum number of 50 pull through cache rules was reached"
        ),
    )
    assert caught.value.retry_after is None


MISSING = "6f0e2d4c-8a1b-4c3d-9e5f-7a6b5c4d3e2f"


def test_missing_aws_resource_is_not_found_in_all_calls(place: Place, live: Live) -> None:
    client, backfill = live.client, f"{place.name}/replicationBackfills/{MISSING}"
    calls: list[tuple[Any, str]] = [
        (lambda: client.stop_replication_backfill(backfill), backfill),
        (lambda: list(client.list_replication_backfill_results(backfill)), backfill),
        (lambda: client.get_replication_backfill(backfill), backfill),
        (lambda: client.validate_pull_through_cache_rule(place.name, "nothing"), f"{place.name} nothing"),
    ]
    for call, resource in calls:
        error = rejection(StatusCode.NOT_FOUND, call)
        assert isinstance(error, ecrkeeper.NotFound)
        assert error.resource == resource
        assert error.retry_after is None
