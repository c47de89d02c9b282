"""An engine with a manual clock and an in-process simulated AWS."""

from __future__ import annotations

import asyncio
import json
import urllib.request
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws.client import AwsClient, AwsOptions
from ecrkeeper_server.aws.wire import Credentials
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.engine.options import EngineOptions
from ecrkeeper_server.engine.worker import Engine
from ecrkeeper_server.iam_policy.policy import Scope, policy
from ecrkeeper_server.names import RegistryName, RoleName, SettingsName
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store import operations, resources, schema
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.rows import Operation, Resource
from ecrkeeper_server.store.unit_of_work import Origin
from ecrkeeper_sim.server import Simulator, serve
from ecrkeeper_testing.clock import fixed_time

from tests import databases, declaring

ACCOUNT, REGION = "111111111111", "us-east-1"
REGISTRY = RegistryName(ACCOUNT, REGION)
ROLE = RoleName(ACCOUNT, "replication")
LEASE = 30.0


@dataclass
class RecordingAws:
    """The real client on the simulated AWS, with recorded calls and hooks."""

    client: AwsClient
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    faults: dict[str, Callable[[str], AwsError | None]] = field(default_factory=dict)
    before: dict[str, Callable[[], Any]] = field(default_factory=dict)

    async def call(
        self, account: str, region: str, service: str, operation: str, params: dict[str, Any]
    ) -> dict[str, Any]:
        await self._note(region, operation, params)
        return await self.client.call(account, region, service, operation, params)

    async def write(self, call: Call) -> dict[str, Any]:
        await self._note(call.region, call.operation, call.params)
        return await self.client.write(call)

    async def _note(self, region: str, operation: str, params: dict[str, Any]) -> None:
        if operation in self.before:
            await self.before.pop(operation)()
        self.calls.append((region, operation, params))
        fault = self.faults.get(operation)
        if fault is not None and (error := fault(region)) is not None:
            raise error

    def regions(self, partition: str) -> list[str]:
        return self.client.regions(partition)

    def partitions(self) -> list[str]:
        return self.client.partitions()

    @property
    def writes(self) -> list[str]:
        """Return the mutating operations in order."""
        reading = ("Get", "List", "Describe")
        return [operation for _, operation, _ in self.calls if not operation.startswith(reading)]


