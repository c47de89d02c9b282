"""An in-process server that returns the test's answers and records requests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc
from ecrkeeper.v1 import audit_service_pb2, registry_settings_service_pb2, role_service_pb2
from google.longrunning import operations_pb2
from google.protobuf import message_factory
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

Answer = Callable[[Any, grpc.ServicerContext], Any]


@dataclass(frozen=True)
class Received:
    """One received call."""

    rpc: str
    request: Any
    metadata: dict[str, str | bytes]
    deadline: float | None


class FakeServer:
    """Returns default responses, or those of `on`; `received` has the calls in order."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self._answers: dict[str, Answer] = {}
        self._lock = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(16))
        for file in (role_service_pb2, registry_settings_service_pb2, audit_service_pb2, operations_pb2):
            for service in file.DESCRIPTOR.services_by_name.values():
                handlers = {method.name: self._handler(method) for method in service.methods}
                self._server.add_generic_rpc_handlers(
                    (grpc.method_handlers_generic_handler(service.full_name, handlers),)
                )
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    def listen_locally(self, path: str) -> None:
        """Listen on a Unix socket that counts as secure."""
        server = grpc.server(ThreadPoolExecutor(2))
        for service in registry_settings_service_pb2.DESCRIPTOR.services_by_name.values():
            handlers = {method.name: self._handler(method) for method in service.methods}
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
        server.add_secure_port(f"unix:{path}", grpc.local_server_credentials(grpc.LocalConnectionType.UDS))
        server.start()
        self._local = server

    def on(self, rpc: str, *answers: Answer | Message) -> None:
        """Return these answers to an RPC in turn, and then always the last."""
        remaining = list(answers)

        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            with self._lock:
                current = remaining.pop(0) if len(remaining) > 1 else remaining[0]
            return current(request, context) if callable(current) else current

        self._answers[rpc] = answer

    def requests(self, rpc: str) -> list[Any]:
        return [each.request for each in self.received if each.rpc == rpc]

    def stop(self) -> None:
        self._server.stop(None).wait()

    def _handler(self, method: Any) -> grpc.RpcMethodHandler[Any, Any]:
        response = message_factory.GetMessageClass(method.output_type)

        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            metadata = dict(context.invocation_metadata())
            self.received.append(Received(method.name, request, metadata, context.time_remaining()))
            prepared = self._answers.get(method.name)
            return response() if prepared is None else prepared(request, context)

        def stream(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            yield from answer(request, context)

        kind: Any = (
            grpc.unary_stream_rpc_method_handler if method.server_streaming else grpc.unary_unary_rpc_method_handler
        )
        return kind(  # type: ignore[no-any-return]
            stream if method.server_streaming else answer,
            request_deserializer=message_factory.GetMessageClass(method.input_type).FromString,
            response_serializer=response.SerializeToString,
        )


def packed(message: Message) -> Packed:
    box = Packed()
    box.Pack(message)
    return box


def status(code: str, text: str = "refused", *details: Message) -> status_pb2.Status:
    return status_pb2.Status(code=code_pb2.Code.Value(code), message=text, details=[packed(each) for each in details])


def fail(code: str, text: str = "refused", *details: Message) -> Answer:
    """Return an answer that fails with a rich status."""

    def answer(_request: Any, context: grpc.ServicerContext) -> Any:
        context.abort_with_status(rpc_status.to_status(status(code, text, *details)))

    return answer


def info(reason: str, **metadata: str) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, domain="ecrkeeper", metadata=metadata)
