"""Accounts of the fleet are asked as whom they are reached."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import pytest
from ecrkeeper_server.aws_errors import Permanent
from ecrkeeper_server.engine.account_checker import AccountChecker, AccountCheckOptions
from ecrkeeper_server.store import fleet_accounts, registry_sets
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_server.store.fleet_specs import AccountState

from .conftest import Clock
from .test_rollouts import set_row

OPTIONS = AccountCheckOptions(home_region="us-east-1", seconds=900)
ONE, TWO, HELD = "111111111111", "222222222222", "333333333333"


class Accounts:
    """Answers in each account but the denied ones; `regions` are enabled everywhere."""

    def __init__(self, *regions: str, denied: tuple[str, ...] = (), listing: str = "") -> None:
        self.regions = regions
        self.denied = denied
        self.listing = listing
        self.calls: Counter[str] = Counter()

    async def call(self, account: str, region: str, service: str, operation: str, params: Any) -> dict[str, Any]:
        self.calls[account] += 1
        if account in self.denied:
            raise Permanent("not trusted", reason="AWS_ACCESS_DENIED", operation="AssumeRole")
        if operation == "GetCallerIdentity":
            return {"Arn": f"arn:aws:sts::{account}:assumed-role/keeper/x"}
        if self.listing:
            raise Permanent("no", reason=self.listing, operation=operation)
        return {"Regions": [{"RegionName": each, "RegionOptStatus": "ENABLED"} for each in self.regions]}


def checker(db: Database, aws: Accounts, woken: list[None] | None = None) -> AccountChecker:
    return AccountChecker(db, cast(Any, aws), OPTIONS, lambda: None if woken is None else woken.append(None))


async def stored(db: Database) -> dict[str, AccountRow]:
    return {row.account: row for row in await db.read(lambda tx: fleet_accounts.page(tx, "", 100))}


async def add(db: Database, *accounts: str, **fields: Any) -> None:
    for account in accounts:
        row = AccountRow(account=account, uid="u", **fields)
        await db.write(lambda tx, row=row: fleet_accounts.add(tx, row))  # type: ignore[misc]


async def test_check_tells_the_identity_and_the_regions(db: Database, clock: Clock) -> None:
    await add(db, ONE, TWO)
    await add(db, HELD, state=AccountState.SUSPENDED)
    aws, woken = Accounts("us-east-1", "eu-west-1", denied=(TWO,)), list[None]()
    assert await checker(db, aws, woken).work_once()
    accounts = await stored(db)
    assert accounts[ONE].caller_identity == f"arn:aws:sts::{ONE}:assumed-role/keeper/x"
    assert accounts[ONE].enabled_regions == ("eu-west-1", "us-east-1")
    assert (accounts[TWO].unreachable, accounts[TWO].unreachable_message) == ("AWS_ACCESS_DENIED", "not trusted")
    assert accounts[HELD].reachable_since is None, "nobody calls AWS in a suspended account"
    assert woken, "sets match other registries now"
    assert not await checker(db, aws).work_once()
    assert set(aws.calls) == {ONE, TWO}


async def test_check_keeps_declared_regions(db: Database, clock: Clock) -> None:
    await add(db, ONE, regions=["us-west-2"])
    await checker(db, Accounts("us-east-1")).work_once()
    row = (await stored(db))[ONE]
    assert (row.enabled_regions, row.aws_regions) == (("us-west-2",), ["us-east-1"])


@pytest.mark.parametrize(
    "aws", [Accounts(), Accounts("us-east-1", listing="AWS_ACCESS_DENIED")], ids=["none", "denied"]
)
async def test_regions_that_aws_does_not_list_stay_as_they_were(db: Database, clock: Clock, aws: Accounts) -> None:
    await add(db, ONE, TWO)
    await checker(db, Accounts("us-east-1", "eu-west-1", denied=(TWO,))).work_once()
    clock.advance(901)
    await checker(db, aws).work_once()
    accounts = await stored(db)
    assert accounts[ONE].enabled_regions == ("eu-west-1", "us-east-1")
    assert (accounts[TWO].unreachable, accounts[TWO].enabled_regions) == ("", ()), (
        "no set reaches Regions that are unknown"
    )


async def test_account_that_comes_back_makes_sets_compare(db: Database, clock: Clock) -> None:
    await add(db, ONE, regions=["us-east-1"])
    await db.write(lambda tx: registry_sets.add(tx, set_row("a", due_at=None)))
    denied = Accounts("us-east-1", denied=(ONE,))
    await checker(db, denied).work_once()
    since = (await stored(db))[ONE].reachable_since
    clock.advance(901)
    await checker(db, denied).work_once()
    checked = (await stored(db))[ONE]
    assert (checked.reachable_since, checked.unreachable) == (since, "AWS_ACCESS_DENIED")
    assert await db.read(registry_sets.next_due) is None
    clock.advance(901)
    await checker(db, Accounts("us-east-1")).work_once()
    back = (await stored(db))[ONE]
    assert (back.unreachable, back.unreachable_message) == ("", "")
    assert back.update_time > checked.update_time, "targets that failed there are tried again"
    assert await db.read(registry_sets.next_due) is not None


async def test_replicas_share_the_accounts(db: Database, clock: Clock) -> None:
    await add(db, ONE, TWO)
    claimed = await db.write(lambda tx: fleet_accounts.claim_checks(tx, 1, 60))
    assert [row.account for row in claimed] == [ONE]
    aws = Accounts("us-east-1")
    await checker(db, aws).work_once()
    assert set(aws.calls) == {TWO}
    clock.advance(61)
    await checker(db, aws).work_once()
    assert set(aws.calls) == {ONE, TWO}, "the replica that had the account was killed"


async def test_request_during_a_check_causes_another_one(db: Database, clock: Clock) -> None:
    await add(db, ONE)

    class Requested(Accounts):
        async def call(self, *args: Any) -> dict[str, Any]:
            await db.write(lambda tx: fleet_accounts.request_checks(tx, [ONE]))
            return await super().call(*args)

    await checker(db, Requested("us-east-1")).work_once()
    assert await db.read(fleet_accounts.check_is_due)
