"""On Postgres, calls parse what they read on the event loop.

A thread would take the GIL from it.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Any
from unittest import mock

import pytest
from ecrkeeper.v1 import audit_service_pb2, fleet_service_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.messages.registry import FULL
from ecrkeeper_server.api.services.audit import Audit
from ecrkeeper_server.api.services.context import Dependencies, resource_fields
from ecrkeeper_server.api.services.fleet import FleetView
from ecrkeeper_server.api.services.operations import Operations
from ecrkeeper_server.api.services.registries import Registries
from ecrkeeper_server.api.services.registry_set_lists import RegistrySetLists
from ecrkeeper_server.api.services.registry_sets import RegistrySets
from ecrkeeper_server.api.services.revisions import Revisions
from ecrkeeper_server.api.services.rollouts import Rollouts
from ecrkeeper_server.api.services.shared_reads import SharedReads
from ecrkeeper_server.api.services.watch_stream import watched
from ecrkeeper_server.fleet import growth
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.fleet.planner import Planner
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.elements import Change, ChangeKind
from ecrkeeper_server.store import (
    audit,
    audit_stream,
    declarations,
    fleet_accounts,
    operations,
    registry_sets,
    resources,
    rows,
    tables,
)
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_server.store.fleet_specs import Selector, SetSpec, Wave
from ecrkeeper_server.store.long_json import LONG
from ecrkeeper_server.store.state_parts import StoredError
from ecrkeeper_server.store.work import columns_of
from google.longrunning import operations_pb2
from msgspec.structs import replace
from sqlalchemy import update

from tests.dependencies import dependencies
from tests.parsing import Parsed
from tests.views import largest

from .test_large_rows import NAME, NUMBERS, SET, seed
from .test_long_reads import MANY, OWNERS, fill

# A list reads a page of accounts, and which operations there are, in the thread.
FEW_CHARACTERS = 1_000
Call = Callable[[Dependencies], Awaitable[Any]]
ROLLOUT = f"registrySets/{SET}/rollouts/1"


def prepare(tx: Tx) -> None:
    fill(tx)
    seed(tx)
    state = {"owners": {SET: {"conditions": []}}, "observed": {"registry_policy": {"policyText": "x" * 50_000}}}
    resources.patch(tx, str(MANY), state=state)
    fleet_accounts.add(tx, AccountRow(account=MANY.account, uid="u", regions=[MANY.region]))
    registry_sets.change(tx, SET, current_revision=1)
    managed = replace(
        largest.owner(SET, {}), region=MANY.region, managed_by=f"registrySets/{SET}", set_revision=1,
        observed_generation=99,
    )  # fmt: skip
    tx.insert_rows(tables.declarations, [columns_of(managed)])
    tx.conn.execute(update(tables.resources).where(tables.resources.c.name == str(MANY)).values(reason="AWS_REJECTED"))
    row = resources.get(tx, str(MANY))
    assert row is not None
    operations.end(
        tx,
        operations.create(tx, "ReconcileRegistry", row),
        error=StoredError(code="INTERNAL", reason="TEST", message="x" * 60_000),
    )
    change = Change("tags", "a", ChangeKind.ADD, None, "x" * 3_000)
    audit.record(
        tx, [audit.NewEvent(kind="CALL", method="Test", resource="one", account=MANY.account, changes=[change])] * 5
    )


@pytest.fixture
async def prepared(db: Database) -> Database:
    await db.write(prepare)
    return db


async def snapshot(deps: Dependencies) -> None:
    async for event in watched(deps, RegistryName.kind, "-", "", resource_fields("region", {})):
        if event.kind == "SNAPSHOT_COMPLETE":
            return
        assert event.name != str(MANY) or len(event.declared) == OWNERS + len(NUMBERS) + 2


async def changes(deps: Dependencies) -> None:
    reads = await SharedReads(deps.db, deps.changes, deps.turns).of((str(MANY),))
    assert len(reads[str(MANY)].declared) > OWNERS


async def plan(deps: Dependencies) -> None:
    planned = await Planner(
        SetName("other"), SetSpec(selector=Selector(), settings={}, waves=(Wave(),)), lambda _: True
    ).run(deps.db)
    assert planned.total == 1


async def grow(deps: Dependencies) -> None:
    (row,) = await deps.db.read_then_parse(lambda tx: registry_sets.reading(tx, [SET]))
    # The transaction that begins a rollout reads and parses again.
    with mock.patch.object(growth, "_grow"):
        await growth.compare(deps.db, row)


async def part(deps: Dependencies) -> None:
    read = await deps.db.read_then_parse(lambda tx: audit_stream.streaming(tx, (0, 0), audit.Selection(), 100))
    assert read.events


def of(service: Any, method: str, request: Any) -> Call:
    return lambda deps: getattr(service(deps), method)(request, None)


CALLS: list[tuple[str, Call, int]] = [
    ("the snapshot of a watch", snapshot, OWNERS * 50),
    ("the changes of a watch", changes, OWNERS * 50),
    ("ListRegistries", of(Registries, "ListRegistries", pb.ListRegistriesRequest(parent="accounts/-")), OWNERS * 50),
    ("ListRegistries with a view", of(Registries, "ListRegistries",
     pb.ListRegistriesRequest(parent="accounts/-", view=FULL, filter="mode = ENFORCE")), OWNERS * 50),
    ("UpdateRegistry", of(Registries, "UpdateRegistry",
     pb.UpdateRegistryRequest(registry={"name": str(MANY), "mode": "OBSERVE"}, update_mask={"paths": ["mode"]})),
     OWNERS * 50),
    ("ListRegistrySets", of(RegistrySetLists, "ListRegistrySets", fleet_service_pb2.ListRegistrySetsRequest()),
     2_900_000),
    ("GetRegistrySet", of(RegistrySets, "GetRegistrySet",
     fleet_service_pb2.GetRegistrySetRequest(name=f"registrySets/{SET}")), 290_000),
    ("ListRegistrySetRevisions", of(RegistrySetLists, "ListRegistrySetRevisions",
     fleet_service_pb2.ListRegistrySetRevisionsRequest(parent=f"registrySets/{SET}")), 1_000_000),
    ("ListRegistrySetTargets", of(RegistrySetLists, "ListRegistrySetTargets",
     fleet_service_pb2.ListRegistrySetTargetsRequest(parent=f"registrySets/{SET}")), 340_000),
    ("GetRollout", of(Rollouts, "GetRollout", fleet_service_pb2.GetRolloutRequest(name=ROLLOUT)), 50),
    ("ListRollouts", of(Rollouts, "ListRollouts",
     fleet_service_pb2.ListRolloutsRequest(parent=f"registrySets/{SET}")), 1_000),
    ("ListRegistrySettingsRevisions", of(lambda deps: Revisions(deps, None),  # type: ignore[arg-type]
     "ListRegistrySettingsRevisions", pb.ListRegistrySettingsRevisionsRequest(name=str(NAME))), 1_000_000),
    ("GetFleet", of(FleetView, "GetFleet", fleet_service_pb2.GetFleetRequest()), 50_000),
    ("ListOperations", of(Operations, "ListOperations", operations_pb2.ListOperationsRequest()), 60_000),
    ("ListAuditEvents", of(Audit, "ListAuditEvents", audit_service_pb2.ListAuditEventsRequest()), 15_000),
    ("WatchAuditEvents", part, 15_000),
    ("the plan of a set", plan, 2_900_000),
    ("the growth of a set", grow, 290_000),
]  # fmt: skip


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize(("what", "call", "least"), CALLS, ids=[what for what, *_ in CALLS])
async def test_call_parses_on_the_event_loop(
    prepared: Database, monkeypatch: pytest.MonkeyPatch, what: str, call: Call, least: int
) -> None:
    deps, parsed, made = dependencies(prepared), Parsed(monkeypatch, short=True), set[int]()

    def making(*columns: Any) -> rows.Declaration:
        made.add(threading.get_ident())
        return rows.Declaration(*columns)

    monkeypatch.setattr(declarations, "Declaration", making)
    await call(deps)
    assert parsed.characters - parsed.in_threads >= least, what
    # A write parses the state that it changes, which is short.
    assert parsed.in_threads <= (2 * LONG if what == "UpdateRegistry" else FEW_CHARACTERS), what
    if what != "ListRegistrySetTargets":
        # Its declarations have no settings.
        assert made <= {threading.get_ident()}, what
