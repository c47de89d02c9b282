"""A minimal collector of traces: OTLP over gRPC, and tracing callers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as services

WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A received span; ids are hexadecimal, `process` is the `service.instance.id`."""

    name: str
    kind: int
    trace: str
    id: str
    parent: str
    process: str
    attributes: dict[str, str]
    failed: bool


class Collector(services.TraceServiceServicer):
    """Collects batches on loopback; it answers while `answers` is set."""

    def __init__(self, port: int = 0) -> None:
        self.batches: list[list[ReceivedSpan]] = []
        self.answers = threading.Event()
        self.answers.set()
        self._arrived = threading.Condition()
        self._server = grpc.server(ThreadPoolExecutor(2))
        services.add_TraceServiceServicer_to_server(self, self._server)
        self.port: int = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self._server.start()

    def Export(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._arrived:
            self.batches.append(_received(request))
            self._arrived.notify_all()
        self.answers.wait(WAIT_SECONDS)
        return messages.ExportTraceServiceResponse()

    def until(self, enough: Callable[[list[ReceivedSpan]], Any]) -> list[ReceivedSpan]:
        """Return all spans, once there are enough of them."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: enough(self._spans()), WAIT_SECONDS), self.batches
            return self._spans()

    def _spans(self) -> list[ReceivedSpan]:
        return [span for batch in self.batches for span in batch]

    def stop(self) -> None:
        """Reject connections from now on."""
        self._server.stop(0).wait()


def _received(request: messages.ExportTraceServiceRequest) -> list[ReceivedSpan]:
    return [
        ReceivedSpan(
            name=span.name,
            kind=span.kind,
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            process=_attributes(sent.resource.attributes).get("service.instance.id", ""),
            attributes=_attributes(span.attributes),
            failed=span.status.code == span.status.STATUS_CODE_ERROR,
        )
        for sent in request.resource_spans
        for scope in sent.scope_spans
        for span in scope.spans
    ]


def _attributes(pairs: Any) -> dict[str, str]:
    return {pair.key: str(getattr(pair.value, pair.value.WhichOneof("value") or "string_value")) for pair in pairs}


class _Details(NamedTuple):
    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: Any
    compression: Any


class Traced(grpc.UnaryUnaryClientInterceptor):
    """Makes calls as part of a trace, as an instrumented caller does."""

    def __init__(self, traceparent: str) -> None:
        self._traceparent = traceparent

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        metadata = [*(details.metadata or ()), ("traceparent", self._traceparent)]
        options = (details.credentials, details.wait_for_ready, details.compression)
        return continuation(_Details(details.method, details.timeout, metadata, *options), request)
