"""Malformed text in every request field is rejected or accepted without errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ecrkeeper
import grpc
import pytest
from ecrkeeper.v1 import audit_service_pb2, role_service_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from google.longrunning import operations_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from tests import databases, harness
from tests.e2e.live import Live, fields_of, fresh_account, rejection

ODD = ["\0", "a\0b", "a\n", "\x1b[2J", "\x7f", "\u202e", "\u200b", "\ud7ff", "\ufffe", "١", "K", "9" * 5000]
CODES = grpc.StatusCode
ALLOWED = {
    CODES.OK,
    CODES.INVALID_ARGUMENT,
    CODES.NOT_FOUND,
    CODES.FAILED_PRECONDITION,
    CODES.ALREADY_EXISTS,
    CODES.ABORTED,
}
ACCOUNT = "444444444444"
REGISTRY = f"accounts/{ACCOUNT}/registries/us-east-1"
# Members that a request needs so that another field is validated.
USUAL: dict[str, str] = {
    "name": REGISTRY, "registry.name": REGISTRY, "registry_settings.name": f"{REGISTRY}/settings/web",
    "registry_settings_id": "web", "ecr_repository_prefix": "hub", "repository": "app",
    "service_linked_role_id": "replication", "service_linked_role.name": f"accounts/{ACCOUNT}/serviceLinkedRoles/replication",
}  # fmt: skip
SERVICES = [
    service
    for file in (pb, role_service_pb2, audit_service_pb2, operations_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
]
METHODS = [method for service in SERVICES for method in service.methods]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def live(
    request: pytest.FixtureRequest, simulated_aws: harness.Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    url = databases.migrated(request, request.param, tmp_path_factory.mktemp("db"))
    server = harness.Server(tmp_path_factory.mktemp("server"), url, simulated_aws.url)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        yield Live(server, simulated_aws, client)
    assert server.stop() == 0


def texts(kind: Any, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths of the text fields of a request and its messages."""
    for field in kind.fields:
        if field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated:
            yield (*prefix, field.name)
        elif not field.is_repeated and len(prefix) < 2 and _is_ours(field):
            yield from texts(field.message_type, (*prefix, field.name))


def _is_ours(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.file.package == "ecrkeeper.v1"


def put(request: Any, path: tuple[str, ...], text: str) -> None:
    for name in path[:-1]:
        request = getattr(request, name)
    setattr(request, path[-1], text)


def usual(method: MethodDescriptor) -> Message:
    request = message_factory.GetMessageClass(method.input_type)()
    for path, text in USUAL.items():
        parts = tuple(path.split("."))
        if parts in set(texts(method.input_type)):
            put(request, parts, text)
    if "parent" in method.input_type.fields_by_name:
        wide = {"ListRegistrySettings": "accounts/-/registries/-", "CreateRegistrySettings": REGISTRY}
        parent = "accounts/-" if method.name.startswith(("List", "Watch")) else f"accounts/{ACCOUNT}"
        put(request, ("parent",), wide.get(method.name, REGISTRY if "Backfill" in method.name else parent))
    return request


@pytest.mark.parametrize("method", METHODS, ids=[method.name for method in METHODS])
def test_malformed_text_causes_no_internal_error(live: Live, method: MethodDescriptor) -> None:
    with grpc.insecure_channel(live.server.address) as channel:
        kind = message_factory.GetMessageClass(method.output_type)
        path = f"/{method.containing_service.full_name}/{method.name}"
        make = channel.unary_stream if method.server_streaming else channel.unary_unary
        call: Any = make(path, lambda request: request.SerializeToString(), kind.FromString)
        for field in texts(method.input_type):
            for text in ODD:
                request = usual(method)
                put(request, field, text)
                code = outcome(call, request, streaming=method.server_streaming)
                assert code in ALLOWED, (field, text[:20])


def outcome(call: Any, request: Message, *, streaming: bool) -> grpc.StatusCode:
    try:
        answer = call(request, timeout=10)
        if streaming:
            # A watch that starts was accepted.
            next(answer, None)
            answer.cancel()
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()  # type: ignore[attr-defined]
        return code
    return CODES.OK


@pytest.mark.parametrize("text", ["\0", "a\0", "a\x1b[31mb", "\x7f", "a\x85b"])
def test_reason_with_control_characters_is_rejected(live: Live, text: str) -> None:
    part = f"accounts/{fresh_account()}/registries/us-east-1/settings/web"
    error = rejection(
        CODES.INVALID_ARGUMENT, live.client.apply_registry_settings, part, {"replicationConfiguration": {}}, reason=text
    )
    assert fields_of(error) == ["reason"]


def test_multiline_reason_is_stored(live: Live) -> None:
    part = f"accounts/{fresh_account()}/registries/us-east-1/settings/web"
    live.client.apply_registry_settings(part, {"replicationConfiguration": {}}, reason="why:\n\tżółw 👩‍🔧\r\n")
    assert next(iter(live.client.list_registry_settings_revisions(part))).reason == "why:\n\tżółw 👩‍🔧\r\n"


@pytest.mark.parametrize("filter", ['account = "a\0"', 'account = "\0"', 'principal = "a\x1b"'])
def test_filter_with_control_characters_is_rejected(live: Live, filter: str) -> None:
    error = rejection(CODES.INVALID_ARGUMENT, lambda: list(live.client.list_audit_events(filter)))
    assert fields_of(error) == ["filter"]
