"""Calls that pass the proxy, and calls that do not."""

from __future__ import annotations

import asyncio
import subprocess
import time
from pathlib import Path

import ecrkeeper
import grpc
import pytest
import trustme
from ecrkeeper.v1 import registry_settings_service_pb2 as service
from ecrkeeper.v1 import registry_settings_service_pb2_grpc as stubs
from ecrkeeper_server.config.settings import Config
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests import harness
from tests.e2e.secured import write_pair
from tests.edge.header_bomb import FULL_FRAME, WITHIN_LIMIT, Bomb, forget_peak, resident
from tests.issuer import AUDIENCE, Issuer
from tests.proxy.conftest import ENVOY, SHIPPED, configured, proxied

NAME = f"accounts/{harness.ACCOUNT}/registries/us-east-1"
ENHANCED = {"scanningConfiguration": {"scanType": "ENHANCED"}}


def test_shipped_configuration_is_valid(tmp_path: Path) -> None:
    write_pair(tmp_path, trustme.CA(), "127.0.0.1")
    command = [str(ENVOY), "--mode", "validate", "-c", str(configured(tmp_path, "127.0.0.1:50052"))]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stderr
    assert "deprecated" not in checked.stderr.lower(), checked.stderr


def test_proxy_limits_match_server_defaults() -> None:
    config, text = Config(), SHIPPED.read_text()
    streams = config.max_calls_per_principal + config.max_streams_per_principal
    assert text.count(f"max_concurrent_streams: {streams}\n") == 2
    assert f"max_request_headers_kb: {config.max_metadata_bytes // 1024}\n" in text
    assert f"max_active_downstream_connections: {config.max_connections}\n" in text
    assert f"max_connection_duration: {config.max_connection_seconds:.0f}s\n" in text
    assert config.max_stream_seconds < 1900, "Envoy ends no stream before the server does"
    assert text.count("1900s") == 2


def test_valid_calls_pass(aws: harness.Simulator, tmp_path: Path) -> None:
    with proxied(tmp_path, aws) as running, running.client() as client:
        applied = client.apply_registry_settings(f"{NAME}/settings/web", ENHANCED)
        assert applied is not None
        harness.eventually(lambda: aws.registry()["scanning"] != {} and aws.writes())
        with pytest.raises(ecrkeeper.NotFound) as caught:
            client.get_registry_settings(f"{NAME}/settings/nobody")
        assert caught.value.reason == "NOT_FOUND", "details of errors pass"


def test_large_request_passes(aws: harness.Simulator, tmp_path: Path) -> None:
    policies = ["x" * 10_000] * 300
    with proxied(tmp_path, aws) as running, grpc.secure_channel(running.address, running.credentials) as channel:
        call = channel.unary_unary("/ecrkeeper.v1.RegistrySettingsService/GetRegistry")
        with pytest.raises(grpc.RpcError) as caught:
            call(service.GetRegistryRequest(name="".join(policies)).SerializeToString(), timeout=20)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT, "the server has read all of it"


def test_watch_survives_idle_periods(aws: harness.Simulator, tmp_path: Path) -> None:
    hasty = {
        "request_headers_timeout: 10s": "request_headers_timeout: 1s",
        "request_timeout: 60s": "request_timeout: 1s",
    }
    kinds = service.WatchRegistriesResponse
    with proxied(tmp_path, aws, hasty) as running, grpc.secure_channel(running.address, running.credentials) as channel:
        stub = stubs.RegistrySettingsServiceStub(channel)
        # A watch that does not reconnect.
        stream = stub.WatchRegistries(service.WatchRegistriesRequest(parent="accounts/-"), timeout=60)
        assert next(stream).kind == kinds.SNAPSHOT_COMPLETE
        # Real time: the timeouts are Envoy's.
        time.sleep(2.5)
        with running.client() as client:
            client.apply_registry_settings(f"{NAME}/settings/web", ENHANCED)
        change = next(stream)
        assert (change.kind, change.registry.name) == (kinds.CURRENT, NAME)


