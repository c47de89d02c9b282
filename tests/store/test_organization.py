"""The synchronization with an organization in which some accounts cannot be read."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import pytest
from ecrkeeper_server.aws_errors import AwsError, Temporary
from ecrkeeper_server.engine.organization import OrganizationOptions, OrganizationWorker
from ecrkeeper_server.store import fleet_accounts, fleet_syncs
from ecrkeeper_server.store.database import Database

from .conftest import Clock

ACCOUNTS = [f"{number:012}" for number in range(1, 21)]
PARENTS = {"ou-prod": "ou-workloads", "ou-workloads": "r-root"}
OPTIONS = OrganizationOptions(account="999999999999", home_region="us-east-1")


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


def worker(db: Database, organization: Organization, clock: Clock | None = None) -> OrganizationWorker:
    return OrganizationWorker(db, cast(Any, organization), OPTIONS, lambda: None, clock or Clock())


async def synchronize(db: Database, organization: Organization) -> dict[str, str]:
    await worker(db, organization).synchronize()
    rows = await db.read(lambda tx: fleet_accounts.page(tx, "", 100))
    return {row.account: row.organizational_unit for row in rows}


async def test_unreadable_account_does_not_keep_others_out(db: Database) -> None:
    synchronized = await synchronize(db, Organization(ACCOUNTS[0]))
    assert synchronized == dict.fromkeys(ACCOUNTS[1:], "/workloads/prod")


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


class Slow(Organization):
    """Lets time pass, and another replica work, before each account."""

    def __init__(self, clock: Clock, seconds: float, other: OrganizationWorker | None = None) -> None:
        super().__init__()
        self.clock, self.seconds, self.other = clock, seconds, other
        self.worked: list[bool] = []

    async def call(self, account: str, region: str, service: str, operation: str, params: Any) -> dict[str, Any]:
        if operation == "ListTagsForResource":
            self.clock.advance(self.seconds)
            if self.other is not None:
                self.worked.append(await self.other.work_once())
        return await super().call(account, region, service, operation, params)


async def test_replica_leaves_a_long_synchronization_to_the_other(db: Database, clock: Clock) -> None:
    # It takes longer than the interval, and renews its lease.
    organization = Slow(clock, 25, worker(db, Organization(), clock))
    assert await worker(db, organization, clock).work_once()
    assert organization.worked == [False] * len(ACCOUNTS)
    assert len(await db.read(lambda tx: fleet_accounts.page(tx, "", 100))) == len(ACCOUNTS)


async def test_replica_that_lost_its_lease_stores_nothing_more(db: Database, clock: Clock) -> None:
    organization = Slow(clock, 310, worker(db, Organization(), clock))
    with pytest.raises(Exception) as caught:
        await worker(db, organization, clock).work_once()
    assert type(caught.value).__name__ == "_LeaseLostError"
    assert organization.worked == [True], "the other replica began when the lease had ended"


async def test_killed_replica_is_followed_at_the_end_of_its_lease(db: Database, clock: Clock) -> None:
    organization = fleet_syncs.ORGANIZATION
    assert await db.write(lambda tx: fleet_syncs.claim(tx, organization, 60))
    replica = worker(db, Organization(), clock)
    clock.advance(59)
    assert not await replica.work_once()
    clock.advance(1)
    assert await replica.work_once()
    clock.advance(299)
    assert not await replica.work_once(), "the next one is due after the interval"
    clock.advance(1)
    assert await replica.work_once()


@pytest.mark.parametrize("second", [0, 57, 60])
async def test_request_during_a_lease_outlives_it(db: Database, clock: Clock, second: float) -> None:
    organization = fleet_syncs.ORGANIZATION
    held = await db.write(lambda tx: fleet_syncs.claim(tx, organization, 60))
    assert held is not None
    clock.advance(second)
    await db.write(lambda tx: fleet_syncs.request(tx, organization))
    renewed = await db.write(lambda tx: fleet_syncs.renew(tx, organization, held, 60))
    assert renewed is not None
    await db.write(lambda tx: fleet_syncs.finish(tx, organization, renewed, 300))
    clock.advance(5)
    assert await worker(db, Organization(), clock).work_once()


async def test_request_during_a_synchronization_causes_another_one(db: Database, clock: Clock) -> None:
    replica = worker(db, Organization(), clock)
    assert await replica.work_once()
    assert not await replica.work_once()
    await db.write(lambda tx: fleet_syncs.request(tx, fleet_syncs.ORGANIZATION))
    clock.advance(5)
    assert await replica.work_once()


async def test_new_accounts_are_read_first(db: Database) -> None:
    organization = Organization()
    await worker(db, organization).synchronize()
    order: list[str] = []

    class Grown(Organization):
        async def call(self, account: str, region: str, service: str, operation: str, params: Any) -> dict[str, Any]:
            answer = await super().call(account, region, service, operation, params)
            if operation == "ListAccounts":
                return {"Accounts": [*answer["Accounts"], {"Id": "000000000099", "Name": "new", "State": "ACTIVE"}]}
            if operation == "ListTagsForResource":
                order.append(params["ResourceId"])
            return answer

    await worker(db, Grown()).synchronize()
    assert order[0] == "000000000099"
    assert sorted(order[1:]) == ACCOUNTS
