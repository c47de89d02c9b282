"""Ask CloudTrail who caused drift, beside the attempts and never in their way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Container, Iterable

import structlog
from cachetools import TTLCache
from msgspec import Struct

from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.ecr.cloudtrail import EventHistory
from ecrkeeper_server.ecr.principals import Principals
from ecrkeeper_server.engine import causes
from ecrkeeper_server.errors import StatusError
from ecrkeeper_server.events.origin import Origin, claims_own, origin_of
from ecrkeeper_server.events.records import Record
from ecrkeeper_server.events.targets import iam_event_region, operations_of, setting_of
from ecrkeeper_server.events.user_agent import Keeper
from ecrkeeper_server.metrics.events import EventMetrics
from ecrkeeper_server.store import attributions, cloud_events, findings
from ecrkeeper_server.store.attributions import Attribution
from ecrkeeper_server.store.cloud_events import CloudEvent
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.named_causes import NamedCause

log = structlog.get_logger("ecrkeeper.attribution")

_SLOTS = 16
_LEASE_SECONDS, _TIMEOUT_SECONDS = 120.0, 90.0
_IDLE_SECONDS, _PAUSE_SECONDS = 5.0, 0.2
_DENIED_SECONDS = 3600.0


class Own(Struct, frozen=True):
    """The installation, and its principal in each account.

    They distinguish our own calls from those of others. `written` has AWS's ids of writes of this process.
    """

    install: str
    principals: Principals
    written: Container[str] = ()

    async def arns(self, records: Iterable[Record], seconds: float | None = None) -> dict[str, str]:
        """Return our principals in the accounts of those records that claim to be ours.

        With `seconds`, without the accounts for which AWS takes longer to answer.
        """
        accounts = sorted({each.account for each in records if self.claims(each)})
        if not accounts:
            return {}
        tasks = {account: asyncio.create_task(self.principals.arn(account)) for account in accounts}
        _, waiting = await asyncio.wait(tasks.values(), timeout=seconds)
        for task in waiting:
            task.cancel()
        return {account: task.result() for account, task in tasks.items() if task not in waiting}

    def wrote(self, record: Record) -> bool:
        """Return whether a record is of a write of this process."""
        return bool(record.request_id) and record.request_id in self.written

    def claims(self, record: Record) -> bool:
        """Return whether our principal in the record's account determines the caller."""
        return claims_own(record, self.install)

    def origin(self, record: Record, request_ids: set[str], arns: dict[str, str]) -> Origin:
        """Return whose call a record is of."""
        return origin_of(record, self.install, request_ids, arns.get(record.account, ""))


def cloud_event(record: Record, name: str, origin: Origin) -> CloudEvent:
    """Return the call as it is stored; of another installation with its id."""
    keeper = Keeper.parse(record.actor.user_agent)
    install = keeper.install if keeper is not None and origin is Origin.OTHER_KEEPER else ""
    return CloudEvent.of(record.actor, name, setting_of(record), record.hint, install)


