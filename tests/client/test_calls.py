"""How calls are sent: retries, deadlines, request ids, closing."""

from __future__ import annotations

import asyncio
import inspect
import threading
import uuid
from typing import Any

import ecrkeeper
import grpc
import pytest
from ecrkeeper import _audit, _declarations, _operation, _registries, _roles, _server
from ecrkeeper._base import PATHS, Paged, Unary
from google.longrunning import operations_pb2
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor

from .fake import FakeServer, fail

NAME = "accounts/111111111111/registries/us-east-1"
OWNED = f"{NAME}/settings/team-a"
SAMPLES: dict[str, Any] = {
    "name": NAME,
    "parent": NAME,
    "registry_settings_id": "team-a",
    "service_linked_role_id": "replication",
    "ecr_repository_prefix": "hub",
    "repository": "app",
    "revision": 3,
    "settings": {},
    "destination": ecrkeeper.ReplicationDestination(region="eu-west-1", registry_id="222222222222"),
    "registry": ecrkeeper.Registry(name=NAME),
    "registry_settings": ecrkeeper.RegistrySettings(name=OWNED),
    "service_linked_role": ecrkeeper.ServiceLinkedRole(name="accounts/1/serviceLinkedRoles/replication"),
}
BUILDERS = [
    build
    for module in (_roles, _registries, _declarations, _audit, _server, _operation)
    for name, build in vars(module).items()
    if inspect.isfunction(build) and build.__module__ == module.__name__ and not name.startswith("_")
]


def built(build: Any) -> Any:
    needed = [p.name for p in inspect.signature(build).parameters.values() if p.default is p.empty]
    return build(**{name: SAMPLES[name] for name in needed})


def rpc(path: str) -> MethodDescriptor:
    service, _, name = path.removeprefix("/").partition("/")
    return descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_a_method_expects_what_its_rpc_returns(build: Any) -> None:
    call = built(build)
    call = call.first if isinstance(call, Paged) else call
    output = rpc(PATHS[call.request.DESCRIPTOR.full_name]).output_type
    if output.full_name == "google.longrunning.Operation":
        assert not isinstance(call, Unary)
    else:
        assert call.response is message_factory.GetMessageClass(output)


def test_every_rpc_of_the_protos_can_be_called() -> None:
    calls = [built(build) for build in BUILDERS]
    called = {PATHS[(c.first if isinstance(c, Paged) else c).request.DESCRIPTOR.full_name] for c in calls}
    of_operation = {f"/google.longrunning.Operations/{name}Operation" for name in ("Get", "Wait", "Cancel")}
    assert called | of_operation == set(PATHS.values())


@pytest.mark.parametrize("client", [ecrkeeper.Client, ecrkeeper.AsyncClient])
def test_every_call_is_a_method_of_both_clients_with_the_same_parameters(client: type) -> None:
    for build in BUILDERS:
        method = getattr(client, build.__name__)
        assert method.__doc__ == build.__doc__
        assert list(inspect.signature(method).parameters)[1:] == list(inspect.signature(build).parameters)


def test_both_clients_have_the_same_public_names() -> None:
    sync, aio = ({n for n in vars(c) if not n.startswith("_")} for c in (ecrkeeper.Client, ecrkeeper.AsyncClient))
    assert sync == aio


def test_a_method_can_be_read_in_help() -> None:
    shown = str(inspect.signature(ecrkeeper.Client.get_registry))
    assert shown == (
        "(self, /, name: 'str', *, refresh: 'bool' = False, view: 'RegistryView | str' = 2,"
        " timeout: 'float | None' = None) -> 'Registry'"
    )


def test_two_failures_to_reach_the_server_are_hidden_and_the_request_id_stays(
    server: FakeServer, client: ecrkeeper.Client
) -> None:
    down = fail("UNAVAILABLE")
    server.on("UpdateRegistrySettings", down, down, ecrkeeper.RegistrySettings(name=OWNED))
    assert client.apply_registry_settings(OWNED, {}).name == OWNED
    ids = [request.request_id for request in server.requests("UpdateRegistrySettings")]
    assert len(ids) == 3 and len(set(ids)) == 1
    assert uuid.UUID(ids[0]).version == 4


def test_the_asyncio_client_hides_two_failures_too(server: FakeServer) -> None:
    down = fail("UNAVAILABLE")
    server.on("UpdateRegistrySettings", down, down, ecrkeeper.RegistrySettings(name=OWNED))

    async def apply() -> ecrkeeper.RegistrySettings:
        async with ecrkeeper.AsyncClient(server.target, insecure=True) as client:
            return await client.apply_registry_settings(OWNED, {})

    assert asyncio.run(apply()).name == OWNED
    assert len({request.request_id for request in server.requests("UpdateRegistrySettings")}) == 1


