"""The loop that checks each account of the fleet in AWS.

It asks as whom the account is reached, and which Regions it has enabled.

Replicas share the accounts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from msgspec import Struct

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.ecr.regions import listed_regions
from ecrkeeper_server.errors import StatusError
from ecrkeeper_server.fleet.account_checks import AccountCheck, store_check
from ecrkeeper_server.store import fleet_accounts
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.fleet_rows import AccountRow

log = structlog.get_logger("ecrkeeper.accounts")

# The number of accounts that a replica claims at once, and checks concurrently.
_BATCH = 16
# The accounts that a killed replica had claimed are checked again after this time.
_LEASE_SECONDS = 60.0
_WAIT_SECONDS = 2.0
_MESSAGE_CHARACTERS = 1_000


class AccountCheckOptions(Struct, frozen=True, kw_only=True):
    """The Region of the checks, and the interval between checks of an account."""

    home_region: str
    seconds: float = 900.0


class AccountChecker:
    """Checks accounts until it is stopped."""

    def __init__(self, db: Database, aws: Aws, options: AccountCheckOptions, wake_rollouts: Callable[[], None]) -> None:
        self._db = db
        self._aws = aws
        self._options = options
        self._wake_rollouts = wake_rollouts
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """End the loop after the running checks."""
        self._stopped.set()

    async def run(self) -> None:
        """Check accounts until `stop`."""
        while not self._stopped.is_set():
            worked = False
            try:
                worked = await self.work_once()
            except StatusError:
                # The database's health is logged where it is known.
                pass
            except Exception:
                # An unexpected error must not end the loop: the next round may succeed.
                log.exception("accounts_not_checked")
            try:
                await asyncio.wait_for(self._stopped.wait(), 0.0 if worked else _WAIT_SECONDS)
            except TimeoutError:
                continue

    async def work_once(self) -> bool:
        """Check the accounts that are due; return whether any were."""
        if not await self._db.read(fleet_accounts.check_is_due):
            return False
        rows = await self._db.write(lambda tx: fleet_accounts.claim_checks(tx, _BATCH, _LEASE_SECONDS))
        changed = await asyncio.gather(*map(self._check, rows))
        if any(changed):
            self._wake_rollouts()
        return bool(rows)

    async def _check(self, row: AccountRow) -> bool:
        check = await self._check_access(row.account)
        seconds = self._options.seconds
        changed = await self._db.write(lambda tx: store_check(tx, row, check, seconds))
        if changed:
            log.info("account_changed", account=row.account, reachable=not check.reason, reason=check.reason)
        return changed

    async def _check_access(self, account: str) -> AccountCheck:
        home = self._options.home_region
        try:
            answer = await self._aws.call(account, home, "sts", "GetCallerIdentity", {})
            identity = str(answer["Arn"])
        except AwsError as error:
            return AccountCheck(reason=error.reason, message=error.message[:_MESSAGE_CHARACTERS])
        try:
            regions = await listed_regions(self._aws, account, home)
        except AwsError as error:
            log.info("regions_not_read", account=account, reason=error.reason)
            return AccountCheck(identity)
        # Every account has Regions. With an empty list, registry sets would release all targets in it.
        return AccountCheck(identity, tuple(regions) or None)
