"""Server reflection, v1 and v1alpha, with comments and JSON names of the protos.

gRPC's own servicer uses the descriptors of the generated code, which have neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import cache
from importlib import resources
from typing import Any

import grpc
import grpc.aio
from grpc_reflection.v1alpha import reflection_pb2 as pb

from ecrkeeper_server.api.services.descriptor_index import DescriptorIndex
from ecrkeeper_server.names import shown

# The messages of both versions have the same wire format.
VERSIONS = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
_METHOD = "ServerReflectionInfo"
_NOT_FOUND: int = grpc.StatusCode.NOT_FOUND.value[0]
_INVALID_ARGUMENT: int = grpc.StatusCode.INVALID_ARGUMENT.value[0]


@cache
def descriptors() -> DescriptorIndex:
    """Read the descriptors that `make gen` builds."""
    return DescriptorIndex.parse(resources.files("ecrkeeper_server.api").joinpath("descriptors.binpb").read_bytes())


def add_reflection(services: Sequence[str], server: grpc.aio.Server) -> None:
    """Serve reflection about services, including reflection itself."""
    listed = sorted({*services, *VERSIONS})

    async def answer(requests: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
        sent: set[str] = set()
        async for request in requests:
            # Few servers get such a request, so the first one loads the descriptors.
            index = await asyncio.to_thread(descriptors)
            yield response_to(request, listed, index, sent)

    handler = grpc.stream_stream_rpc_method_handler(
        answer,
        request_deserializer=pb.ServerReflectionRequest.FromString,
        response_serializer=pb.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        tuple(grpc.method_handlers_generic_handler(name, {_METHOD: handler}) for name in VERSIONS)
    )


def response_to(request: Any, services: Sequence[str], index: DescriptorIndex, sent: set[str]) -> Any:
    """Answer one request of a stream.

    `sent` has the files that the stream has sent; the call adds those that it sends.
    """
    response = pb.ServerReflectionResponse(valid_host=request.host, original_request=request)
    kind = request.WhichOneof("message_request")
    if kind == "list_services":
        response.list_services_response.service.extend(pb.ServiceResponse(name=name) for name in services)
    elif kind == "all_extension_numbers_of_type":
        _list_extensions(response, request.all_extension_numbers_of_type, index)
    elif kind is None:
        _fail(response, _INVALID_ARGUMENT, "`message_request` is required")
    else:
        name, file = _file_of(request, kind, index)
        if file is None:
            _fail(response, _NOT_FOUND, f"{name} was not found; `list_services` lists the services of this server")
        else:
            files = index.with_imports(file, sent)
            sent.update(files)
            response.file_descriptor_response.file_descriptor_proto.extend(files.values())
    return response


def _file_of(request: Any, kind: str, index: DescriptorIndex) -> tuple[str, str | None]:
    """Return a description of the requested item, and the name of its file."""
    if kind == "file_by_filename":
        name = request.file_by_filename
        return f"file {shown(name)}", name if name in index.files else None
    if kind == "file_containing_symbol":
        return f"symbol {shown(request.file_containing_symbol)}", index.symbols.get(request.file_containing_symbol)
    extension = request.file_containing_extension
    words = f"extension {extension.extension_number} of {shown(extension.containing_type)}"
    return words, index.extensions.get(extension.containing_type, {}).get(extension.extension_number)


def _list_extensions(response: Any, extendee: str, index: DescriptorIndex) -> None:
    if extendee not in index.messages:
        _fail(response, _NOT_FOUND, f"message {shown(extendee)} was not found")
        return
    response.all_extension_numbers_response.base_type_name = extendee
    response.all_extension_numbers_response.extension_number.extend(sorted(index.extensions.get(extendee, ())))


def _fail(response: Any, code: int, message: str) -> None:
    response.error_response.error_code = code
    response.error_response.error_message = message
