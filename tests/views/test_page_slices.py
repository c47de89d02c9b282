"""The rows of a list are rendered in slices, even if each of them is small."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import pytest
from ecrkeeper.v1 import audit_service_pb2, fleet_service_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as settings_pb2
from ecrkeeper_server.api.services.audit import Audit
from ecrkeeper_server.api.services.operations import Operations
from ecrkeeper_server.api.services.registry_set_lists import RegistrySetLists
from ecrkeeper_server.api.services.revisions import Revisions
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import audit, operations, registry_sets, resources
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.fleet_rows import SetRow
from ecrkeeper_server.store.fleet_specs import Selector, SetSpec, Wave
from ecrkeeper_server.store.specs import NEW_REGISTRY
from ecrkeeper_server.store.unit_of_work import Origin
from ecrkeeper_server.turns import SLICE, WORK, Turns, Work
from google.longrunning import operations_pb2

from tests import declaring
from tests.dependencies import dependencies

ROWS = 20
NAME = SettingsName(RegistryName("111111111111", "us-east-1"), "a")
SPEC = SetSpec(selector=Selector(), settings={}, waves=(Wave(),)).to_json()


def seed(tx: Tx) -> None:
    row = resources.ensure(tx, NAME.registry, NEW_REGISTRY)
    for at in range(ROWS):
        operations.end(tx, operations.create(tx, "ReconcileRegistry", row), response={})
        shape = {"scanning_configuration": {"scanType": ("BASIC", "ENHANCED")[at % 2]}}
        declaring.put(tx, NAME, shape, registry_generation=1, origin=Origin("Test"))
        audit.add(tx, [NewEvent(kind="CALL", method="Test", resource=str(NAME), principal="a")])
        registry_set = SetRow(
            id=f"set-{at:02}", uid="u", spec=SPEC, authority={}, generation=1, create_time=1, update_time=1
        )
        registry_sets.add(tx, registry_set)


LISTS: list[tuple[Any, str, Any, str]] = [
    (Operations, "ListOperations", operations_pb2.ListOperationsRequest(), "operations"),
    (partial(Revisions, declarations=None), "ListRegistrySettingsRevisions", settings_pb2.ListRegistrySettingsRevisionsRequest(name=str(NAME)),
     "revisions"),
    (Audit, "ListAuditEvents", audit_service_pb2.ListAuditEventsRequest(), "audit_events"),
    (RegistrySetLists, "ListRegistrySets", fleet_service_pb2.ListRegistrySetsRequest(), "registry_sets"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "method", "request_", "field"), LISTS, ids=[each[1] for each in LISTS])
async def test_rows_of_a_page_are_rendered_in_slices(
    db: Database, service: Any, method: str, request_: Any, field: str
) -> None:
    deps = dependencies(db)
    ticks, turns = itertools.count(), list[float]()
    # Each look at the clock is a slice later, so that a turn is one step.
    clock = Turns(lambda: next(ticks) * SLICE * 0.9)
    WORK.set(lambda: Work(clock, "a", spent=turns.append))
    answer = await getattr(service(deps), method)(request_, None)
    assert len(getattr(answer, field)) >= ROWS
    assert len(turns) >= ROWS