class Attributor:
    """Finds the causes of drift whose lookup is due, until it is cancelled."""

    def __init__(
        self,
        db: Database,
        history: EventHistory,
        own: Own,
        metrics: EventMetrics,
        home_region: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._history = history
        self._own = own
        self._metrics = metrics
        self._home = home_region
        # The reason why CloudTrail rejects lookups, by account.
        self._denied: TTLCache[str, str] = TTLCache(20_000, _DENIED_SECONDS, timer=clock)
        self._busy: set[tuple[str, str]] = set()
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Claim and look up; wait while the database does not answer."""
        try:
            while True:
                try:
                    claimed = await self.claim_once()
                except StatusError:
                    claimed = 0
                except Exception:  # An unexpected error must not end the loop.
                    log.exception("attribution_failed")
                    claimed = 0
                await asyncio.sleep(_PAUSE_SECONDS if claimed else _IDLE_SECONDS)
        finally:
            for task in self._running:
                task.cancel()

    async def claim_once(self) -> int:
        """Start the due lookups that have slots; return their number."""
        slots = _SLOTS - len(self._running)
        if slots <= 0 or not await self._db.read(attributions.is_due):
            return 0
        rows = await self._db.write(lambda tx: attributions.claim(tx, slots, _LEASE_SECONDS))
        for row in rows:
            task = asyncio.create_task(self._work(row))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return len(rows)

    async def drain(self) -> None:
        """Wait until no lookup is running."""
        while self._running:
            await asyncio.wait(list(self._running))

    async def _work(self, row: Attribution) -> None:
        try:
            await self._work_alone(row)
        except StatusError as error:
            log.warning("attribution_not_stored", resource=row.name, error=error.message)
        except Exception:  # The row is claimed again when its lease runs out.
            log.exception("attribution_failed", resource=row.name)

    async def _work_alone(self, row: Attribution) -> None:
        place = self._place(row)
        if place in self._busy:
            # The rate limit of one account never delays the others.
            await self._db.write(lambda tx: attributions.postpone(tx, row, 1.0))
            return
        self._busy.add(place)
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await self._attribute(row, *place)
        except TimeoutError:
            await self._failed(row)
        finally:
            self._busy.discard(place)

    def _place(self, row: Attribution) -> tuple[str, str]:
        _, account, kind, place = row.name.split("/")
        return account, place if kind == "registries" else iam_event_region(self._home)

    async def _attribute(self, row: Attribution, account: str, region: str) -> None:
        if denied := self._denied.get(account):
            await self._db.write(lambda tx: _deny(tx, row, denied))
            return
        try:
            until = row.until + causes.CLOCK_SKEW
            calls = await self._history.calls(account, region, operations_of(row.setting), row.since, until)
        except AwsError as error:
            if error.reason == "AWS_ACCESS_DENIED" and error.operation == "LookupEvents":
                await self._refused(row, account, error.message)
            else:
                await self._failed(row)
            return
        foreign = await self._foreign(row, calls)
        changed = await self._db.write(lambda tx: _confirm(tx, row, foreign))
        self._metrics.attributed("confirmed" if foreign else "unknown")
        if changed:
            log.info("drift_attributed", resource=row.name, setting=row.setting, principal=changed)

    async def _foreign(self, row: Attribution, records: list[Record]) -> list[CloudEvent]:
        ids = {each.request_id for each in records if each.request_id}
        known = await self._db.read(lambda tx: cloud_events.own_request_ids(tx, ids))
        arns = await self._own.arns(records)
        return [
            cloud_event(each, row.name, origin)
            for each in records
            if (origin := self._own.origin(each, known, arns)) is not Origin.OWN and setting_of(each) == row.setting
        ]

    async def _refused(self, row: Attribution, account: str, message: str) -> None:
        self._denied[account] = message
        self._metrics.attributed("denied")
        log.warning("attribution_denied", account=account, error=message)
        await self._db.write(lambda tx: _deny(tx, row, message))

    async def _failed(self, row: Attribution) -> None:
        self._metrics.attributed("failed")
        await self._db.write(lambda tx: attributions.finish(tx, row, looked=False, done=False))


def _deny(tx: Tx, row: Attribution, message: str) -> None:
    causes.attribute_by_events(tx, [row])
    findings.change(tx, row.name, lambda known: known.without_attribution(message, row.found_at))
    attributions.finish(tx, row, looked=False, done=True)


def _confirm(tx: Tx, row: Attribution, foreign: list[CloudEvent]) -> str:
    """Keep the causes that CloudTrail names; return a new cause's principal."""
    confirmed = [
        NamedCause(row, elements, event.cause(causes.CONFIRMED))
        for elements, event in causes.newest_by_element(row, foreign)
    ]
    new = causes.store(tx, confirmed)
    changed = new[-1].cause.principal if new else ""
    if not foreign:
        causes.attribute_by_events(tx, [row])
    findings.change(tx, row.name, lambda known: known.without_attribution("", row.found_at))
    # Events come late and in any order: a cause is final when the next lookup returns it again.
    attributions.finish(tx, row, looked=True, done=bool(foreign) and not changed)
    return changed
