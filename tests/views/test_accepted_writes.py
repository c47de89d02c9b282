"""A caller gets the answer to a stored change, however much it costs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from ecrkeeper.v1 import common_pb2, fleet_pb2, registry_pb2
from ecrkeeper.v1 import fleet_service_pb2 as fleet
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.registries import Registries
from ecrkeeper_server.api.services.registry_sets import RegistrySets
from ecrkeeper_server.api.services.registry_settings import OwnerSettings
from ecrkeeper_server.errors import ResourceExhausted
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.settings.codec import settings_from_aws
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.tables import audit_events
from ecrkeeper_server.store.unit_of_work import Origin
from ecrkeeper_server.turns import WORK, Turns, Work
from google.protobuf import field_mask_pb2
from sqlalchemy import select

from tests import declaring
from tests.dependencies import dependencies
from tests.views.largest import REGISTRY, REPLICATION, replication

# More elements than a call may have for free.
LARGE = {REPLICATION: replication(20)}


class Rejecting:
    """A database after whose first stored change every charge rejects the call."""

    def __init__(self, db: Database) -> None:
        self.read, self.read_in_turns, self.trace = db.read, db.read_in_turns, db.trace
        self.read_then_parse, self.reads_inline = db.read_then_parse, db.reads_inline
        self.db, self.stored = db, False

    async def write(self, change: Callable[[Tx], Any]) -> Any:
        def run(tx: Tx) -> Any:
            result = change(tx)
            # An accepted call records its event.
            self.stored = self.stored or tx.conn.execute(select(audit_events.c.id)).first() is not None
            return result

        return await self.db.write(run)

    def charge(self, elements: int) -> None:
        if self.stored:
            raise ResourceExhausted(f"{elements} elements", reason="WORK_LIMITED")


def seed(tx: Tx) -> None:
    resources.ensure(tx, REGISTRY, {"mode": "ENFORCE"}, due=True)
    declaring.put(tx, SettingsName(REGISTRY, "a"), LARGE, registry_generation=1, origin=Origin("Test"))


def set_mode(deps: Dependencies) -> Awaitable[Any]:
    registry = registry_pb2.Registry(name=str(REGISTRY), mode=common_pb2.OBSERVE)
    mask = field_mask_pb2.FieldMask(paths=["mode"])
    return Registries(deps).UpdateRegistry(pb.UpdateRegistryRequest(registry=registry, update_mask=mask), None)  # type: ignore[arg-type]


def declare(deps: Dependencies) -> Awaitable[Any]:
    message = registry_pb2.RegistrySettings(name=f"{REGISTRY}/settings/a", allow_replacement=True)
    mask = field_mask_pb2.FieldMask(paths=["allow_replacement"])
    request = pb.UpdateRegistrySettingsRequest(registry_settings=message, update_mask=mask)
    return OwnerSettings(deps).UpdateRegistrySettings(request, None)  # type: ignore[arg-type]


def create_set(deps: Dependencies) -> Awaitable[Any]:
    registry_set = fleet_pb2.RegistrySet(settings=settings_from_aws(LARGE))
    registry_set.selector.accounts = 'account = "999999999999"'
    request = fleet.CreateRegistrySetRequest(registry_set_id="base", registry_set=registry_set)
    return RegistrySets(deps).CreateRegistrySet(request, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("call", [set_mode, declare, create_set])
async def test_accepted_write_is_answered_in_debt(db: Database, call: Callable[[Dependencies], Awaitable[Any]]) -> None:
    await db.write(seed)
    rejecting = Rejecting(db)
    WORK.set(lambda: Work(Turns(), "caller", charge=rejecting.charge))
    assert (await call(dependencies(rejecting))).etag
    assert rejecting.stored
