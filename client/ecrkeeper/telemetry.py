"""Interceptors that make a span of OpenTelemetry for each call.

    pip install 'ecrkeeper[otel-client]'

    ecrkeeper.Client("ecrkeeper.example.com:443", interceptors=telemetry.interceptors())
    ecrkeeper.AsyncClient("ecrkeeper.example.com:443", interceptors=telemetry.aio_interceptors())

They send its context. Spans are those of OpenTelemetry's conventions for gRPC. A watch has one span for each stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider


def interceptors(provider: TracerProvider | None = None) -> list[Any]:
    """Return the interceptors for `Client`; the default provider is the global one."""
    return [_Spans(_Tracer(provider))]


def aio_interceptors(provider: TracerProvider | None = None) -> list[Any]:
    """Return the interceptors for `AsyncClient`."""
    tracer = _Tracer(provider)
    return [_AioUnarySpans(tracer), _AioStreamSpans(tracer)]


class _Tracer:
    def __init__(self, provider: TracerProvider | None) -> None:
        self._tracer = trace.get_tracer("ecrkeeper", tracer_provider=provider)

    def begin(self, details: Any) -> tuple[Span, Any]:
        """Return a span, and the call with the metadata that carries its context."""
        method = details.method if isinstance(details.method, str) else details.method.decode()
        service, _, name = method.lstrip("/").rpartition("/")
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
        span = self._tracer.start_span(f"{service}/{name}", kind=SpanKind.CLIENT, attributes=attributes)
        carrier: dict[str, str] = {}
        propagate.inject(carrier, trace.set_span_in_context(span))
        metadata = [*(details.metadata or ()), *carrier.items()]
        kind = grpc.aio.Metadata(*metadata) if isinstance(details, grpc.aio.ClientCallDetails) else metadata
        return span, details._replace(metadata=kind)

    @staticmethod
    def end(span: Span, code: grpc.StatusCode | None, details: str | None) -> None:
        """End a span with the status of its call."""
        if code is not None:
            span.set_attribute("rpc.grpc.status_code", code.value[0])
            if code is not grpc.StatusCode.OK:
                span.set_status(Status(StatusCode.ERROR, details))
        span.end()


class _Spans(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):  # type: ignore[misc,unused-ignore]
    def __init__(self, tracer: _Tracer) -> None:
        self._tracer = tracer

    def intercept_unary_unary(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        return self._called(continuation, details, request)

    def intercept_unary_stream(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        return self._called(continuation, details, request)

    def _called(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        span, changed = self._tracer.begin(details)
        call = continuation(changed, request)
        call.add_done_callback(lambda done: self._tracer.end(span, done.code(), done.details()))
        return call


class _AioUnarySpans(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc,unused-ignore]
    def __init__(self, tracer: _Tracer) -> None:
        self._tracer = tracer

    async def intercept_unary_unary(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        span, changed = self._tracer.begin(details)
        code: grpc.StatusCode | None = None
        message = ""
        try:
            call = await continuation(changed, request)
            code, message = await call.code(), await call.details()
        finally:
            self._tracer.end(span, code, message)
        return call


class _AioStreamSpans(grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[misc,unused-ignore]
    def __init__(self, tracer: _Tracer) -> None:
        self._tracer = tracer
        # The event loop keeps no reference to its tasks.
        self._ending: set[asyncio.Task[None]] = set()

    async def intercept_unary_stream(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        span, changed = self._tracer.begin(details)
        call = await continuation(changed, request)
        call.add_done_callback(lambda _: self._begin_end(span, call))
        return call

    def _begin_end(self, span: Span, call: Any) -> None:
        task = asyncio.get_running_loop().create_task(self._end(span, call))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end(self, span: Span, call: Any) -> None:
        self._tracer.end(span, await call.code(), await call.details())
