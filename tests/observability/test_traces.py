"""Spans of real servers, as a collector receives them."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import ecrkeeper
import grpc
import psycopg
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests import harness
from tests.e2e.live import Live, fresh_account
from tests.observability.collector import Collector, ReceivedSpan, Traced

DECLARED = {"scanning_configuration": {"scan_type": "ENHANCED", "rules": []}}
RPC, STEP = "ecrkeeper.v1.RegistrySettingsService/UpdateRegistrySettings", "reconcile registry"
LOOK, PUT = "ecr/GetRegistryScanningConfiguration", "ecr/PutRegistryScanningConfiguration"
# A write's attempt assumes the role and reads the setting to plan, before its Put, and after it.
CALLS = ["sts/AssumeRole", "sts/GetCallerIdentity", LOOK, LOOK, PUT, LOOK]
# Export often and little at a time: one write fills several batches.
EAGER = {"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "2"}
# Never while the server runs.
AT_THE_END = {"OTEL_BSP_SCHEDULE_DELAY": "600000", "OTEL_EXPORTER_OTLP_TIMEOUT": "20"}
PATIENCE = 2


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller whose span causes a write."""

    trace: str = field(default_factory=lambda: secrets.token_hex(16))
    span: str = field(default_factory=lambda: secrets.token_hex(8))

    def declare(self, server: harness.Server, aws: harness.Simulator) -> str:
        """Declare within the trace, in a new account, and return the account."""
        account = fresh_account()
        with grpc.insecure_channel(server.address) as plain:
            channel = grpc.intercept_channel(plain, Traced(f"00-{self.trace}-{self.span}-01"))
            with ecrkeeper.Client(channel=channel, timeout=20) as client:
                Live(server, aws, client).registry(account).apply(DECLARED)
        return account

    def spans(self, collector: Collector) -> list[ReceivedSpan]:
        """Return the spans of the trace, once all have arrived."""
        exported = collector.until(lambda spans: len(self._own(spans)) >= 2 + len(CALLS))
        return self._own(exported)

    def _own(self, spans: list[ReceivedSpan]) -> list[ReceivedSpan]:
        return [span for span in spans if span.trace == self.trace]

    def check(self, spans: list[ReceivedSpan]) -> None:
        """RPC, reconcile and AWS calls are descendants of the caller's span."""
        assert sorted(span.name for span in spans) == sorted([RPC, STEP, *CALLS])
        rpc, step = (next(span for span in spans if span.name == name) for name in (RPC, STEP))
        assert (rpc.parent, rpc.kind) == (self.span, Span.SPAN_KIND_SERVER)
        assert (step.parent, step.kind) == (rpc.id, Span.SPAN_KIND_CONSUMER)
        calls = [span for span in spans if span not in (rpc, step)]
        assert {(span.parent, span.kind) for span in calls} == {(step.id, Span.SPAN_KIND_CLIENT)}
        assert not any(span.failed for span in spans)
        assert all(span.attributes["aws.request_id"] for span in calls)
        assert step.attributes["ecrkeeper.result"] == "settled"


@pytest.fixture
def collector() -> Iterator[Collector]:
    started = Collector()
    yield started
    started.stop()


def start(
    folder: Path, url: str, aws: harness.Simulator, port: int, environment: dict[str, str], role: str = "all"
) -> harness.Server:
    """A server that exports its spans to a port."""
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_TIMEOUT": str(PATIENCE),
        "OTEL_RESOURCE_ATTRIBUTES": f"service.instance.id={role}",
        **environment,
    }
    return harness.Server(folder, url, aws.url, environment=variables, tracing="true", role=role)


def connections(url: str) -> int:
    """Return the number of server connections to a Postgres database."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^ecrkeeper'"
    )
    with psycopg.connect(url) as conn:
        return int(conn.execute(query).fetchone()[0])  # type: ignore[index]


def test_write_is_one_trace_with_reconcile_and_aws_calls(
    database_url: str, aws: harness.Simulator, collector: Collector, tmp_path: Path
) -> None:
    server = start(tmp_path, database_url, aws, collector.port, EAGER)
    for batches in (3, 6, 9):
        caller = Caller()
        caller.declare(server, aws)
        caller.check(caller.spans(collector))
        assert len(collector.batches) >= batches
    assert server.stop() == 0


def test_trace_continues_in_reconciling_process(
    postgres_url: str, aws: harness.Simulator, collector: Collector, tmp_path: Path
) -> None:
    api, engine = (start(tmp_path, postgres_url, aws, collector.port, EAGER, role) for role in ("api", "engine"))
    for _ in range(2):
        caller = Caller()
        caller.declare(api, aws)
        spans = caller.spans(collector)
        caller.check(spans)
        assert {span.process for span in spans if span.name == RPC} == {"api"}
        assert {span.process for span in spans if span.name != RPC} == {"engine"}
    assert api.stop() == engine.stop() == 0


def test_stopping_server_sends_kept_spans_before_closing_store(
    database_url: str, aws: harness.Simulator, collector: Collector, tmp_path: Path
) -> None:
    server = start(tmp_path, database_url, aws, collector.port, AT_THE_END)
    caller = Caller()
    account = caller.declare(server, aws)
    # The attempt is running: stopping waits for its end.
    harness.eventually(lambda: [call for call in aws.writes() if call["account"] == account])
    assert collector.batches == []
    collector.answers.clear()
    server.process.terminate()
    caller.check(caller.spans(collector))
    # It waits for the collector's answer.
    assert database_url.startswith("sqlite") or connections(database_url) > 0
    collector.answers.set()
    assert server.stop() == 0


def test_returning_collector_receives_missed_spans(
    aws: harness.Simulator, tmp_path: Path, collector: Collector
) -> None:
    patient = {**EAGER, "OTEL_EXPORTER_OTLP_TIMEOUT": "20"}
    server = start(tmp_path, f"sqlite:///{tmp_path / 'ecrkeeper.db'}", aws, collector.port, patient)
    before, meanwhile, after = Caller(), Caller(), Caller()
    before.declare(server, aws)
    before.check(before.spans(collector))
    collector.stop()
    meanwhile.declare(server, aws)
    log = tmp_path / "server.log"
    harness.eventually(lambda: "Transient error" in log.read_text())
    back = Collector(collector.port)
    after.declare(server, aws)
    for caller in (meanwhile, after):
        caller.check(caller.spans(back))
    assert server.stop() == 0
    back.stop()


@pytest.mark.parametrize("listens", [False, True], ids=["refuses", "never answers"])
def test_absent_collector_delays_stop_by_one_batch_only(listens: bool, aws: harness.Simulator, tmp_path: Path) -> None:
    with socket.socket() as away:
        away.bind(("127.0.0.1", 0))
        if listens:
            away.listen()
        server = start(tmp_path, f"sqlite:///{tmp_path / 'ecrkeeper.db'}", aws, away.getsockname()[1], EAGER)
        signalled = time.monotonic()
        accounts = {Caller().declare(server, aws) for _ in range(10)}
        assert time.monotonic() - signalled < 10, "less than one of ten could wait for the collector"
        harness.eventually(lambda: accounts <= {call["account"] for call in aws.writes()})
        signalled = time.monotonic()
        assert server.stop() == 0
        # There are 30 batches, and each may take that long. A busy machine takes seconds of its own.
        assert time.monotonic() - signalled < 6 * PATIENCE
    assert '"event": "stopping"' in (tmp_path / "server.log").read_text()
    assert "opentelemetry.exporter" in (tmp_path / "server.log").read_text(), "it is said why spans are missing"
