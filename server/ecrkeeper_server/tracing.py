"""OpenTelemetry spans of RPCs, of the attempts that they cause, and of AWS calls.

OpenTelemetry is an optional extra. Only this module imports it, and only if tracing is enabled.
OpenTelemetry's own `OTEL_...` variables configure the endpoint, the sampling and the resource.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

# The first one that is set is the timeout of a batch in seconds; the default is 10.
_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")
PACKAGES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.grpc")


def missing() -> list[str]:
    """Return the packages that tracing needs and the environment lacks."""
    return [name for name in PACKAGES if not _installed(name)]


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


class Tracing:
    """Creates spans with a provider of OpenTelemetry's SDK, whose exporter sends them."""

    def __init__(self, provider: Any, exporter: Any, timeout: float) -> None:
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._trace = trace
        self._provider = provider
        self._exporter = exporter
        self._timeout = timeout
        self._tracer = provider.get_tracer("ecrkeeper")
        self._propagator = TraceContextTextMapPropagator()

    @contextlib.contextmanager
    def span(self, name: str, kind: str, attributes: Mapping[str, Any], parent: str | None = None) -> Iterator[Any]:
        """Wrap a block in a span of kind `SERVER`, `CLIENT` or `INTERNAL`.

        `parent` is a W3C traceparent. With an empty one the span begins a new trace; with None it
        is a child of the current span.
        """
        context = None if parent is None else self._remote(parent)
        with self._tracer.start_as_current_span(
            name,
            context=context,
            kind=self._trace.SpanKind[kind],
            attributes=dict(attributes),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield span

    def _remote(self, parent: str) -> Any:
        from opentelemetry.context import Context

        return self._propagator.extract({"traceparent": parent} if parent else {}, Context())

    def failed(self, span: Any, text: str) -> None:
        """Mark a span as failed."""
        span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, text))

    def current(self) -> str:
        """Return the W3C traceparent of the current span; empty outside of spans."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get("traceparent", "")

    def close(self) -> None:
        """Send the remaining spans, within the exporter's timeout."""
        # The SDK grants that time to each remaining batch, and half a minute to all of them.
        # Shutting the exporter down ends its running call and drops the other batches.
        limit = threading.Timer(self._timeout, self._exporter.shutdown)
        limit.daemon = True
        limit.start()
        try:
            self._provider.shutdown()
        finally:
            limit.cancel()


def log_ids(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return a structlog processor that adds the ids of the current span."""
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def start(version: str) -> Tracing:
    """Return tracing as the environment's `OTEL_...` variables configure it."""
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # A default name, which the environment's resource attributes override.
    named = Resource.create({"service.name": "ecrkeeper", "service.version": version})
    resource = named.merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource)
    timeout = float(next(filter(None, map(os.environ.get, _TIMEOUTS)), 10))
    exporter = OTLPSpanExporter(timeout=timeout)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracing(provider, exporter, timeout)
