"""Metrics and logs of a real server."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import ecrkeeper
import grpc
import pytest
from ecrkeeper.v1 import audit_service_pb2, audit_service_pb2_grpc
from ecrkeeper.v1 import registry_settings_service_pb2 as messages
from ecrkeeper.v1 import registry_settings_service_pb2_grpc as services
from prometheus_client.parser import text_string_to_metric_families

from tests import harness, postgres
from tests.e2e.live import Live

STREAMS = 20
DECLARED = {"scanning_configuration": {"scan_type": "ENHANCED", "rules": []}}


class Watched:
    """A server, its log, and its metrics port."""

    def __init__(self, folder: Path, aws: harness.Simulator, url: str = "") -> None:
        self.aws = aws
        url = url or f"sqlite:///{folder / 'ecrkeeper.db'}"
        harness.migrate(url)
        self.server = harness.Server(folder, url, aws.url)
        self._log = folder / "server.log"
        self.port = int(str(self.eventually("started")[0]["metrics_port"]))

    def lines(self, event: str) -> list[dict[str, object]]:
        """Return the log lines with an event; every line must be JSON."""
        lines = self._log.read_text().splitlines(keepends=True)
        return [line for line in map(json.loads, (x for x in lines if x.endswith("\n"))) if line["event"] == event]

    def eventually(self, event: str) -> list[dict[str, object]]:
        """Wait for such lines: the server logs after it responds."""
        matching: list[dict[str, object]] = harness.eventually(lambda: self.lines(event))
        return matching

    def get(self, path: str) -> tuple[int, str]:
        request = f"http://127.0.0.1:{self.port}{path}"
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def sample(self, name: str, **labels: str) -> float:
        """Return the sum of the samples with these labels."""
        families = text_string_to_metric_families(self.get("/metrics")[1])
        samples = [s for family in families for s in family.samples if s.name == name]
        return sum(s.value for s in samples if labels.items() <= s.labels.items())


@pytest.fixture
def watched(simulated_aws: harness.Simulator, tmp_path: Path) -> Iterator[Watched]:
    simulated_aws.control("POST", "reset")
    server = Watched(tmp_path, simulated_aws)
    yield server
    server.server.stop()


def test_declaration_counts_calls_reconciles_and_aws_calls(watched: Watched) -> None:
    with ecrkeeper.Client(watched.server.address, insecure=True) as client:
        place = Live(watched.server, watched.aws, client).registry(harness.ACCOUNT)
        place.apply(DECLARED)
        place.reconcile()
    declared = {"grpc_method": "UpdateRegistrySettings", "grpc_type": "unary"}
    assert watched.sample("grpc_server_handled_total", grpc_code="OK", **declared) == 1
    assert watched.sample("grpc_server_handling_seconds_count", **declared) == 1
    assert watched.sample("grpc_server_in_flight", **declared) == 0
    assert watched.sample("ecrkeeper_reconciles_total", kind="registry", result="settled") >= 1
    assert watched.sample("ecrkeeper_reconcile_seconds_count", kind="registry") >= 1
    assert watched.sample("ecrkeeper_aws_calls_total", service="ecr", code="OK") >= 1
    assert watched.sample("ecrkeeper_aws_credentials_refreshes_total", result="ok") == 1
    assert watched.sample("ecrkeeper_store_seconds_count", kind="write") >= 1
    assert watched.sample("ecrkeeper_resources", kind="registry") == 1
    line = next(line for line in watched.eventually("rpc") if str(line["method"]).endswith("UpdateRegistrySettings"))
    assert line["code"] == "OK"
    settled = watched.eventually("reconciled")[-1]
    assert settled["resource"] == place.name
    assert settled["reconcile_id"]
    assert "call_id" not in settled, "a step belongs to no call"


def test_rejected_calls_are_logged_by_call_id_and_reads_are_not(watched: Watched) -> None:
    request, metadata = messages.ListRegistriesRequest(parent="accounts/-"), [("x-request-id", "mine-1")]
    with grpc.insecure_channel(watched.server.address) as channel:
        stub = services.RegistrySettingsServiceStub(channel)
        stub.ListRegistries(request, timeout=20)
        with pytest.raises(grpc.RpcError) as caught:
            stub.GetRegistry(messages.GetRegistryRequest(name="nonsense"), metadata=metadata, timeout=20)
    assert dict(caught.value.trailing_metadata())["x-request-id"] == "mine-1"
    lines = watched.eventually("rpc")
    assert [(line["code"], line["call_id"]) for line in lines] == [("INVALID_ARGUMENT", "mine-1")]
    assert lines[0]["reason"]
    assert watched.sample("grpc_server_handled_total", grpc_method="GetRegistry", grpc_code="INVALID_ARGUMENT") == 1


def test_ids_have_same_names_everywhere(watched: Watched) -> None:
    with ecrkeeper.Client(watched.server.address, insecure=True) as client:
        place = Live(watched.server, watched.aws, client).registry(harness.ACCOUNT)
        declared = place.apply(DECLARED)
        with pytest.raises(ecrkeeper.Conflict) as caught:
            place.apply({}, etag="stale")
        (event,) = [e for e in client.list_audit_events() if e.resource == declared.name]
    error = caught.value
    assert error.call_id
    assert error.request_id
    assert error.metadata["call_id"] == error.call_id
    assert "request_id" not in error.metadata
    harness.eventually(lambda: len(watched.lines("rpc")) == 2)
    lines = {line["code"]: line for line in watched.lines("rpc")}
    assert (lines["ABORTED"]["call_id"], lines["ABORTED"]["request_id"]) == (error.call_id, error.request_id)
    assert (lines["OK"]["call_id"], lines["OK"]["request_id"]) == (event.call_id, event.request_id)


def test_database_down_serves_metrics_and_liveness_not_readiness(
    simulated_aws: harness.Simulator, tmp_path: Path
) -> None:
    with postgres.running() as cluster:
        watched = Watched(tmp_path, simulated_aws, cluster.create_database("watched"))
        assert watched.get("/readyz")[0] == 200
        assert watched.sample("ecrkeeper_store_up") == 1
        cluster.stop("immediate")
        harness.eventually(lambda: watched.get("/readyz")[0] == 503, 60)
        assert watched.get("/healthz")[0] == 200
        # The table's values are cached for a while, then unknown.
        harness.eventually(lambda: watched.sample("ecrkeeper_store_up") == 0, 60)
        assert watched.sample("grpc_server_started_total") == 0
        assert watched.sample("ecrkeeper_store_failures_total", kind="read") > 0
        cluster.start()
        harness.eventually(lambda: watched.get("/readyz")[0] == 200, 60)
        assert watched.server.stop() == 0


def test_metric_names_match_promised_ones(watched: Watched) -> None:
    page = watched.get("/metrics")[1]
    exported = sorted(set(re.findall(r"^# TYPE (?!process_)(\S+ \S+)$", page, re.MULTILINE)))
    golden = Path(__file__).parents[1] / "golden" / "metrics.txt"
    assert exported == golden.read_text().splitlines(), (
        f"not what {golden.name} says; additions are fine, add them there"
    )


def test_dropped_streams_end_with_log_line(
    watched: Watched,
) -> None:
    request = audit_service_pb2.WatchAuditEventsRequest()
    with ecrkeeper.Client(watched.server.address, insecure=True) as client:
        place = Live(watched.server, watched.aws, client).registry(harness.ACCOUNT)
        for n in range(STREAMS):
            with grpc.insecure_channel(watched.server.address) as channel:
                stream = audit_service_pb2_grpc.AuditServiceStub(channel).WatchAuditEvents(request, timeout=20)
                next(stream)
                place.apply(DECLARED if n % 2 else {})
                next(stream)
                stream.cancel()
    assert watched.server.process.poll() is None
    harness.eventually(lambda: watched.sample("grpc_server_in_flight", grpc_method="WatchAuditEvents") == 0)
    ended = {"grpc_method": "WatchAuditEvents", "grpc_code": "CANCELLED"}
    harness.eventually(lambda: watched.sample("grpc_server_handled_total", **ended) == STREAMS)
    lines = [line for line in watched.lines("rpc") if str(line["method"]).endswith("WatchAuditEvents")]
    assert {line["code"] for line in lines} == {"CANCELLED"}
    assert all(str(line["peer"]).startswith("ipv") for line in lines)
