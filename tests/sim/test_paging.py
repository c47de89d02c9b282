"""Paging of all lists that AWS pages."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import ACCOUNT, Aws, rejection

WEST = {"region": "us-west-2", "registryId": ACCOUNT}


@pytest.mark.parametrize(
    ("operation", "member", "part"),
    [
        (
            "describe_pull_through_cache_rules",
            "pullThroughCacheRules",
            {
                "pullThroughCacheRules": [
                    {"ecrRepositoryPrefix": f"p{i}", "upstreamRegistryUrl": "quay.io"} for i in range(5)
                ]
            },
        ),
        (
            "describe_repository_creation_templates",
            "repositoryCreationTemplates",
            {"templates": [{"prefix": f"p{i}", "appliedFor": ["REPLICATION"]} for i in range(5)]},
        ),
        ("list_replication_backfills", "backfills", {"backfills": [{"destination": WEST}] * 5}),
        ("describe_repositories", "repositories", {"repositories": [f"app{i}" for i in range(5)]}),
    ],
)
def test_paginators_return_each_item_once(aws: Aws, operation: str, member: str, part: dict[str, Any]) -> None:
    aws.seed(**part)
    pages = list(aws.client("ecr").get_paginator(operation).paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page[member]) for page in pages] == [2, 2, 1]
    keys = [repr(item) for page in pages for item in page[member]]
    assert len(set(keys)) == 5


def test_exclusions_are_paged_in_order(aws: Aws) -> None:
    arns = [f"arn:aws:iam::{ACCOUNT}:role/r{i}" for i in (3, 1, 2)]
    aws.seed(exclusions=arns)
    ecr = aws.client("ecr")
    first = ecr.list_pull_time_update_exclusions(maxResults=2)
    rest = ecr.list_pull_time_update_exclusions(maxResults=2, nextToken=first["nextToken"])
    assert first["pullTimeUpdateExclusions"] + rest["pullTimeUpdateExclusions"] == sorted(arns)
    assert "nextToken" not in rest


def test_token_of_other_list_is_rejected(aws: Aws) -> None:
    code, _ = rejection(aws.client("ecr").list_pull_time_update_exclusions, nextToken="bogus")
    assert code == "InvalidParameterException"
    assert rejection(aws.client("iam").list_roles, Marker="bogus")[0] == "ValidationError"


def test_page_position_survives_removals_before_it(aws: Aws) -> None:
    aws.seed(repositories=["a1", "b1", "c1"])
    ecr = aws.client("ecr")
    token = ecr.describe_repositories(maxResults=2)["nextToken"]
    ecr.delete_repository(repositoryName="a1")
    remaining = ecr.describe_repositories(maxResults=2, nextToken=token)["repositories"]
    assert [repository["repositoryName"] for repository in remaining] == ["c1"]
