"""A list whose tokens never repeat and never end costs a bounded number of calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import botocore.session
import pytest
from ecrkeeper_server.aws import limits
from ecrkeeper_server.aws.answers import ESSENTIALS
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.ecr import images, organization, paging
from ecrkeeper_server.ecr.backfills import list_backfills
from ecrkeeper_server.ecr.cloudtrail import EventHistory
from ecrkeeper_server.ecr.observe import observe
from ecrkeeper_server.ecr.organization import Organization
from ecrkeeper_server.ecr.regions import listed_regions
from ecrkeeper_server.settings.table import SETTINGS

from tests.engine.conftest import ACCOUNT, REGION, REGISTRY, World, holds, reason_of
from tests.engine.virtual import run
from tests.hostile.test_registry import DECLARED

TOO_LARGE, INVALID = "AWS_ANSWER_TOO_LARGE", "AWS_ANSWER_INVALID"
CHILD = {"Id": ACCOUNT}


class Endless:
    """An AWS whose lists go on with another token on each page."""

    def __init__(self, items: dict[str, Any], seconds: float = 0.0) -> None:
        self.calls = 0
        self._items = items
        self._seconds = seconds

    async def call(self, _account: str, _region: str, _service: str, operation: str, _params: Any) -> dict[str, Any]:
        self.calls += 1
        await asyncio.sleep(self._seconds)
        token = f"token-{self.calls}"
        return {**self._items, "nextToken": token, "NextToken": token}


def setting(name: str) -> Callable[[Any], Awaitable[Any]]:
    return lambda aws: observe(aws, REGISTRY, [name])


async def image_statuses(aws: Any) -> Any:
    _, cursor = await images.statuses(
        aws, REGISTRY, {"region": "us-west-2", "registryId": ACCOUNT}, [], 50, images.FIRST
    )
    assert cursor, "the caller may go on"


# Each paged operation, what reads it, the member of its list, an item, and the most pages.
LISTS: list[tuple[str, Callable[[Any], Awaitable[Any]], str, Any, int]] = [
    ("DescribePullThroughCacheRules", setting("pull_through_cache_rules"), "pullThroughCacheRules",
     {"ecrRepositoryPrefix": "a", "upstreamRegistryUrl": "quay.io"}, paging.PAGES),
    ("DescribeRepositoryCreationTemplates", setting("repository_creation_templates"), "repositoryCreationTemplates",
     {"prefix": "a"}, paging.PAGES),
    ("ListPullTimeUpdateExclusions", setting("pull_time_update_exclusions"), "pullTimeUpdateExclusions", "a",
     paging.PAGES),
    ("ListReplicationBackfills", lambda aws: list_backfills(aws, REGISTRY), "backfills",
     {"replicationBackfillId": "a"}, paging.PAGES),
    ("ListRegions", lambda aws: listed_regions(aws, ACCOUNT, REGION), "Regions", {"RegionName": "a"}, paging.PAGES),
    ("ListAccounts", lambda aws: Organization(aws, ACCOUNT, REGION).accounts(), "Accounts", CHILD,
     organization._PAGES),
    ("ListTagsForResource", lambda aws: Organization(aws, ACCOUNT, REGION).describe(CHILD), "Tags",
     {"Key": "a", "Value": "b"}, paging.PAGES),
    ("ListParents", lambda aws: Organization(aws, ACCOUNT, REGION)._path(ACCOUNT), "Parents",
     {"Id": "a", "Type": "ROOT"}, paging.PAGES),
]  # fmt: skip
# These are read in part: a caller goes on with a token, or the newest calls are enough.
PARTS: list[tuple[str, Callable[[Any], Awaitable[Any]], str, int]] = [
    ("LookupEvents", lambda aws: EventHistory(aws).calls(ACCOUNT, REGION, ["PutRegistryPolicy"], 0, 10**15),
     "Events", 3),
    ("DescribeRepositories", image_statuses, "repositories", 50),
    ("ListImages", image_statuses, "imageIds", 50),
]  # fmt: skip
# One page for each call of the API.
ONE_PAGE = {"DescribeReplicationBackfillResults"}


def test_every_paged_operation_is_tested() -> None:
    session = botocore.session.get_session()
    paged = set()
    for row in ESSENTIALS:
        shape = session.get_service_model(row.service).operation_model(row.operation).input_shape
        if shape is not None and {"nextToken", "NextToken", "Marker"} & set(shape.members):
            paged.add(row.operation)
    assert {each[0] for each in (*LISTS, *PARTS)} | ONE_PAGE == paged


@pytest.mark.parametrize(("operation", "read", "member", "item", "pages"), LISTS, ids=[each[0] for each in LISTS])
async def test_endless_list_ends_within_its_pages(
    operation: str, read: Callable[[Any], Awaitable[Any]], member: str, item: Any, pages: int
) -> None:
    aws = Endless({member: []})
    with pytest.raises(AwsError, match=f"{operation}: the list has more than {pages:,} pages") as caught:
        await read(aws)
    assert (caught.value.reason, aws.calls) == (TOO_LARGE, pages)


@pytest.mark.parametrize(("operation", "read", "member", "item", "pages"), LISTS, ids=[each[0] for each in LISTS])
async def test_endless_long_pages_are_not_collected(
    operation: str, read: Callable[[Any], Awaitable[Any]], member: str, item: Any, pages: int
) -> None:
    aws = Endless({member: [item] * 40_000})
    with pytest.raises(AwsError, match=f"{operation}: the list has more than 200,000 elements") as caught:
        await read(aws)
    assert caught.value.reason == TOO_LARGE
    assert aws.calls <= 6


@pytest.mark.parametrize(("operation", "read", "member", "item", "pages"), LISTS, ids=[each[0] for each in LISTS])
def test_slow_endless_list_does_not_use_up_an_attempt(
    operation: str, read: Callable[[Any], Awaitable[Any]], member: str, item: Any, pages: int
) -> None:
    async def main() -> float:
        aws = Endless({member: []}, seconds=9.0)
        with pytest.raises(AwsError) as caught:
            await read(aws)
        slow = pages == paging.PAGES
        assert caught.value.reason == INVALID
        assert f"has not ended after {60 if slow else 1800} s" in caught.value.message
        return asyncio.get_running_loop().time() / (1 if slow else 30)

    assert run(main()) <= 70.0


@pytest.mark.parametrize(("operation", "read", "member", "calls"), PARTS, ids=[each[0] for each in PARTS])
async def test_part_of_an_endless_list_costs_few_calls(
    operation: str, read: Callable[[Any], Awaitable[Any]], member: str, calls: int
) -> None:
    content: dict[str, Any] = {member: []}
    if operation == "ListImages":
        content["repositories"] = [{"repositoryName": "app"}]
    aws = Endless(content)
    await read(aws)
    assert aws.calls <= calls


PAGED = [(name, read.operation, read.items) for name, each in SETTINGS.items() for read in each.reads if read.items]


@pytest.mark.parametrize(("name", "operation", "_items"), PAGED, ids=[each[1] for each in PAGED])
async def test_setting_with_endless_list_is_degraded_and_others_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, operation: str, _items: str
) -> None:
    # A hundred pages take two seconds at the usual rate.
    monkeypatch.setitem(limits.RATES, "ecr-read", (1e6, 1e6))
    member = next(each[2] for each in LISTS if each[0] == operation)
    body = json.dumps({member: [], "nextToken": "token-{number}"})
    await world.control("POST", "faults", {"kind": "answer", "operation": operation, "body": body})
    await world.declare({name: DECLARED[name], "registry_policy": DECLARED["registry_policy"]})
    row = await world.reconcile()
    assert reason_of(row, "Degraded") == TOO_LARGE
    (problem,) = (each for each in row.state["conditions"] if each["type"] == "Degraded")
    assert f"{operation}: the list has more than 100 pages" in problem["message"]
    assert world.aws.writes == ["PutRegistryPolicy"]
    assert sum(each[1] == operation for each in world.aws.calls) == paging.PAGES
    await world.control("DELETE", "faults")
    assert holds(await world.resync(), "Ready")
