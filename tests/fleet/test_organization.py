"""The accounts of AWS Organizations become the fleet's, and sets follow them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ecrkeeper
import grpc
import pytest

from tests import databases, harness
from tests.e2e.live import Live, fresh_account, rejection
from tests.fleet.fleets import Fleet, exclusion

ORGANIZATION_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Resource": "*",
            "Action": [
                "organizations:DescribeOrganizationalUnit", "organizations:ListAccounts", "organizations:ListParents",
                "organizations:ListTagsForResource",
            ],
        }
    ],
}  # fmt: skip
MANAGEMENT = "999999999999"


@pytest.fixture(params=["sqlite", "postgres"])
def live(request: pytest.FixtureRequest, simulated_aws: harness.Simulator, tmp_path: Path) -> Iterator[Live]:
    url = databases.migrated(request, request.param, tmp_path)
    simulated_aws.control("PUT", f"accounts/{MANAGEMENT}", {"iam_policy": ORGANIZATION_POLICY})
    # The server reads the organization at its start, which is not to be that of an earlier test.
    simulated_aws.control("PUT", "organization", {"management": MANAGEMENT, "accounts": {}})
    role = f"arn:aws:iam::{MANAGEMENT}:role/organization/ecrkeeper"
    server = harness.Server(
        tmp_path,
        url,
        simulated_aws.url,
        organization_role_arn=role,
        organization_seconds="0.5",
        account_check_seconds="0.5",
    )
    with ecrkeeper.Client(server.address, insecure=True) as client:
        yield Live(server, simulated_aws, client)
    assert server.stop() == 0


def organize(live: Live, **accounts: dict[str, Any]) -> None:
    live.aws.control("PUT", "organization", {"management": MANAGEMENT, "accounts": accounts})


def accounts_by_name(live: Live) -> dict[str, Any]:
    return {each.name.partition("/")[2]: each for each in live.client.list_accounts()}


def test_accounts_follow_the_organization(live: Live) -> None:
    accounts = sorted(fresh_account() for _ in range(25))
    one, two, declared = accounts[0], accounts[1], accounts[2]
    live.client.create_account(declared, {"displayName": "mine"})
    unit = {"unit": "/workloads/prod", "tags": {"env": "prod", "odd/key": "a b"}}
    members = {each: {"name": f"name-{each}", **unit} for each in accounts}
    live.aws.control("PUT", f"accounts/{one}", {"enabled_regions": ["us-east-1", "af-south-1"]})
    organize(live, **members)
    listed = harness.eventually(
        lambda: accounts_by_name(live) if set(accounts) <= set(accounts_by_name(live)) else None, 60
    )
    account = listed[one]
    assert (account.display_name, account.organizational_unit) == (f"name-{one}", "/workloads/prod")
    assert dict(account.labels) == {"env": "prod", "odd/key": "a b"}
    # The Regions of an account come with the first check of it.
    harness.eventually(lambda: list(accounts_by_name(live)[one].enabled_regions) == ["af-south-1", "us-east-1"], 120)
    assert (account.source, account.state) == (account.ORGANIZATION, account.ACTIVE)
    assert listed[declared].display_name == "mine", "what somebody declared stays"
    error = rejection(
        grpc.StatusCode.FAILED_PRECONDITION,
        lambda: live.client.update_account({"name": account.name, "labels": {}}, ["labels"]),
    )
    assert error.reason == "ACCOUNT_OF_ORGANIZATION"
    fewer = {each: member for each, member in members.items() if each != two}
    fewer[one] = {**members[one], "state": "SUSPENDED", "unit": "/"}
    organize(live, **fewer)
    harness.eventually(lambda: accounts_by_name(live)[one].state == account.SUSPENDED, 60)
    harness.eventually(lambda: accounts_by_name(live)[two].state == account.GONE, 60)
    assert accounts_by_name(live)[one].organizational_unit == "/"
    live.aws.check_requests()


def test_new_account_in_a_unit_and_new_region_are_reached(live: Live) -> None:
    first, second = fresh_account(), fresh_account()
    for each in (first, second):
        live.aws.control("PUT", f"accounts/{each}", {"enabled_regions": ["us-east-1"]})
    organize(live, **{first: {"unit": "/workloads/prod"}, MANAGEMENT: {"unit": "/"}})
    harness.eventually(lambda: first in accounts_by_name(live), 30)
    fleet = Fleet(live, accounts=[first])
    content = fleet.content(exclusion("scanner"), selector={"accounts": 'organizational_unit:"/workloads/"'})
    live.client.create_registry_set(fleet.label, content)
    fleet.ended()
    organize(live, **{first: {"unit": "/workloads/prod"}, second: {"unit": "/workloads/dev"}})
    harness.eventually(lambda: live.aws.registry("us-east-1", second)["exclusions"], 60)
    live.aws.control("PUT", f"accounts/{second}", {"enabled_regions": ["us-east-1", "eu-west-1"]})
    harness.eventually(lambda: live.aws.registry("eu-west-1", second)["exclusions"], 60)
