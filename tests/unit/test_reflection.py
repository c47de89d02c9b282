"""Reflection finds the whole API with its comments, and reports what is missing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from ecrkeeper_server.api.server import SERVICES, methods
from ecrkeeper_server.api.services.descriptor_index import DescriptorIndex
from ecrkeeper_server.api.services.reflection import VERSIONS, descriptors, response_to
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_reflection.v1alpha import reflection_pb2 as pb

LISTED = sorted((*SERVICES, *VERSIONS))
NOT_FOUND, INVALID_ARGUMENT = (code.value[0] for code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT))


def ask(sent: set[str] | None = None, **members: Any) -> Any:
    request = pb.ServerReflectionRequest(host="h", **members)
    response = response_to(request, LISTED, descriptors(), set() if sent is None else sent)
    assert (response.valid_host, response.original_request) == ("h", request)
    return response


def files(response: Any) -> list[FileDescriptorProto]:
    assert response.WhichOneof("message_response") == "file_descriptor_response", response
    return [FileDescriptorProto.FromString(each) for each in response.file_descriptor_response.file_descriptor_proto]


ANSWERED = [
    ("ecrkeeper.v1.RoleService", "role_service", "a service"),
    ("ecrkeeper.v1.RoleService.GetServiceLinkedRole", "role_service", "a method"),
    ("ecrkeeper.v1.Registry", "registry", "a message"),
    ("ecrkeeper.v1.Registry.mode", "registry", "a field"),
    ("ecrkeeper.v1.RegistryScanningConfiguration.ScanType", "settings", "a nested enum"),
    ("ecrkeeper.v1.RegistryScanningConfiguration.ScanType.BASIC", "settings", "its value, as grpcurl writes it"),
    ("ecrkeeper.v1.RegistryScanningConfiguration.BASIC", "settings", "its value, as protobuf has it"),
    ("ecrkeeper.v1.Mode", "common", "an enum"),
    ("ecrkeeper.v1.ENFORCE", "common", "its value"),
]


@pytest.mark.parametrize(("symbol", "file", "reason"), ANSWERED)
def test_symbol_is_found_in_its_file(symbol: str, file: str, reason: str) -> None:
    assert files(ask(file_containing_symbol=symbol))[0].name == f"ecrkeeper/v1/{file}.proto", reason


OTHERS = [
    ("google.protobuf.FieldOptions", "google/protobuf/descriptor.proto", "what is imported"),
    ("buf.validate.field", "buf/validate/validate.proto", "an extension"),
    ("google.rpc.BadRequest.FieldViolation.field", "google/rpc/error_details.proto", "details of errors"),
    ("google.protobuf.Value.kind", "google/protobuf/struct.proto", "a oneof"),
    ("google.longrunning.Operation.metadata", "google/longrunning/operations.proto", "operations"),
    ("grpc.health.v1.Health.Watch", "grpc/health/v1/health.proto", "health"),
    (f"{VERSIONS[0]}.ServerReflectionInfo", "grpc/reflection/v1/reflection.proto", "reflection itself"),
    (
        f"{VERSIONS[1]}.ServerReflectionInfo",
        "grpc/reflection/v1alpha/reflection.proto",
        "the former version of reflection",
    ),
]


@pytest.mark.parametrize(("symbol", "name", "reason"), OTHERS)
def test_symbol_of_another_package_is_found(symbol: str, name: str, reason: str) -> None:
    assert files(ask(file_containing_symbol=symbol))[0].name == name, reason


def test_served_methods_are_found() -> None:
    for method in methods():
        symbol = method.removeprefix("/").replace("/", ".")
        (file, *_) = files(ask(file_containing_symbol=symbol))
        services = {f"{file.package}.{service.name}": service for service in file.service}
        service = services[symbol.rpartition(".")[0]]
        assert symbol.rpartition(".")[2] in {each.name for each in service.method}


def test_files_match_generated_code_with_comments() -> None:
    """A descriptor set that is stale or lacks source information fails here."""
    for name in ("registry", "settings", "role", "audit", "common", "registry_settings_service", "role_service"):
        (file, *_) = files(ask(file_by_filename=f"ecrkeeper/v1/{name}.proto"))
        assert [each.leading_comments for each in file.source_code_info.location if each.leading_comments]
        for message in file.message_type:
            assert all(field.json_name for field in message.field), message.name
        file.ClearField("source_code_info")
        generated = FileDescriptorProto()
        descriptor_pool.Default().FindFileByName(file.name).CopyToProto(generated)
        for message in _messages(file):
            for field in message.field:
                # The generated code omits json names that follow from the field name.
                field.ClearField("json_name")
        for message in _messages(generated):
            for field in message.field:
                field.ClearField("json_name")
        _without_options(file)
        _without_options(generated)
        assert file == generated


def _messages(file: Any) -> Iterator[Any]:
    for message in getattr(file, "message_type", ()) or file.nested_type:
        yield message
        yield from _messages(message)


def _without_options(file: FileDescriptorProto) -> None:
    """Remove the imports and options of rules, which the generated code may omit."""
    del file.dependency[:]
    for message in _messages(file):
        for field in (*message.field, *message.oneof_decl):
            field.ClearField("options")
        message.ClearField("options")


def test_imports_are_sent_once_per_stream() -> None:
    sent: set[str] = set()
    first = files(ask(sent, file_by_filename="ecrkeeper/v1/role_service.proto"))
    names = [file.name for file in first]
    assert len(names) == len(set(names))
    assert {needed for file in first for needed in file.dependency} <= set(names), "the answer is complete"
    (again,) = files(ask(sent, file_by_filename="ecrkeeper/v1/role_service.proto"))
    assert again == first[0], "what is asked for comes again"
    more = [file.name for file in files(ask(sent, file_by_filename="ecrkeeper/v1/registry_settings_service.proto"))]
    assert not set(more) & set(names)


def test_services_are_listed() -> None:
    assert [each.name for each in ask(list_services="*").list_services_response.service] == LISTED


def test_extensions_are_found_by_number() -> None:
    numbers = ask(all_extension_numbers_of_type="google.protobuf.FieldOptions").all_extension_numbers_response
    assert numbers.base_type_name == "google.protobuf.FieldOptions"
    assert list(numbers.extension_number) == sorted(numbers.extension_number)
    for number, name in ((1052, "google/api/field_behavior.proto"), (1159, "buf/validate/validate.proto")):
        assert number in numbers.extension_number
        request = pb.ExtensionRequest(containing_type=numbers.base_type_name, extension_number=number)
        assert files(ask(file_containing_extension=request))[0].name == name
    none = ask(all_extension_numbers_of_type="ecrkeeper.v1.Registry").all_extension_numbers_response
    assert (none.base_type_name, list(none.extension_number)) == ("ecrkeeper.v1.Registry", [])


REJECTED = [
    ({"file_by_filename": "ecrkeeper/v1/nothing.proto"}, NOT_FOUND, "file 'ecrkeeper/v1/nothing.proto'", "a file"),
    ({"file_by_filename": "../../etc/passwd"}, NOT_FOUND, "was not found", "a file of the server's machine"),
    ({"file_containing_symbol": "ecrkeeper.v1.Registry.nothing"}, NOT_FOUND, "Registry.nothing", "a field"),
    ({"file_containing_symbol": "ecrkeeper.v1"}, NOT_FOUND, "'ecrkeeper.v1'", "a package is no symbol"),
    ({"file_containing_symbol": "x" * 10_000}, NOT_FOUND, "xxx...", "a long name is cut"),
    ({"file_containing_symbol": ""}, NOT_FOUND, "symbol ''", "no name"),
    ({"file_containing_extension": {"containing_type": "google.protobuf.FieldOptions", "extension_number": -1}},
     NOT_FOUND, "extension -1 of 'google.protobuf.FieldOptions'", "a number"),
    ({"file_containing_extension": {"containing_type": "a.B", "extension_number": 1052}}, NOT_FOUND, "'a.B'", "a type"),
    ({"all_extension_numbers_of_type": "a.B"}, NOT_FOUND, "message 'a.B' was not found", "extensions of a type"),
    ({}, INVALID_ARGUMENT, "`message_request` is required", "no question"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "code", "text", "reason"), REJECTED)
def test_unanswerable_request_gets_error(members: dict[str, Any], code: int, text: str, reason: str) -> None:
    response = ask(**members)
    assert response.WhichOneof("message_response") == "error_response", reason
    assert response.error_response.error_code == code
    assert text in response.error_response.error_message
    assert len(response.error_response.error_message) < 250


def test_descriptors_are_loaded_on_first_use() -> None:
    code = (
        "import ecrkeeper_server.app\n"
        "from ecrkeeper_server.api.services.reflection import descriptors\n"
        "assert descriptors.cache_info().currsize == 0\n"
        "assert descriptors() is descriptors()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_index_has_nested_extensions_and_imports_of_imports() -> None:
    inner = descriptor_pb2.DescriptorProto(name="M")
    inner.nested_type.add(name="N").extension.add(name="deep", number=7, extendee=".a.X")
    files = FileDescriptorSet(
        file=[
            FileDescriptorProto(name="1", package="a", message_type=[inner], dependency=["2"]),
            FileDescriptorProto(name="2", package="a", dependency=["3", "1"]),
            FileDescriptorProto(name="3", package="b"),
        ]
    )
    index = DescriptorIndex.parse(files.SerializeToString())
    assert index.symbols["a.M.N.deep"] == "1"
    assert index.extensions == {"a.X": {7: "1"}}
    assert list(index.with_imports("1")) == ["1", "2", "3"], "and a circle ends"
    assert list(index.with_imports("1", {"3"})) == ["1", "2"]
