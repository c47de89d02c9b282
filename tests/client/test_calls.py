"""Calls: retries, deadlines, request ids and closing."""

from __future__ import annotations

import asyncio
import inspect
import threading
import uuid
from typing import Any

import ecrkeeper
import grpc
import pytest
from ecrkeeper import (
    _accounts,
    _audit,
    _backfills,
    _declarations,
    _operation,
    _registries,
    _revisions,
    _roles,
    _rollouts,
    _server,
    _sets,
)
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
    "account_id": "111111111111",
    "account": ecrkeeper.Account(name="accounts/111111111111"),
    "registry_set_id": "team-a",
    "registry_set": ecrkeeper.RegistrySet(name="registrySets/team-a"),
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
    for module in (
        _roles,
        _registries,
        _backfills,
        _declarations,
        _revisions,
        _accounts,
        _sets,
        _rollouts,
        _audit,
        _server,
        _operation,
    )  # fmt: skip
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
def test_method_types_match_rpc(build: Any) -> None:
    call = built(build)
    call = call.first if isinstance(call, Paged) else call
    output = rpc(PATHS[call.request.DESCRIPTOR.full_name]).output_type
    if output.full_name == "google.longrunning.Operation":
        assert not isinstance(call, Unary)
    else:
        assert call.response is message_factory.GetMessageClass(output)


def test_client_calls_every_rpc() -> None:
    calls = [built(build) for build in BUILDERS]
    called = {PATHS[(c.first if isinstance(c, Paged) else c).request.DESCRIPTOR.full_name] for c in calls}
    of_operation = {f"/google.longrunning.Operations/{name}Operation" for name in ("Get", "Wait", "Cancel")}
    assert called | of_operation == set(PATHS.values())


@pytest.mark.parametrize("client", [ecrkeeper.Client, ecrkeeper.AsyncClient])
def test_clients_have_the_same_methods_and_parameters(client: type) -> None:
    for build in BUILDERS:
        method = getattr(client, build.__name__)
        assert inspect.getdoc(method) == inspect.getdoc(build)
        assert list(inspect.signature(method).parameters)[1:] == list(inspect.signature(build).parameters)


def test_both_clients_have_the_same_public_names() -> None:
    sync, aio = ({n for n in dir(c) if not n.startswith("_")} for c in (ecrkeeper.Client, ecrkeeper.AsyncClient))
    assert sync == aio


def test_help_describes_methods() -> None:
    shown = str(inspect.signature(ecrkeeper.Client.get_registry))
    assert shown == (
        "(self, name: 'str', *, refresh: 'bool' = False, view: 'RegistryView | str' = 2,"
        " timeout: 'float | None' = None) -> 'Registry'"
    )


def test_two_failures_are_retried_with_same_request_id(server: FakeServer, client: ecrkeeper.Client) -> None:
    down = fail("UNAVAILABLE")
    server.on("UpdateRegistrySettings", down, down, ecrkeeper.RegistrySettings(name=OWNED))
    assert client.apply_registry_settings(OWNED, {}).name == OWNED
    ids = [request.request_id for request in server.requests("UpdateRegistrySettings")]
    assert len(ids) == 3 and len(set(ids)) == 1
    assert uuid.UUID(ids[0]).version == 4


def test_asyncio_client_retries_two_failures(server: FakeServer) -> None:
    down = fail("UNAVAILABLE")
    server.on("UpdateRegistrySettings", down, down, ecrkeeper.RegistrySettings(name=OWNED))

    async def apply() -> ecrkeeper.RegistrySettings:
        async with ecrkeeper.AsyncClient(server.target, insecure=True) as client:
            return await client.apply_registry_settings(OWNED, {})

    assert asyncio.run(apply()).name == OWNED
    assert len({request.request_id for request in server.requests("UpdateRegistrySettings")}) == 1


def test_fourth_failure_is_unavailable(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("GetRegistry", fail("UNAVAILABLE"))
    with pytest.raises(ecrkeeper.Unavailable):
        client.get_registry(NAME)
    assert len(server.requests("GetRegistry")) == 4


def test_write_has_unique_request_id(server: FakeServer, client: ecrkeeper.Client) -> None:
    client.delete_registry_settings(OWNED)
    client.delete_registry_settings(OWNED)
    first, second = server.requests("DeleteRegistrySettings")
    assert first.request_id != second.request_id


def test_supplied_request_id_is_sent(server: FakeServer, client: ecrkeeper.Client) -> None:
    client.reconcile_registry(NAME, request_id="11111111-2222-4333-8444-555555555555")
    assert server.requests("ReconcileRegistry")[0].request_id == "11111111-2222-4333-8444-555555555555"


def test_call_deadline_defaults_to_ten_seconds(server: FakeServer, client: ecrkeeper.Client) -> None:
    client.get_registry(NAME)
    assert server.received[0].deadline == pytest.approx(10, abs=0.5)


def test_call_deadline_can_be_longer(server: FakeServer, client: ecrkeeper.Client) -> None:
    client.get_registry(NAME, timeout=60)
    assert server.received[0].deadline == pytest.approx(60, abs=0.5)


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("inf"), float("nan")])
def test_infinite_deadline_is_rejected(client: ecrkeeper.Client, timeout: float) -> None:
    with pytest.raises(ValueError, match="positive, finite"):
        client.get_registry(NAME, timeout=timeout)


def test_slow_call_ends_at_deadline(server: FakeServer, client: ecrkeeper.Client) -> None:
    ended = threading.Event()
    server.on("GetRegistry", lambda _request, _context: ended.wait(5) and None)
    with pytest.raises(ecrkeeper.DeadlineExceeded):
        client.get_registry(NAME, timeout=0.02)
    ended.set()


def test_closed_client_rejects_calls_and_closes_again(client: ecrkeeper.Client) -> None:
    client.close()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.get_registry(NAME)
    with pytest.raises(RuntimeError, match="closed"):
        client.__enter__()


def test_closed_asyncio_client_rejects_calls(server: FakeServer) -> None:
    async def use() -> None:
        client = ecrkeeper.AsyncClient(server.target, insecure=True)
        await client.close()
        await client.close()
        await client.get_registry(NAME)

    with pytest.raises(RuntimeError, match="closed"):
        asyncio.run(use())


def test_closing_asyncio_client_ends_running_calls(server: FakeServer) -> None:
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


def test_supplied_channel_stays_open(server: FakeServer) -> None:
    with grpc.insecure_channel(server.target) as channel:
        with ecrkeeper.Client(channel=channel) as client:
            client.get_registry(NAME)
        ecrkeeper.Client(channel=channel).get_registry(NAME)
    assert len(server.received) == 2


def test_field_mask_accepts_paths(server: FakeServer, client: ecrkeeper.Client) -> None:
    registry = ecrkeeper.Registry(name=NAME, mode=ecrkeeper.Mode.OBSERVE)
    client.update_registry(registry, ["mode", "unmanaged_elements"])
    client.update_registry(registry, "mode,unmanaged_elements", validate_only=True)
    assert [list(r.update_mask.paths) for r in server.requests("UpdateRegistry")] == [
        ["mode", "unmanaged_elements"]
    ] * 2


def test_operations_can_be_listed_and_deleted(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("ListOperations", operations_pb2.ListOperationsResponse(operations=[{"name": "operations/1"}]))
    assert [operation.name for operation in client.list_operations()] == ["operations/1"]
    client.delete_operation("operations/1")
    assert server.requests("DeleteOperation")[0].name == "operations/1"
