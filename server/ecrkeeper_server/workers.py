"""The background workers of an engine process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec import Struct

from ecrkeeper_server.aws.client import AwsClient, AwsOptions
from ecrkeeper_server.aws.telemetry import CallTelemetry
from ecrkeeper_server.aws_options import organization_options
from ecrkeeper_server.config.settings import Config
from ecrkeeper_server.engine.account_checker import AccountChecker, AccountCheckOptions
from ecrkeeper_server.engine.rollouts import RolloutWorker
from ecrkeeper_server.engine.worker import Engine
from ecrkeeper_server.instruments import Instruments
from ecrkeeper_server.store.database import DUE
from ecrkeeper_server.store.instrumented import InstrumentedDatabase

# Loaded only if it is configured, because each module makes the start longer.
if TYPE_CHECKING:
    from ecrkeeper_server.engine.organization import OrganizationWorker


class Workers(Struct, frozen=True):
    """The background workers; a process that only serves the API has none."""

    engine: Engine | None = None
    rollouts: RolloutWorker | None = None
    organization: OrganizationWorker | None = None
    accounts: AccountChecker | None = None

    def start(self) -> list[asyncio.Task[None]]:
        """Start the workers; return their tasks."""
        workers = (self.engine, self.rollouts, self.organization, self.accounts)
        return [asyncio.create_task(worker.run()) for worker in workers if worker is not None]

    def wake_engine(self) -> None:
        """Wake the engine; engines of other processes are notified by the database."""
        if self.engine is not None:
            self.engine.triggers.wake()

    def wake_rollouts(self) -> None:
        """Wake the worker that steps rollouts."""
        if self.rollouts is not None:
            self.rollouts.wake()

    def on_notify(self, names: set[str]) -> None:
        """Wake the workers that are concerned by changes of resources."""
        if any(name.startswith("registrySets/") for name in names):
            self.wake_rollouts()
        # No names at all: notifications may have been lost.
        if not names or DUE in names:
            self.wake_engine()

    def stop_fleet(self) -> None:
        """Let the work on the fleet end after its current step."""
        for worker in (self.rollouts, self.organization, self.accounts):
            if worker is not None:
                worker.stop()


def organization_worker(
    db: InstrumentedDatabase,
    options: AwsOptions,
    config: Config,
    worker: RolloutWorker,
    instruments: Instruments,
) -> tuple[OrganizationWorker | None, AwsClient | None]:
    """Return the worker that reads AWS Organizations, and its client.

    Both are None if AWS Organizations is not configured.
    """
    if not config.organization_role_arn:
        return None, None
    from ecrkeeper_server.engine.organization import OrganizationOptions, OrganizationWorker

    telemetry = CallTelemetry(instruments.metrics.aws, instruments.tracing)
    client = AwsClient(organization_options(config, options), telemetry=telemetry)
    reading = OrganizationOptions(
        account=config.organization_role_arn.split(":")[4],
        home_region=config.home_region,
        seconds=config.organization_seconds,
    )
    return OrganizationWorker(db, client, reading, worker.wake), client


def account_checker(db: InstrumentedDatabase, aws: AwsClient, config: Config, worker: RolloutWorker) -> AccountChecker:
    """Return the worker that checks accounts."""
    options = AccountCheckOptions(home_region=config.home_region, seconds=config.account_check_seconds)
    return AccountChecker(db, aws, options, worker.wake)
