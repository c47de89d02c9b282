"""The loop that brings the accounts of an organization into the fleet.

One replica does so every few minutes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.ecr.organization import Organization
from ecrkeeper_server.ecr.regions import enabled_regions
from ecrkeeper_server.errors import StatusError
from ecrkeeper_server.fleet.organization import store_account, store_gone
from ecrkeeper_server.store import fleet_accounts
from ecrkeeper_server.store.database import Database

log = structlog.get_logger("ecrkeeper.organization")

SOURCE = "ORGANIZATION"
_PAGE = 500
# More accounts that cannot be read are a failure of the organization, and the next round may succeed.
_MOST_FAILURES = 10
# How often a replica asks whether it is its turn.
_LONGEST_WAIT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationOptions:
    """The account and Region in which the organization is read, and the interval."""

    account: str
    home_region: str
    partition: str
    seconds: float = 300.0


class OrganizationWorker:
    """Synchronizes until it is stopped.

    `organization` reaches AWS Organizations, `aws` the accounts.
    """

    def __init__(
        self,
        db: Database,
        organization: Aws,
        aws: Aws,
        options: OrganizationOptions,
        wake_rollouts: Callable[[], None],
    ) -> None:
        self._db = db
        self._organization = organization
        self._aws = aws
        self._options = options
        self._wake_rollouts = wake_rollouts
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """End the loop; a synchronization under way ends after its account."""
        self._stopped.set()

    async def run(self) -> None:
        """Synchronize every few minutes until `stop`."""
        seconds = self._options.seconds
        while not self._stopped.is_set():
            try:
                if await self._db.write(lambda tx: fleet_accounts.claim_sync(tx, SOURCE, seconds)):
                    await self.synchronize()
            except (AwsError, StatusError) as error:
                log.warning("organization_not_read", reason=error.reason, error=error.message)
            except Exception:
                # The loop outlives whatever it was, and the next round may succeed.
                log.exception("organization_not_read")
            try:
                await asyncio.wait_for(self._stopped.wait(), min(_LONGEST_WAIT, seconds))
            except TimeoutError:
                continue

    async def synchronize(self) -> int:
        """Read the organization once, and store what has changed; how many accounts have.

        Accounts are stored one by one, and one that cannot be read stays as it was. Only a list that was read to its
        end says which ones are gone.
        """
        options = self._options
        organization = Organization(self._organization, options.account, options.home_region)
        listed = await organization.accounts()
        changed = failures = 0
        for each in listed:
            if self._stopped.is_set():
                return changed
            try:
                found = await organization.describe(each)
            except AwsError as error:
                failures += 1
                if failures > _MOST_FAILURES:
                    raise
                log.warning("account_not_read", account=each["Id"], reason=error.reason, error=error.message)
                continue
            regions = await self._regions(found.account) if found.state == "ACTIVE" else None
            changed += await self._db.write(lambda tx, f=found, r=regions: store_account(tx, f, r))  # type: ignore[misc]
        changed += await self._gone({each["Id"] for each in listed})
        if changed:
            self._wake_rollouts()
            log.info("organization_read", accounts=len(listed), changed=changed)
        return changed

    async def _gone(self, listed: set[str]) -> int:
        changed, after = 0, ""
        while True:
            number, after = await self._db.write(
                lambda tx, after=after: store_gone(tx, listed, after, _PAGE)  # type: ignore[misc]
            )
            changed += number
            if not after:
                return changed

    async def _regions(self, account: str) -> Sequence[str] | None:
        """Return the Regions that an account has enabled; None if it cannot be reached."""
        try:
            return await enabled_regions(self._aws, account, self._options.home_region, self._options.partition)
        except AwsError as error:
            log.info("regions_not_read", account=account, reason=error.reason)
            return None
