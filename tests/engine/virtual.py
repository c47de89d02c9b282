"""An engine in virtual time: minutes of a fleet take a second.

Everything runs on one event loop whose clock jumps to the next thing to do.
The store is real SQL, worked on inline; the client of AWS is the real one,
with its limits, above a model of AWS in place of HTTP.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws.client import AwsClient, AwsOptions
from ecrkeeper_server.aws.reading import Answer
from ecrkeeper_server.aws.wire import Credentials
from ecrkeeper_server.engine.options import EngineOptions
from ecrkeeper_server.engine.worker import Engine
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.sqlite import SqliteDatabase, SqliteTx, one_by_one
from ecrkeeper_server.store.sqlite_engine import sqlite_engine
from ecrkeeper_server.store.unit_of_work import Origin
from ecrkeeper_testing.clock import fixed_time

from tests import databases, declaring

T = TypeVar("T")
EPOCH = 1_800_000_000.0


class _Jump(selectors.SelectSelector):
    """A sleep that only records how long it would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise AssertionError("every task waits without end")
        self.waited += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.waited


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class InlineDatabase(SqliteDatabase):
    """SQLite without its thread, whose time would not be virtual."""

    def __init__(self, path: Path) -> None:
        url = databases.new_sqlite(path)
        engine = sqlite_engine(url)
        super().__init__(engine, fixed_time(lambda: EPOCH + asyncio.get_running_loop().time()))
        self._inline = engine.connect()
        self._inline.exec_driver_sql("PRAGMA synchronous = OFF")

    async def count(self, query: Callable[[Tx], T]) -> T:
        return await self.read(query)

    async def write(self, change: Callable[[Tx], T]) -> T:
        self._inline.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            result = change(SqliteTx(self._inline, self._dialect, set(), one_by_one))
        except BaseException:
            self._inline.exec_driver_sql("ROLLBACK")
            raise
        self._inline.exec_driver_sql("COMMIT")
        return result

    def end(self) -> None:
        self._inline.close()
        self._jobs.put(None)
        self._writer.join()
        self._reader.close()
        self._engine.dispose()


@dataclass
class AwsModel:
    """The content, latency and rate limit of each account and Region."""

    rules: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    allowed: dict[str, float] = field(default_factory=dict)
    # (time, account, region, operation, throttled) of each answered call.
    calls: list[tuple[float, str, str, str, bool]] = field(default_factory=list)
    _tokens: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    async def answer(self, account: str, region: str, operation: str, params: dict[str, Any]) -> Answer:
        await asyncio.sleep(self.seconds.get(account, 0.05))
        throttled = not self._admits(account, region)
        self.calls.append((asyncio.get_running_loop().time(), account, region, operation, throttled))
        if throttled:
            return Answer(400, {}, "Throttling", "Rate exceeded")
        return self._carry_out(account, self.rules.setdefault((account, region), {}), operation, params)

    def _admits(self, account: str, region: str) -> bool:
        allowed, now = self.allowed.get(account), asyncio.get_running_loop().time()
        if allowed is None:
            return True
        tokens, at = self._tokens.get((account, region), (1.0, now))
        tokens = min(1.0, tokens + (now - at) * allowed)
        self._tokens[account, region] = (tokens - 1 if tokens >= 1 else tokens), now
        return tokens >= 1

    def _carry_out(self, account: str, rules: dict[str, Any], operation: str, params: dict[str, Any]) -> Answer:
        if operation == "DescribePullThroughCacheRules":
            return Answer(200, {"pullThroughCacheRules": list(rules.values())})
        if operation == "CreatePullThroughCacheRule":
            rules[params["ecrRepositoryPrefix"]] = dict(params)
            return Answer(200, dict(params))
        if operation == "ListPullTimeUpdateExclusions":
            return Answer(200, {"pullTimeUpdateExclusions": list(rules)})
        if operation == "RegisterPullTimeUpdateExclusion":
            rules[params["principalArn"]] = {}
            return Answer(200, dict(params))
        if operation == "GetRole":
            created = datetime.fromtimestamp(EPOCH, UTC)
            arn = f"arn:aws:iam::{account}:role/{params['RoleName']}"
            role = {"RoleId": "AROA", "RoleName": params["RoleName"], "Arn": arn, "Path": "/", "CreateDate": created}
            return Answer(200, {"Role": role})
        if operation == "ValidatePullThroughCacheRule":
            return Answer(200, {"isValid": True})
        return Answer(400, {}, "InvalidParameterException", operation)