def test_four_failures_are_unavailable(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("GetRegistry", fail("UNAVAILABLE"))
    with pytest.raises(ecrkeeper.Unavailable):
        client.get_registry(NAME)
    assert len(server.requests("GetRegistry")) == 4


def test_each_write_has_its_own_request_id(server: FakeServer, client: ecrkeeper.Client) -> None:
    client.delete_registry_settings(OWNED)
    client.delete_registry_settings(OWNED)
    first, second = server.requests("DeleteRegistrySettings")
    assert first.request_id != second.request_id


def test_a_request_id_that_is_given_is_kept(server: FakeServer, client: ecrkeeper.Client) -> None:
    client.reconcile_registry(NAME, request_id="11111111-2222-4333-8444-555555555555")
    assert server.requests("ReconcileRegistry")[0].request_id == "11111111-2222-4333-8444-555555555555"


def test_a_call_has_a_deadline_of_ten_seconds(server: FakeServer, client: ecrkeeper.Client) -> None:
    client.get_registry(NAME)
    assert server.asked[0].deadline == pytest.approx(10, abs=0.5)


def test_a_call_may_have_a_longer_deadline(server: FakeServer, client: ecrkeeper.Client) -> None:
    client.get_registry(NAME, timeout=60)
    assert server.asked[0].deadline == pytest.approx(60, abs=0.5)


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("inf"), float("nan")])
def test_a_deadline_is_never_infinite(client: ecrkeeper.Client, timeout: float) -> None:
    with pytest.raises(ValueError, match="positive, finite"):
        client.get_registry(NAME, timeout=timeout)


def test_a_call_that_takes_too_long_ends(server: FakeServer, client: ecrkeeper.Client) -> None:
    ended = threading.Event()
    server.on("GetRegistry", lambda _request, _context: ended.wait(5) and None)
    with pytest.raises(ecrkeeper.DeadlineExceeded):
        client.get_registry(NAME, timeout=0.02)
    ended.set()


def test_a_closed_client_refuses_calls_and_may_be_closed_again(client: ecrkeeper.Client) -> None:
    client.close()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.get_registry(NAME)
    with pytest.raises(RuntimeError, match="closed"):
        client.__enter__()


def test_a_closed_asyncio_client_refuses_calls(server: FakeServer) -> None:
    async def use() -> None:
        client = ecrkeeper.AsyncClient(server.target, insecure=True)
        await client.close()
        await client.close()
        await client.get_registry(NAME)

    with pytest.raises(RuntimeError, match="closed"):
        asyncio.run(use())


def test_closing_the_asyncio_client_ends_the_calls_under_way(server: FakeServer) -> None:
    arrived, ended = threading.Event(), threading.Event()

    def hang(_request: Any, _context: grpc.ServicerContext) -> None:
        arrived.set()
        ended.wait(5)

    server.on("GetRegistry", hang)

    async def use() -> None:
        client = ecrkeeper.AsyncClient(server.target, insecure=True)
        call = asyncio.create_task(client.get_registry(NAME))
        await asyncio.to_thread(arrived.wait, 5)
        await client.close()
        try:
            await call
        finally:
            ended.set()

    with pytest.raises(ecrkeeper.Cancelled):
        asyncio.run(use())


def test_a_channel_that_was_given_stays_open(server: FakeServer) -> None:
    with grpc.insecure_channel(server.target) as channel:
        with ecrkeeper.Client(channel=channel) as client:
            client.get_registry(NAME)
        ecrkeeper.Client(channel=channel).get_registry(NAME)
    assert len(server.asked) == 2


def test_a_field_mask_may_be_given_as_paths(server: FakeServer, client: ecrkeeper.Client) -> None:
    registry = ecrkeeper.Registry(name=NAME, mode=ecrkeeper.Mode.OBSERVE)
    client.update_registry(registry, ["mode", "unmanaged_elements"])
    client.update_registry(registry, "mode,unmanaged_elements", validate_only=True)
    assert [list(r.update_mask.paths) for r in server.requests("UpdateRegistry")] == [
        ["mode", "unmanaged_elements"]
    ] * 2


def test_operations_can_be_listed_and_forgotten(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("ListOperations", operations_pb2.ListOperationsResponse(operations=[{"name": "operations/1"}]))
    assert [operation.name for operation in client.list_operations()] == ["operations/1"]
    client.delete_operation("operations/1")
    assert server.requests("DeleteOperation")[0].name == "operations/1"
