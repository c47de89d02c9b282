"""Metrics, traces and logs of AWS calls."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Iterator

import structlog
from msgspec import Struct

from ecrkeeper_server.aws.answers import InvalidAnswer
from ecrkeeper_server.aws.connection import NoAnswer
from ecrkeeper_server.aws.reading import Answer
from ecrkeeper_server.metrics.aws import AwsMetrics
from ecrkeeper_server.tracing import Tracing

log = structlog.get_logger("ecrkeeper.aws")


class CallTelemetry(Struct, frozen=True):
    """Counts, times, traces and logs every attempt of a call."""

    metrics: AwsMetrics
    tracing: Tracing | None = None
    logged: bool = True

    async def attempt(
        self, account: str, region: str, service: str, operation: str, sending: Awaitable[Answer]
    ) -> Answer:
        """Record one attempt, and return its answer or raise its error."""
        if self.tracing is not None:
            return await self._traced(self.tracing, account, region, service, operation, sending)
        began, code, request_id = time.perf_counter(), "NO_ANSWER", ""
        try:
            answer = await sending
            code, request_id = answer.code or "OK", answer.request_id
            return answer
        except BaseException as error:
            code = _code_of(error)
            raise
        finally:
            seconds = time.perf_counter() - began
            self.metrics.called(service, operation, code, seconds)
            if self.logged:
                log.debug(
                    "aws", service=service, operation=operation, account=account, region=region,
                    code=code, seconds=seconds, aws_request_id=request_id,
                )  # fmt: skip

    async def _traced(
        self, tracing: Tracing, account: str, region: str, service: str, operation: str, sending: Awaitable[Answer]
    ) -> Answer:
        attributes = {
            "rpc.system": "aws-api",
            "rpc.service": service,
            "rpc.method": operation,
            "cloud.account.id": account,
            "cloud.region": region,
        }
        plain = CallTelemetry(self.metrics)
        with tracing.span(f"{service}/{operation}", "CLIENT", attributes) as span:
            try:
                answer = await plain.attempt(account, region, service, operation, sending)
            except BaseException as error:
                tracing.failed(span, _code_of(error))
                raise
            span.set_attribute("http.response.status_code", answer.status)
            span.set_attribute("aws.request_id", answer.request_id)
            if answer.code:
                span.set_attribute("error.type", answer.code)
                tracing.failed(span, answer.code)
            return answer

    @contextlib.contextmanager
    def refreshing(self) -> Iterator[None]:
        """Trace the assumption of an account's role."""
        good = False
        try:
            yield
            good = True
        finally:
            self.metrics.refreshed(good=good)


def _code_of(error: BaseException) -> str:
    """Return the code of an unanswered attempt: cancelled, not sent, or no answer."""
    if isinstance(error, asyncio.CancelledError):
        return "CANCELLED"
    if isinstance(error, InvalidAnswer):
        return "INVALID_ANSWER"
    return "NO_ANSWER" if isinstance(error, NoAnswer | OSError | TimeoutError) else "NOT_SENT"
