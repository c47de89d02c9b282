"""The synchronization with an organization in which some accounts cannot be read."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import pytest
from ecrkeeper_server.aws_errors import AwsError, Temporary
from ecrkeeper_server.engine.organization import OrganizationOptions, OrganizationWorker
from ecrkeeper_server.store import fleet_accounts
from ecrkeeper_server.store.database import Database

ACCOUNTS = [f"{number:012}" for number in range(1, 21)]
PARENTS = {"ou-prod": "ou-workloads", "ou-workloads": "r-root"}
OPTIONS = OrganizationOptions(account="999999999999", home_region="us-east-1", partition="aws")


class Organization:
    """Answers for accounts in one unit; `unreadable` ones have no parents."""

    def __init__(self, *unreadable: str) -> None:
        self.unreadable = unreadable
        self.calls: Counter[str] = Counter()

    async def call(self, account: str, region: str, service: str, operation: str, params: Any) -> dict[str, Any]:
        self.calls[operation] += 1
        match operation:
            case "ListAccounts":
                return {"Accounts": [{"Id": each, "Name": each, "State": "ACTIVE"} for each in ACCOUNTS]}
            case "ListParents":
                child = params["ChildId"]
                parent = PARENTS.get(child, "ou-prod")
                kind = "ROOT" if parent == "r-root" else "ORGANIZATIONAL_UNIT"
                return {"Parents": [] if child in self.unreadable else [{"Id": parent, "Type": kind}]}
            case "DescribeOrganizationalUnit":
                return {"OrganizationalUnit": {"Name": params["OrganizationalUnitId"].removeprefix("ou-")}}
            case "ListTagsForResource":
                return {"Tags": []}
            case _:
                raise Temporary("not in this test", reason="AWS_UNREACHABLE", operation=operation)


async def synchronize(db: Database, organization: Organization) -> dict[str, str]:
    aws = cast(Any, organization)
    await OrganizationWorker(db, aws, aws, OPTIONS, lambda: None).synchronize()
    rows = await db.read(lambda tx: fleet_accounts.page(tx, "", 100))
    return {row.account: row.organizational_unit for row in rows}


async def test_unreadable_account_does_not_keep_others_out(db: Database) -> None:
    found = await synchronize(db, Organization(ACCOUNTS[0]))
    assert found == dict.fromkeys(ACCOUNTS[1:], "/workloads/prod")


async def test_many_unreadable_accounts_end_the_round(db: Database) -> None:
    organization = Organization(*ACCOUNTS)
    with pytest.raises(AwsError):
        await synchronize(db, organization)
    assert organization.calls["ListParents"] == 11


async def test_each_unit_is_read_once(db: Database) -> None:
    organization = Organization()
    await synchronize(db, organization)
    assert organization.calls["DescribeOrganizationalUnit"] == 2
    assert organization.calls["ListParents"] == len(ACCOUNTS) + 2