@dataclass
class World:
    """Everything that a test of the engine uses; `others` calls as an administrator."""

    db: Database
    aws: RecordingAws
    simulator: Simulator
    engine: Engine
    others: AwsClient
    seconds: float = 1_800_000_000.0

    async def raw(self, operation: str, service: str = "ecr", region: str = REGION, **params: Any) -> dict[str, Any]:
        """Make one call as somebody else."""
        return await self.others.write(Call(ACCOUNT, region, service, operation, params))

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Make one call of the simulated AWS's control API."""
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"{self.simulator.url}/_sim/{path}", json=body) as answer,
        ):
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def seed(self, state: dict[str, Any], region: str = REGION) -> None:
        """Change a registry out of band."""
        await self.control("PUT", f"accounts/{ACCOUNT}/registries/{region}", state)

    async def present(self, region: str = REGION) -> Any:
        """Return what AWS has for the registry."""
        return await self.control("GET", f"accounts/{ACCOUNT}/registries/{region}")

    async def declare(
        self, settings: dict[str, Any], owner: str = "team-a", registry: RegistryName = REGISTRY, **options: Any
    ) -> None:
        name = SettingsName(registry, owner)

        def write(tx: Tx) -> None:
            row = resources.ensure(tx, registry, {})
            row = resources.set_spec(tx, row.name, row.spec)
            declaring.put(
                tx, name, settings, registry_generation=row.generation, origin=Origin("Test"),
                **{"deletion_policy": "REMOVE", "allow_replacement": False, **options},
            )  # fmt: skip

        await self.db.write(write)

    async def withdraw(self, owner: str = "team-a") -> None:
        def write(tx: Tx) -> None:
            declared = declaring.get(tx, SettingsName(REGISTRY, owner))
            assert declared is not None
            declaring.remove(tx, declared, Origin("Test"))
            resources.set_spec(tx, str(REGISTRY), (resources.get(tx, str(REGISTRY)) or row_missing()).spec)

        await self.db.write(write)

    async def set_spec(self, spec: dict[str, Any], name: RegistryName | RoleName = REGISTRY) -> Resource:
        """Change the settings of a registry resource, or the spec of a role."""

        def write(tx: Tx) -> Resource:
            row = resources.ensure(tx, name, {})
            return resources.set_spec(tx, row.name, {**row.spec, **spec})

        return await self.db.write(write)

    async def begin(self, method: str, name: RegistryName | RoleName = REGISTRY) -> Operation:
        return await self.db.write(lambda tx: operations.create(tx, method, resources.request(tx, str(name))))

    async def operation(self, operation: Operation) -> Operation:
        stored = await self.db.read(lambda tx: operations.get(tx, operation.id))
        assert stored is not None
        return stored

    async def reconcile(self, name: RegistryName | RoleName = REGISTRY) -> Resource:
        """Reconcile all due resources once."""
        self.aws.calls.clear()
        assert await self.engine.claim_once(), "nothing is due"
        await self.engine.drain()
        return await self.row(name)

    async def resync(self, name: RegistryName | RoleName = REGISTRY) -> Resource:
        """Advance the clock until the resource is reconciled again."""
        self.seconds += 2000
        return await self.reconcile(name)

    async def row(self, name: RegistryName | RoleName = REGISTRY) -> Resource:
        stored = await self.db.read(lambda tx: resources.get(tx, str(name)))
        return stored or row_missing()

    async def due_in(self, name: RegistryName | RoleName = REGISTRY) -> float | None:
        row = await self.row(name)
        return None if row.due_at is None else row.due_at / 1_000_000 - self.seconds


def row_missing() -> Resource:
    raise AssertionError("no such row")


def holds(row: Resource, condition: str) -> bool:
    return {c["type"]: c["status"] for c in row.stored_state["conditions"]}[condition] == "TRUE"


def reason_of(row: Resource, condition: str) -> str:
    return str({c["type"]: c["reason"] for c in row.stored_state["conditions"]}[condition])


def _requests(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{url}/_sim/requests?since=0", timeout=10) as answer:
        return list(json.load(answer)["requests"])


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    url = databases.new_sqlite(tmp_path / f"{uuid.uuid4().hex}.db")
    async with a_world(url, monkeypatch) as created:
        yield created


@asynccontextmanager
async def a_world(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A world on a migrated database; all requests must satisfy AWS's models."""

    async def provide(account: str) -> Credentials:
        return Credentials(account, "secret")

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "999999999999")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    rights = policy(Scope(settings=tuple(SETTINGS), enforce=True))
    async with serve(iam_policy=rights) as simulator:
        others = AwsClient(AwsOptions(endpoint_url=simulator.url), provider=provide)
        role = "arn:aws:iam::{account}:role/ecrkeeper"
        client = AwsClient(AwsOptions(endpoint_url=simulator.url, role_template=role))
        aws = RecordingAws(client)
        worlds: list[World] = []
        db = schema.open_database(url, now=fixed_time(lambda: worlds[0].seconds))
        engine = Engine(db, aws, EngineOptions(lease=LEASE, resync=900.0), jitter=lambda: 1.0)
        worlds.append(World(db, aws, simulator, engine, others))
        yield worlds[0]
        await engine.stop(1)
        logged = await asyncio.to_thread(_requests, simulator.url)
        assert not [r for r in logged if r["model_violations"]], "requests that break AWS's own models"
        assert not [r for r in logged if not all(r.get("actions", {}).values())], (
            "rights that the generated policy lacks"
        )
        await db.close()
        await client.close()
        await others.close()
