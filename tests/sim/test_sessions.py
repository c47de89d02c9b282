"""Accounts, Regions, sessions and their isolation."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from .conftest import ACCOUNT, Aws, rejection

OTHER = "222222222222"
INVALID = "The security token included in the request is invalid."


@pytest.mark.parametrize(("key", "account"), [(OTHER, OTHER), ("AKIATEST", "000000000000"), ("test", "000000000000")])
def test_access_key_determines_account(aws: Aws, key: str, account: str) -> None:
    identity = aws.client("sts", key=key).get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (account, f"arn:aws:iam::{account}:root")


def test_assumed_role_acts_in_its_account(aws: Aws) -> None:
    session = aws.assume(OTHER)
    identity = aws.client("sts", **session).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{OTHER}:assumed-role/keeper/test"
    assert identity["UserId"].endswith(":test")
    assert aws.client("ecr", **session).describe_registry()["registryId"] == OTHER


def test_accounts_and_regions_are_isolated(aws: Aws) -> None:
    aws.client("ecr").create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    for region, key in (("eu-west-1", ACCOUNT), ("us-east-1", OTHER)):
        assert aws.client("ecr", region, key).describe_pull_through_cache_rules()["pullThroughCacheRules"] == []
    assert len(aws.client("iam", "eu-west-1").list_roles()["Roles"]) == 1
    assert aws.client("iam", key=OTHER).list_roles()["Roles"] == []


def test_session_key_requires_its_token(aws: Aws) -> None:
    session = aws.assume()
    assert rejection(aws.client("ecr", key=session["key"]).describe_registry) == (
        "UnrecognizedClientException",
        INVALID,
    )
    assert rejection(aws.client("iam", key=session["key"]).list_roles) == ("InvalidClientTokenId", INVALID)
    other = aws.assume()
    assert rejection(aws.client("ecr", key=session["key"], token=other["token"]).describe_registry)[1] == INVALID


def test_session_expires(aws: Aws) -> None:
    session, short = aws.assume(), aws.assume(DurationSeconds=900)
    aws.advance(901)
    assert aws.client("ecr", **session).describe_registry()
    assert rejection(aws.client("ecr", **short).describe_registry)[0] == "ExpiredTokenException"
    aws.advance(2700)
    assert rejection(aws.client("ecr", **session).describe_registry)[0] == "ExpiredTokenException"
    assert rejection(aws.client("iam", **session).list_roles)[0] == "ExpiredToken"


def test_session_survives_a_reset(aws: Aws) -> None:
    session = aws.assume()
    aws.control("POST", "reset")
    assert aws.client("ecr", **session).describe_registry()["registryId"] == ACCOUNT


def test_denied_account_cannot_be_assumed(aws: Aws) -> None:
    aws.control("PUT", f"accounts/{OTHER}", {"denied": True})
    arn = f"arn:aws:iam::{OTHER}:role/keeper"
    assert rejection(aws.client("sts").assume_role, RoleArn=arn, RoleSessionName="test") == (
        "AccessDenied",
        f"User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: sts:AssumeRole on resource: {arn}",
    )


@pytest.mark.parametrize("arn", ["arn:aws:iam::1:role/keeper-of-many", "arn:aws:iam::222222222222:user/somebody"])
def test_malformed_role_arn_is_a_validation_error(aws: Aws, arn: str) -> None:
    assert rejection(aws.client("sts").assume_role, RoleArn=arn, RoleSessionName="test")[0] == "ValidationError"


def test_opt_in_regions_are_closed_until_enabled(aws: Aws) -> None:
    statuses = {
        region["RegionName"]: region["RegionOptStatus"]
        for page in aws.client("account").get_paginator("list_regions").paginate(MaxResults=10)
        for region in page["Regions"]
    }
    assert list(statuses.values()).count("ENABLED_BY_DEFAULT") == 17
    assert statuses["me-south-1"] == "DISABLED"
    assert rejection(aws.client("ecr", "me-south-1").describe_registry) == ("UnrecognizedClientException", INVALID)
    aws.control("PUT", f"accounts/{ACCOUNT}", {"enabled_regions": ["us-east-1", "me-south-1"]})
    assert aws.client("ecr", "me-south-1").describe_registry()
    assert rejection(aws.client("ecr", "eu-west-1").describe_registry)[0] == "UnrecognizedClientException"
    enabled = aws.client("account").list_regions(RegionOptStatusContains=["ENABLED", "ENABLED_BY_DEFAULT"])["Regions"]
    assert [(r["RegionName"], r["RegionOptStatus"]) for r in enabled] == [
        ("me-south-1", "ENABLED"),
        ("us-east-1", "ENABLED_BY_DEFAULT"),
    ]


def test_unsigned_request_is_rejected(aws: Aws) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(aws.url, data=b"Action=ListRoles", method="POST"), timeout=5)
    assert caught.value.code == 403
    assert b"<Code>MissingAuthenticationToken</Code>" in caught.value.read()
    headers = {"X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.DescribeRegistry"}
    with pytest.raises(urllib.error.HTTPError) as caught:
        request = urllib.request.Request(aws.url, data=b"{}", method="POST", headers=headers)
        urllib.request.urlopen(request, timeout=5)
    assert b"MissingAuthenticationTokenException" in caught.value.read()


def test_unsimulated_operations_are_unknown(aws: Aws) -> None:
    assert rejection(aws.client("ecr").describe_images, repositoryName="app")[0] == "UnknownOperationException"
    assert rejection(aws.client("iam").list_users)[0] == "InvalidAction"
