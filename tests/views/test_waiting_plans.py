"""A plan that waits for AWS holds no stored rows."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

import pytest
from ecrkeeper.v1 import registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.layers.capacity import Admission, CallCosts
from ecrkeeper_server.api.layers.data_limit import DataLimit
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.services.broadcaster import Changes
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.registries import Registries
from ecrkeeper_server.api.services.registry_settings import OwnerSettings
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.unit_of_work import Origin, UnitOfWork
from ecrkeeper_server.turns import WORK, Turns
from google.protobuf import field_mask_pb2

from tests import declaring
from tests.views.largest import REGISTRY, REPLICATION, replication

OWNER = f"{REGISTRY}/settings/a"


class WaitingAws:
    """Answers no call until it may."""

    def __init__(self) -> None:
        self.called, self.answer = asyncio.Event(), asyncio.Event()

    async def call(self, *_: Any) -> Any:
        self.called.set()
        await self.answer.wait()
        return {"registryId": REGISTRY.account, "replicationConfiguration": {"rules": []}}

    def regions(self, _: str) -> list[str]:
        return ["us-east-1", "eu-west-1"]


def seed(tx: Tx) -> None:
    settings = {REPLICATION: replication(20)}
    resources.ensure(tx, REGISTRY, {"mode": "ENFORCE"}, due=True)
    declaring.put(tx, SettingsName(REGISTRY, "a"), settings, registry_generation=1, origin=Origin("Test"))
    resources.patch(tx, str(REGISTRY), state={"observed": settings})


def update(deps: Dependencies) -> Any:
    message = registry_pb2.RegistrySettings(name=OWNER, allow_replacement=True)
    mask = field_mask_pb2.FieldMask(paths=["allow_replacement"])
    request = pb.UpdateRegistrySettingsRequest(registry_settings=message, update_mask=mask, validate_only=True)
    return OwnerSettings(deps).UpdateRegistrySettings(request, context())


def set_mode(deps: Dependencies) -> Any:
    registry = registry_pb2.Registry(name=str(REGISTRY), mode="OBSERVE")
    mask = field_mask_pb2.FieldMask(paths=["mode"])
    request = pb.UpdateRegistryRequest(registry=registry, update_mask=mask, validate_only=True)
    return Registries(deps).UpdateRegistry(request, context())


def context() -> Any:
    return None


def held() -> list[str]:
    """Return the kinds of stored rows in memory."""
    gc.collect()
    kinds = (Resource, Declaration, UnitOfWork)
    return sorted(type(each).__name__ for each in gc.get_objects() if isinstance(each, kinds))


@pytest.mark.parametrize("call", [update, set_mode])
async def test_waiting_plan_holds_no_stored_rows(db: Database, call: Any) -> None:
    before, aws = held(), WaitingAws()
    deps = Dependencies(
        db=db, aws=aws, changes=Changes(), wake=lambda: None, home_region="us-east-1",  # type: ignore[arg-type]
    )  # fmt: skip
    costs = CallCosts(Admission(Limits()), Turns(), "caller", time.thread_time, DataLimit())
    WORK.set(costs.work)
    planning = asyncio.create_task(call(deps))
    await asyncio.wait_for(aws.called.wait(), 30)
    during = held()
    aws.answer.set()
    planned = await asyncio.wait_for(planning, 30)
    assert planned.plan.digest
    assert during == before