def test_pushback_and_call_id_pass(aws: harness.Simulator, tmp_path: Path) -> None:
    limited = {"rate_per_principal": 1.0, "burst_per_principal": 1}
    with proxied(tmp_path, aws, **limited) as running:
        options = (("grpc.enable_retries", 0),)
        with grpc.secure_channel(running.address, running.credentials, options) as channel:
            call = channel.unary_unary("/ecrkeeper.v1.RoleService/ListSupportedRegions")
            outcomes = [_outcome(call) for _ in range(3)]
    rejected = [error for error in outcomes if error is not None]
    assert rejected
    error = rejected[0]
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    trailers = dict(error.trailing_metadata())
    assert "grpc-retry-pushback-ms" in trailers
    assert trailers["x-request-id"] == "mine"
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Is(info.DESCRIPTOR) for detail in status.details)


def _outcome(call: grpc.UnaryUnaryMultiCallable[bytes, bytes]) -> grpc.RpcError | None:
    try:
        call(b"", timeout=10, metadata=(("x-request-id", "mine"),))
    except grpc.RpcError as error:
        return error
    return None


def test_callers_authenticate_by_token(aws: harness.Simulator, tmp_path: Path) -> None:
    issuer = Issuer()
    issuer.add_key("one")
    keys = tmp_path / "keys.json"
    keys.write_bytes(issuer.document)
    settings = {"jwt_issuer": issuer.url, "jwt_audience": AUDIENCE, "jwt_jwks_file": keys}
    with proxied(tmp_path, aws, **settings) as running:
        with running.client() as anonymous, pytest.raises(ecrkeeper.Unauthenticated):
            anonymous.list_supported_regions()
        with running.client(token=issuer.token("alice")) as alice:
            alice.apply_registry_settings(f"{NAME}/settings/web", ENHANCED)
        harness.eventually(lambda: '"principal": "alice"' in (tmp_path / "server.log").read_text())


@pytest.mark.parametrize(
    ("bomb", "server_grows", "reason"),
    [
        (Bomb(20, 300, WITHIN_LIMIT), 30, "each block is as large as the server takes"),
        (Bomb(10, 300, FULL_FRAME), 30, "each block is one full frame"),
        (Bomb(20, 300, 50), 100, "as many fields as may pass; the calls wait in the server, which bounds them"),
        (Bomb(20, 300, 2, value=4000), 100, "few large fields pass, and wait likewise"),
    ],
)
def test_header_bomb_stops_at_proxy(
    aws: harness.Simulator, tmp_path: Path, bomb: Bomb, server_grows: int, reason: str
) -> None:
    with proxied(tmp_path, aws) as running, running.client() as client:
        server, envoy = running.server.process.pid, running.envoy.pid
        before = {pid: resident(pid) for pid in (server, envoy)}
        for pid in before:
            forget_peak(pid)
        asyncio.run(bomb.explode(running.address, tls=running.tls))
        grown = {pid: resident(pid, peak=True) - before[pid] for pid in before}
        assert grown[server] < server_grows, reason
        assert grown[envoy] < 300, reason
        assert client.list_supported_regions(), "others are served"


def test_header_bomb_without_proxy_uses_memory(aws: harness.Simulator, tmp_path: Path) -> None:
    server = harness.Server(tmp_path, f"sqlite:///{tmp_path / 'ecrkeeper.db'}", aws.url)
    before = resident(server.process.pid)
    forget_peak(server.process.pid)
    asyncio.run(Bomb(connections=1, streams=150).explode(server.address))
    assert resident(server.process.pid, peak=True) - before > 150, "a twentieth of what the proxy has stopped"
    assert server.stop() == 0


def test_connections_above_limit_are_closed(aws: harness.Simulator, tmp_path: Path) -> None:
    few = {"max_active_downstream_connections: 2000": "max_active_downstream_connections: 2"}
    with proxied(tmp_path, aws, few) as running:
        bomb = Bomb(connections=6, streams=1, fields=0)
        asyncio.run(bomb.explode(running.address, tls=running.tls, seconds=1))
        assert bomb.answers["closed"] >= 4
