"""Pages fit into gRPC's limits for any row size, and cost what they return."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper.v1.registry_pb2 import FULL
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.services.page_tokens import TokenSigner
from ecrkeeper_server.api.services.pages import Page, scan
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import operations, resources
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.specs import NEW_REGISTRY
from ecrkeeper_server.store.unit_of_work import Origin
from google.longrunning import operations_pb2
from google.protobuf.wrappers_pb2 import StringValue

from tests import declaring
from tests.edge.calls import SETTINGS
from tests.edge.conftest import Serve
from tests.summaries import final_response

FIRST = 100_000_000_000
MANY = 120
# The default limit of gRPC in every language.
MOST_BYTES = 4 * 2**20
# About 20 KB.
ERROR: dict[str, Any] = {
    "code": "FAILED_PRECONDITION", "reason": "AWS_REJECTED", "message": "no",
    "preconditions": [["AWS_REJECTED", f"s/{at}", "x" * 500] for at in range(100)],
}  # fmt: skip
SIGNER = TokenSigner(b"key", pb.ListRegistriesRequest(), "alice")


def declared(at: int) -> dict[str, Any]:
    """Return a declaration of about 60 KB."""
    policy = '{"rules":[' + "1" * 30_000 + str(at) + "]}"
    templates = [{"prefix": f"p{n}", "appliedFor": ["REPLICATION"], "lifecyclePolicy": policy} for n in range(2)]
    return {"repository_creation_templates": {"templates": templates}}


def fill(tx: Tx) -> None:
    for at in range(MANY):
        registry = RegistryName(str(FIRST + at), "us-east-1")
        row = resources.ensure(tx, registry, NEW_REGISTRY)
        operation = operations.create(tx, "ReconcileRegistry", row)
        response = final_response(tx, row)
        owners = [{"owner": "a", "generation": 1, "observed_generation": 1, "conditions": [], "error": ERROR}] * 3
        operations.end(tx, operation, response={**response, "declarations": owners})
        for revision in range(MANY if not at else 1):
            declaring.put(
                tx, SettingsName(registry, "web"), declared(revision), deletion_policy="REMOVE",
                allow_replacement=False, registry_generation=1, origin=Origin("Test", "", "", ""),
            )  # fmt: skip


LISTS: dict[str, tuple[str, Any, Any]] = {
    "registries": (
        f"{SETTINGS}/ListRegistries", pb.ListRegistriesRequest(parent="accounts/-", view=FULL),
        pb.ListRegistriesResponse,
    ),
    "registry_settings": (
        f"{SETTINGS}/ListRegistrySettings", pb.ListRegistrySettingsRequest(parent="accounts/-/registries/-"),
        pb.ListRegistrySettingsResponse,
    ),
    "revisions": (
        f"{SETTINGS}/ListRegistrySettingsRevisions",
        pb.ListRegistrySettingsRevisionsRequest(name=f"accounts/{FIRST}/registries/us-east-1/settings/web"),
        pb.ListRegistrySettingsRevisionsResponse,
    ),
    "operations": (
        "/google.longrunning.Operations/ListOperations", operations_pb2.ListOperationsRequest(),
        operations_pb2.ListOperationsResponse,
    ),
}  # fmt: skip


@pytest.mark.parametrize("field", LISTS)
async def test_large_resources_shorten_pages_without_gaps(serve: Serve, field: str) -> None:
    method, request, response = LISTS[field]
    request.page_size, pages, names = 1000, 0, []
    # One caller reads all pages at once.
    limits = Limits(elements_per_principal=0, cpu_per_principal=0)
    async with serve(limits) as server, server.calls() as calls:
        await server.db.write(fill)
        request.page_token = ""
        while pages == 0 or request.page_token:
            content = await calls.get(request.SerializeToString(), method)
            assert len(content) < MOST_BYTES / 2
            answer = response.FromString(content)
            names += [getattr(row, "name", None) or row.revision for row in getattr(answer, field)]
            request.page_token, pages = answer.next_page_token, pages + 1
    assert len(names) == len(set(names)) == MANY
    assert pages > 3


async def test_revisions_of_undeclared_resource_are_not_found(serve: Serve) -> None:
    method, request, _ = LISTS["revisions"]
    request.page_token = ""
    async with serve(Limits()) as server, server.calls() as calls:
        assert (await calls.failure(request.SerializeToString(), method)).code == "NOT_FOUND"


class Rows:
    """Numbers as rows, with a count of fetched ones."""

    def __init__(self, count: int, size: int = 10) -> None:
        self.count, self.size = count, size
        self.fetched = self.rendered = 0

    async def fetch(self, after: int, limit: int) -> list[int]:
        rows = list(range(after + 1, self.count))[:limit]
        self.fetched += len(rows)
        return rows

    async def show(self, rows: Any) -> list[StringValue]:
        self.rendered += len(rows)
        return [StringValue(value=f"{row} {'x' * self.size}") for row in rows]

    async def page(self, page: Page, meets: Any = lambda _: True, may: Any = lambda _: True) -> tuple[list[int], str]:
        rows, token = await scan(self.fetch, page, meets, lambda row: row, may, self.show)
        return [int(message.value.split()[0]) for message in rows], token


async def test_short_page_reads_no_more_than_it_returns() -> None:
    rows = Rows(10_000)
    assert await rows.page(Page(-1, 10, SIGNER)) == (list(range(10)), Page(-1, 10, SIGNER).token(9))
    assert (rows.fetched, rows.rendered) == (11, 10)


async def test_page_renders_only_fitting_rows() -> None:
    rows = Rows(1000, size=500_000)
    page, token = await rows.page(Page(-1, 1000, SIGNER))
    assert (page, token) == ([0, 1], Page(-1, 1, SIGNER).token(1))
    assert (rows.fetched, rows.rendered) == (101, 20)


async def test_oversized_resource_has_its_own_page() -> None:
    page, token = await Rows(3, size=2_000_000).page(Page(0, 10, SIGNER))
    assert (page, token) == ([1], Page(0, 1, SIGNER).token(1))


async def test_sparse_filter_ends_page_early_with_opaque_token() -> None:
    rows = Rows(50_000)
    page, token = await rows.page(Page(-1, 10, SIGNER), meets=lambda row: row == 7)
    assert page == [7] and token and rows.fetched < 11_000
    rows = Rows(50_000)
    page, token = await rows.page(Page(-1, 2, SIGNER), may=lambda row: row % 1000 == 0)
    assert (page, token) == ([0, 1000], Page(-1, 2, SIGNER).token(1000))


async def test_last_page_has_no_token() -> None:
    assert await Rows(11).page(Page(-1, 11, SIGNER)) == (list(range(11)), "")
    assert await Rows(0).page(Page(-1, 11, SIGNER)) == ([], "")
