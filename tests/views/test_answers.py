"""Responses of operations, and pages of elements, of a large registry."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from ecrkeeper.v1 import registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.declarations.audit_records import settings_changes
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.store import audit, operations, resources
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.unit_of_work import Origin
from google.longrunning import operations_pb2
from msgspec.structs import replace

from tests import declaring
from tests.edge.conftest import Running, Serve
from tests.summaries import final_response
from tests.views import largest

NAME = str(largest.REGISTRY)
SETTINGS, OPERATIONS = "/ecrkeeper.v1.RegistrySettingsService", "/google.longrunning.Operations"
BASIC = registry_pb2.BASIC


async def seed(server: Running, row: Resource, declared: Declaration) -> None:
    """Store a registry with an owner, revisions, audit events and an ended operation."""

    def store(tx: Tx) -> None:
        stored = resources.ensure(tx, largest.REGISTRY, row.spec)
        resources.patch(tx, stored.name, state=row.state)
        name, origin = SettingsName(largest.REGISTRY, "platform"), Origin("Test")
        for settings in ({}, declared.settings):
            declaring.put(tx, name, settings, registry_generation=1, origin=origin)
        changes = list(settings_changes({}, declared.settings))
        event = NewEvent(kind="CALL", method="UpdateRegistrySettings", resource=NAME, account="1" * 12, changes=changes)
        audit.add(tx, [event] * 30)
        operation = operations.create(tx, "ReconcileRegistry", stored)
        operations.end(tx, operation, response=final_response(tx, replace(stored, state=row.state)))

    await server.db.write(store)


@pytest.fixture
async def small(serve: Serve) -> AsyncIterator[Running]:
    """A server with one registry of some elements."""
    row, (declared,) = largest.registry(length=8)
    kept = (largest.TEMPLATES, "pull_through_cache_rules")
    drift = [each for each in row.state["drift"] if each["setting"] in kept][:3]
    observed = {name: row.state["observed"][name] for name in kept}
    observed[largest.TEMPLATES] = largest.templates(0, 90)
    settings = {name: declared.settings[name] for name in kept}
    async with serve(Limits()) as server:
        state = {**row.state, "drift": drift, "remediation": None, "observed": observed}
        await seed(server, replace(row, state=state), replace(declared, settings=settings))
        yield server


async def test_operation_stores_its_response(small: Running) -> None:
    def change(tx: Tx) -> None:
        resources.patch(tx, NAME, state={})

    async with small.calls() as calls:
        before = await calls.get(b"", f"{OPERATIONS}/ListOperations")
        await small.db.write(change)
        assert await calls.get(b"", f"{OPERATIONS}/ListOperations") == before
    (operation,) = operations_pb2.ListOperationsResponse.FromString(before).operations
    response = registry_pb2.Registry()
    assert operation.response.Unpack(response)
    assert (response.name, response.view) == (NAME, BASIC)
    assert response.last_error.message and response.worst_problem.reason == "AWS_REJECTED"
    assert response.element_counts


async def test_elements_are_paged_without_gap_or_duplicate(small: Running) -> None:
    keys: list[tuple[str, str]] = []
    token = ""
    async with small.calls() as calls:
        while True:
            request = pb.ListRegistryElementsRequest(
                parent=NAME, page_size=60, page_token=token, filter=f"setting = {largest.TEMPLATES}"
            )
            answer = await calls.get(request.SerializeToString(), f"{SETTINGS}/ListRegistryElements", timeout=60)
            page = pb.ListRegistryElementsResponse.FromString(answer)
            keys += [(each.setting, each.key) for each in page.elements]
            token = page.next_page_token
            if not token:
                break
    assert len(keys) == len(set(keys)) == 100
    assert keys == sorted(keys)


FILTERS = [
    ("state = OUT_OF_SYNC", {registry_pb2.Element.OUT_OF_SYNC}, "by state"),
    ('owner = "platform" AND setting = pull_through_cache_rules', {registry_pb2.Element.IN_SYNC}, "by owner"),
    ('owner = "nobody"', set(), "an owner who declares nothing"),
]


@pytest.mark.parametrize(("text", "states", "reason"), FILTERS)
async def test_elements_are_filtered(small: Running, text: str, states: set[int], reason: str) -> None:
    request = pb.ListRegistryElementsRequest(parent=NAME, filter=text)
    async with small.calls() as calls:
        answer = await calls.get(request.SerializeToString(), f"{SETTINGS}/ListRegistryElements", timeout=60)
    assert {each.state for each in pb.ListRegistryElementsResponse.FromString(answer).elements} == states, reason
