"""The loop that brings the accounts of an organization into the fleet.

One replica does so every few minutes, and soon after an event of the organization.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from msgspec import Struct

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.ecr.organization import Organization, OrganizationAccount, listed_state
from ecrkeeper_server.errors import StatusError
from ecrkeeper_server.fleet.organization import account_state, store_account, store_gone
from ecrkeeper_server.store import fleet_accounts, fleet_syncs
from ecrkeeper_server.store.database import Database

log = structlog.get_logger("ecrkeeper.organization")

_PAGE = 500
# If more accounts than this cannot be read, the synchronization fails, and the next one may succeed.
_MAX_FAILURES = 10
# How often a replica checks whether a synchronization is due.
_WAIT_SECONDS = 2.0
# After this time, another replica takes over from a killed one.
_LEASE_SECONDS = 60.0


class OrganizationOptions(Struct, frozen=True, kw_only=True):
    """The account and Region in which the organization is read, and the interval."""

    account: str
    home_region: str
    seconds: float = 300.0


class _LeaseLostError(Exception):
    """Another replica holds the lease of the synchronization."""


class OrganizationWorker:
    """Synchronizes until it is stopped."""

    def __init__(
        self,
        db: Database,
        aws: Aws,
        options: OrganizationOptions,
        wake_rollouts: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._aws = aws
        self._options = options
        self._wake_rollouts = wake_rollouts
        self._clock = clock
        self._stopped = asyncio.Event()
        self._lease: int | None = None
        self._renew_at = 0.0

    def stop(self) -> None:
        """End the loop; a synchronization under way ends after its account."""
        self._stopped.set()

    async def run(self) -> None:
        """Synchronize every few minutes until `stop`."""
        while not self._stopped.is_set():
            try:
                await self.work_once()
            except _LeaseLostError:
                log.info("organization_lease_lost")
            except (AwsError, StatusError) as error:
                log.warning("organization_not_read", reason=error.reason, error=error.message)
            except Exception:
                # An unexpected error must not end the loop: the next round may succeed.
                log.exception("organization_not_read")
            try:
                await asyncio.wait_for(self._stopped.wait(), min(_WAIT_SECONDS, self._options.seconds))
            except TimeoutError:
                continue

    async def work_once(self) -> bool:
        """Synchronize if due and not leased by another replica; return whether it was."""
        if not await self._db.read(lambda tx: fleet_syncs.is_due(tx, fleet_syncs.ORGANIZATION)):
            return False
        lease = await self._db.write(lambda tx: fleet_syncs.claim(tx, fleet_syncs.ORGANIZATION, _LEASE_SECONDS))
        if lease is None:
            return False
        self._lease, self._renew_at = lease, self._clock() + _LEASE_SECONDS / 3
        try:
            await self.synchronize()
        finally:
            held, self._lease = self._lease, None
            if held is not None:
                seconds = self._options.seconds
                await self._db.write(lambda tx: fleet_syncs.finish(tx, fleet_syncs.ORGANIZATION, held, seconds))
        return True

    async def _keep_lease(self) -> None:
        """Renew the lease in time; raise if another replica has it.

        That one stores newer answers.
        """
        held = self._lease
        if held is None or self._clock() < self._renew_at:
            return
        self._lease = await self._db.write(
            lambda tx: fleet_syncs.renew(tx, fleet_syncs.ORGANIZATION, held, _LEASE_SECONDS)
        )
        if self._lease is None:
            raise _LeaseLostError
        self._renew_at = self._clock() + _LEASE_SECONDS / 3

    async def synchronize(self) -> int:
        """Read the organization, and store changed accounts; return their number.

        New accounts come first, because AWS allows few calls a second. Accounts are stored one by one, and one that
        cannot be read stays as it was. Only a complete list shows which accounts are gone.
        """
        organization = Organization(self._aws, self._options.account, self._options.home_region)
        listed = await organization.accounts()
        waiting = await self._new_first(listed)
        changed = failures = 0
        while waiting:
            if self._stopped.is_set():
                return changed
            await self._keep_lease()
            each = waiting.pop()
            try:
                account = await organization.describe(each)
            except AwsError as error:
                failures += 1
                if failures > _MAX_FAILURES:
                    raise
                log.warning("account_not_read", account=each["Id"], reason=error.reason, error=error.message)
                continue
            changed += await self._store(account)
        changed += await self._remove_missing({each["Id"] for each in listed})
        if changed:
            log.info("organization_read", accounts=len(listed), changed=changed)
        return changed

    async def _new_first(self, listed: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return accounts in the reverse order in which they are read."""
        known = await self._db.read_in_turns(fleet_accounts.reading_organization_states)
        return sorted(listed, key=lambda each: known.get(each["Id"]) != account_state(listed_state(each)))

    async def _store(self, account: OrganizationAccount) -> bool:
        changed = await self._db.write(lambda tx: store_account(tx, account))
        if changed:
            self._wake_rollouts()
        return changed

    async def _remove_missing(self, listed: set[str]) -> int:
        changed, after = 0, ""
        while True:
            await self._keep_lease()
            number, after = await self._db.write(
                lambda tx, after=after: store_gone(tx, listed, after, _PAGE)  # type: ignore[misc]
            )
            changed += number
            if number:
                self._wake_rollouts()
            if not after:
                return changed
