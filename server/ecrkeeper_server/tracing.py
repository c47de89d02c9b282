"""Spans by OpenTelemetry: from an RPC over the step that it causes to the calls to AWS.

OpenTelemetry is an optional extra and is imported only here, only when tracing
is on. Where spans go, how many are kept, and what resource they belong to is
said by OpenTelemetry's own `OTEL_...` variables.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

# The first that is set says how many seconds a batch may take; a batch may take 10 if none is.
_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")
PACKAGES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.grpc")


def missing() -> list[str]:
    """Return the packages that tracing needs and that are not installed."""
    return [name for name in PACKAGES if not _installed(name)]


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


class Tracing:
    """Makes spans with a provider of OpenTelemetry's SDK, which sends them by an exporter."""

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
        """A span around a block, `SERVER`, `CLIENT` or `INTERNAL`.

        `parent` is a W3C traceparent; with an empty one the span begins a trace of
        its own, and with None it is a child of the span around it.
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
        """Return the W3C traceparent of the present span; empty outside of spans."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get("traceparent", "")

    def close(self) -> None:
        """Send what is kept; takes at most as long as the exporter's timeout."""
        # The SDK grants that time to each batch that is kept, and half a minute to all of them. An exporter that is
        # shut down ends the call that it waits for and drops the rest.
        limit = threading.Timer(self._timeout, self._exporter.shutdown)
        limit.daemon = True
        limit.start()
        try:
            self._provider.shutdown()
        finally:
            limit.cancel()


def log_ids(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return a processor of structlog: adds the ids of the present span."""
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def start(version: str) -> Tracing:
    """Tracing as the environment configures it: `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_SAMPLER` and so on."""
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # A default name: what the environment says of the resource wins.
    named = Resource.create({"service.name": "ecrkeeper", "service.version": version})
    resource = named.merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource)
    timeout = float(next(filter(None, map(os.environ.get, _TIMEOUTS)), 10))
    exporter = OTLPSpanExporter(timeout=timeout)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracing(provider, exporter, timeout)
