"""Lists that span pages."""

from __future__ import annotations

import asyncio

import ecrkeeper
import pytest
from ecrkeeper.v1.registry_settings_service_pb2 import ListRegistriesRequest, ListRegistriesResponse

from .fake import FakeServer, fail

PAGES = {"": (["a", "b"], "2"), "2": ([], "3"), "3": (["c"], "")}


@pytest.fixture(autouse=True)
def pages(server: FakeServer) -> None:
    def page(request: ListRegistriesRequest, _context: object) -> ListRegistriesResponse:
        names, following = PAGES[request.page_token]
        return ListRegistriesResponse(registries=[{"name": name} for name in names], next_page_token=following)

    server.on("ListRegistries", page)


def test_iteration_reads_all_pages_with_same_request(server: FakeServer, client: ecrkeeper.Client) -> None:
    registries = client.list_registries("accounts/1", 'region = "us-east-1"', page_size=2)
    assert [registry.name for registry in registries] == ["a", "b", "c"]
    requests = server.requests("ListRegistries")
    assert [request.page_token for request in requests] == ["", "2", "3"]
    assert {(r.parent, r.filter, r.page_size) for r in requests} == {("accounts/1", 'region = "us-east-1"', 2)}


def test_pager_is_lazy(server: FakeServer, client: ecrkeeper.Client) -> None:
    registries = client.list_registries()
    assert server.received == []
    assert next(iter(registries)).name == "a"
    assert len(server.received) == 1


def test_iteration_starts_at_first_page(client: ecrkeeper.Client) -> None:
    registries = client.list_registries()
    assert len(list(registries)) == len(list(registries)) == 3


def test_pages_are_the_responses(client: ecrkeeper.Client) -> None:
    assert [page.next_page_token for page in client.list_registries().pages] == ["2", "3", ""]


def test_list_resumes_at_a_page(client: ecrkeeper.Client) -> None:
    assert [registry.name for registry in client.list_registries(page_token="3")] == ["c"]


def test_rejected_page_raises_when_read(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on(
        "ListRegistries", ListRegistriesResponse(registries=[{"name": "a"}], next_page_token="2"), fail("ABORTED")
    )
    registries = iter(client.list_registries())
    assert next(registries).name == "a"
    with pytest.raises(ecrkeeper.Conflict):
        next(registries)


def test_asyncio_pager_matches_sync_pager(server: FakeServer) -> None:
    async def read() -> tuple[list[str], list[str]]:
        async with ecrkeeper.AsyncClient(server.target, insecure=True) as client:
            registries = client.list_registries()
            names = [registry.name async for registry in registries]
            return names, [page.next_page_token async for page in registries.pages]

    assert asyncio.run(read()) == (["a", "b", "c"], ["2", "3", ""])
