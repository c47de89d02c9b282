"""The metrics of calls to AWS."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Histogram

from ecrkeeper_server.metrics.labels import Bounded

FAMILIES = ("iam", "ecr-read", "ecr-write", "sts", "cloudtrail", "sqs", "other")

_AWS_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class AwsMetrics:
    """Metrics of calls to AWS, one for each attempt."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("service", "operation")
        self._calls = Counter(
            "ecrkeeper_aws_calls_total", "Calls sent to AWS, by code.", (*labels, "code"), registry=registry
        )
        self._seconds = Histogram(
            "ecrkeeper_aws_call_seconds", "Duration of AWS calls.", labels, registry=registry, buckets=_AWS_BUCKETS
        )
        self._throttled = Counter(
            "ecrkeeper_aws_throttled_total", "Calls that AWS throttled.", ("family",), registry=registry
        )
        self._waits = Counter(
            "ecrkeeper_aws_token_waits_total",
            "Calls held back by ecrkeeper's own rate.",
            ("family",),
            registry=registry,
        )
        self._waited = Counter(
            "ecrkeeper_aws_token_wait_seconds_total",
            "Time for which they were held back.",
            ("family",),
            registry=registry,
        )
        self._refreshes = Counter(
            "ecrkeeper_aws_credentials_refreshes_total", "Roles assumed, by result.", ("result",), registry=registry
        )
        for family in FAMILIES:
            for counter in (self._throttled, self._waits, self._waited):
                counter.labels(family)
        for result in ("ok", "failed"):
            self._refreshes.labels(result)
        self._code = Bounded({"OK"})
        self._bound: dict[tuple[str, str, str], tuple[Callable[[], None], Callable[[float], None]]] = {}

    def called(self, service: str, operation: str, code: str, seconds: float) -> None:
        """Count an attempt; the code is AWS's, `OK`, `NO_ANSWER` or `INVALID_ANSWER`."""
        bound = self._bound.get((service, operation, code))
        if bound is None:
            known = self._code(code)
            bound = (
                self._calls.labels(service, operation, known).inc,
                self._seconds.labels(service, operation).observe,
            )
            if known == code:
                self._bound[service, operation, code] = bound
        bound[0]()
        bound[1](seconds)

    def throttled(self, family: str) -> None:
        """Count a call that AWS throttled."""
        self._throttled.labels(family).inc()

    def waited(self, family: str, seconds: float) -> None:
        """Count a call that waited for a token."""
        self._waits.labels(family).inc()
        self._waited.labels(family).inc(seconds)

    def refreshed(self, *, good: bool) -> None:
        """Count an attempt to assume an account's role."""
        self._refreshes.labels("ok" if good else "failed").inc()
