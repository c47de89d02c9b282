"""A fleet in the store alone: AWS follows every declaration at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.engine.rollouts import RolloutWorker
from ecrkeeper_server.fleet.bounds import Bounds
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.fleet.set_commands import SetWrite, write_set
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import declarations, fleet_accounts, registry_sets, rollout_targets, rollouts
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.fleet_rows import AccountRow, Authority, SetRow
from ecrkeeper_server.store.fleet_specs import Amount, Selector, SetSpec, Wave
from ecrkeeper_server.store.rollout_rows import RolloutRow, TargetRow
from ecrkeeper_server.store.rows import Declaration
from ecrkeeper_server.store.tables import resources
from sqlalchemy import update

from .conftest import Clock

READY = {"conditions": [{"type": "Ready", "status": "TRUE", "reason": "IN_SYNC", "message": "", "since": 1}]}
AT_ONCE = (Wave(max_concurrent=Amount(100, percent=True), failure_tolerance=Amount(100, percent=True)),)


def excluding(*roles: str) -> dict[str, Any]:
    arns = [f"arn:aws:iam::${{account}}:role/{role}" for role in roles]
    return {"pull_time_update_exclusions": {"principalArns": arns}}


@dataclass
class StoredFleet:
    """Accounts of one Region, and sets that match them by a label."""

    db: Database
    clock: Clock
    accounts: list[str] = field(default_factory=list)

    async def add(self, count: int, **labels: str) -> None:
        for _ in range(count):
            account = f"{len(self.accounts) + 1:012}"
            self.accounts.append(account)
            row = AccountRow(account=account, uid="u", labels=labels, regions=["us-east-1"])
            await self.db.write(lambda tx, row=row: fleet_accounts.add(tx, row))  # type: ignore[misc]

    async def label(self, account: str, **labels: str) -> None:
        def change(tx: Tx) -> None:
            row = fleet_accounts.get(tx, account)
            assert row is not None
            fleet_accounts.change(tx, AccountRow(**{**_fields(row), "labels": labels}))
            registry_sets.compare_all(tx)

        await self.db.write(change)

    async def write(self, name: str, settings: dict[str, Any] | None, **options: Any) -> SetRow:
        call = {key: options.pop(key) for key in ("removals",) if key in options}
        spec = None
        if settings is not None:
            spec = SetSpec(
                **{"selector": Selector(f"labels.set = {name}"), "settings": settings, "waves": AT_ONCE, **options}
            )
        written = SetWrite(
            name=SetName(name), caller=Caller("UpdateRegistrySet", principal="ann"), authority=Authority(),
            spec=spec, create=True, **call,
        )  # fmt: skip
        return await self.db.write(lambda tx: write_set(tx, written))

    async def work(self, seconds: float = 30, state: Mapping[str, Any] = READY) -> None:
        """Let the worker work for so many seconds; attempts end with a state."""
        follow = update(resources).values(observed_generation=resources.c.generation, state=state)
        worker = RolloutWorker(self.db, Bounds(), lambda: None)
        until = self.clock.seconds + seconds
        while self.clock.seconds < until:
            while await worker.work_once():
                pass
            await self.db.write(lambda tx: tx.conn.execute(follow))
            self.clock.advance(1)

    async def set(self, name: str) -> SetRow:
        stored = await self.db.read(lambda tx: registry_sets.get(tx, name))
        assert stored is not None
        return stored

    async def rollouts(self, name: str) -> list[RolloutRow]:
        rows = await self.db.read_in_turns(lambda tx: rollouts.reading_page(tx, name, None, 100))
        numbers = [row.key for row in rows]
        by_number = await self.db.read_then_parse(lambda tx: rollouts.reading_shown(tx, name, numbers))
        return sorted(by_number, key=lambda row: -row.number)

    async def targets(self, rollout: RolloutRow) -> list[TargetRow]:
        return await self.db.read_in_turns(lambda tx: rollout_targets.reading_page(tx, rollout, ("", ""), 1000))

    async def declared(self, account: str, owner: str) -> Declaration | None:
        registry = RegistryName(account, "us-east-1")
        rows = await self.db.read(lambda tx: declarations.of_registry(tx, registry))
        return next((row for row in rows if row.owner == owner), None)

    async def roles(self, owner: str) -> dict[str, list[str]]:
        """The roles that a set declares in each account."""
        by_account = {account: await self.declared(account, owner) for account in self.accounts}
        return {
            account: [arn.rpartition("/")[2] for arn in row.settings["pull_time_update_exclusions"]["principalArns"]]
            for account, row in by_account.items()
            if row is not None
        }


def _fields(row: AccountRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}
