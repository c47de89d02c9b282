"""Servers that stop, and servers whose address or file is in use."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import ecrkeeper
import grpc
import pytest
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper.v1.registry_settings_service_pb2_grpc import RegistrySettingsServiceStub
from google.longrunning.operations_pb2 import WaitOperationRequest
from google.longrunning.operations_pb2_grpc import OperationsStub
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests import harness

REGISTRY = "accounts/345678901235/registries/us-east-1"
# Longer than the harness waits for the end of a process.
DRAIN_SECONDS = 60


def reason_of(error: grpc.RpcError) -> str:
    status: Any = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    return info.reason if status is not None and any(each.Unpack(info) for each in status.details) else ""


def test_stopping_server_ends_streams_with_reason(database_url: str, aws: harness.Simulator, tmp_path: Path) -> None:
    server = harness.Server(tmp_path, database_url, aws.url, drain_seconds=DRAIN_SECONDS)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        client.apply_registry_settings(
            f"{REGISTRY}/settings/team-a", {"scanning_configuration": {"scan_type": "BASIC"}}
        )
    with grpc.insecure_channel(server.address) as channel:
        request = pb.WatchRegistriesRequest(parent="accounts/-")
        watches = [RegistrySettingsServiceStub(channel).WatchRegistries(request) for _ in range(3)]
        for watch in watches:
            next(iter(watch))
        assert server.stop() == 0
        for watch in watches:
            with pytest.raises(grpc.RpcError) as caught:
                list(watch)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            assert reason_of(caught.value) == "SERVER_STOPPING"


def test_stopping_server_ends_waiting_calls(database_url: str, aws: harness.Simulator, tmp_path: Path) -> None:
    server = harness.Server(tmp_path, database_url, aws.url, drain_seconds=DRAIN_SECONDS)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        aws.control("POST", "faults", {"kind": "latency", "seconds": 2.0})
        client.apply_registry_settings(
            f"{REGISTRY}/settings/team-a", {"scanning_configuration": {"scan_type": "BASIC"}}
        )
        operation = client.reconcile_registry(REGISTRY).name
    with grpc.insecure_channel(server.address) as channel:
        waiting = OperationsStub(channel).WaitOperation.future(WaitOperationRequest(name=operation), timeout=100)
        threading.Event().wait(0.3)
        server.process.send_signal(signal.SIGTERM)
        # It ended by itself or was ended, in both cases before the others' time limit.
        assert server.stop() == 0
        assert waiting.done() or waiting.exception(5) is not None
    aws.control("DELETE", "faults")


def test_second_server_on_sqlite_file_is_rejected(aws: harness.Simulator, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'one.db'}"
    server = harness.Server(tmp_path, url, aws.url)
    environment = {**os.environ, "ECRKEEPER_DATABASE_URL": url, "ECRKEEPER_LISTEN": "127.0.0.1:0"}
    command = [harness.program("ecrkeeper-server"), "serve"]
    second = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert "only one can" in second.stderr
    assert "Traceback" not in second.stderr
    assert server.stop() == 0


def test_simulator_reports_port_in_use_in_one_line(aws: harness.Simulator) -> None:
    command = [harness.program("ecrkeeper-sim"), "--port", aws.url.rpartition(":")[2]]
    second = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert "cannot listen on" in second.stderr
    assert "Traceback" not in second.stderr