class ModelClient(AwsClient):
    """The real client, whose calls reach the model."""

    def __init__(self, model: AwsModel, provider: Callable[[str], Any] | None = None) -> None:
        async def anybody(account: str) -> Credentials:
            return Credentials(account, "secret")

        options = AwsOptions(endpoint_url="http://127.0.0.1:1")
        clock = asyncio.get_running_loop().time
        super().__init__(options, provider=provider or anybody, clock=clock)
        self._model = model

    async def _once(self, call: Call, credentials: Credentials) -> Answer:
        if call.fence is not None:
            await call.fence()
        if call.operation == "GetCallerIdentity":
            account = credentials.access_key
            return Answer(200, {"Account": account, "Arn": f"arn:aws:iam::{account}:root"})
        return await self._model.answer(credentials.access_key, call.region, call.operation, call.params)


class Fleet:
    """An engine with all dependencies. Create it inside of `run`."""

    def __init__(
        self, folder: Path, model: AwsModel, *, concurrency: int, provider: Callable[[str], Any] | None = None
    ) -> None:
        self.model = model
        self.db = InlineDatabase(folder / "fleet.db")
        options = EngineOptions(concurrency=concurrency, lease=1e6, resync=1e5)
        self.engine = Engine(self.db, ModelClient(model, provider), options, jitter=lambda: 0.5)
        self._running = asyncio.create_task(self.engine.run())

    async def declare(self, account: str, region: str, prefix: str = "quay", *, notify: bool = True) -> None:
        """Declare one cache rule; `notify`: notify the engine."""
        rule = {"ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": "quay.io"}
        await self.declare_all(
            RegistryName(account, region), {"pull_through_cache_rules": {"rules": [rule]}}, notify=notify
        )

    async def declare_all(self, name: RegistryName, settings: dict[str, Any], *, notify: bool = True) -> None:
        """Declare settings; `notify`: notify the engine."""

        def write(tx: Tx) -> None:
            row = resources.ensure(tx, name, {})
            row = resources.set_spec(tx, row.name, row.spec)
            declaring.put(
                tx, SettingsName(name, "team"), settings,
                registry_generation=row.generation, origin=Origin("Test"), deletion_policy="REMOVE",
                allow_replacement=False,
            )  # fmt: skip

        await self.db.write(write)
        if notify:
            self.engine.triggers.wake()

    async def overdue(self, account: str, regions: int, seconds: float) -> None:
        """Create registries in sync whose resync has long been due."""
        rule = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
        for n in range(regions):
            self.model.rules[account, f"r{n}"] = {"quay": rule}
            await self.declare(account, f"r{n}", notify=False)
        late = int(seconds * 1_000_000)

        def backdate(tx: Tx) -> None:
            table, due = resources.resources, resources.schedule
            tx.conn.execute(table.update().where(table.c.account == account).values(observed_generation=1))
            change = due.update().where(due.c.account == account)
            tx.conn.execute(change.values(urgent=False, due_at=due.c.due_at - late))

        await self.db.write(backdate)

    async def rows(self, account: str) -> list[Resource]:
        return await self.db.read(lambda tx: resources.page(tx, "registry", account, "", 1000))

    async def end(self) -> None:
        await self.engine.stop(0)
        await self._running
        self.db.end()
