"""Tokens and signing keys never appear in the audit trail or a log."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import ecrkeeper
import grpc
import pytest
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper.v1.registry_settings_service_pb2_grpc import RegistrySettingsServiceStub

from tests import harness
from tests.e2e.live import message

TOKEN, KEY, PASSWORD = "tok-4f1d9c0ab7", "key-8be2775d31", "pwd-c0ffee4242"
ACCOUNT = "111111111111"
SECRET_ARN = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:ecr-pullthroughcache/hub-AbCdEf"


def test_credentials_are_neither_stored_nor_logged(
    aws: harness.Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ecrkeeper.db"
    real = harness.Process.__init__

    def with_key(self: harness.Process, arguments: list[str], environment: dict[str, str], log: Path) -> None:
        real(self, arguments, {**environment, "AWS_SECRET_ACCESS_KEY": KEY}, log)

    monkeypatch.setattr(harness.Process, "__init__", with_key)
    server = harness.Server(tmp_path, f"sqlite:///{file}", aws.url, log_level="debug")
    name = f"accounts/{ACCOUNT}/registries/us-east-1"
    aws.seed({"secrets": [{"name": "ecr-pullthroughcache/hub", "arn": SECRET_ARN, "value": PASSWORD}]})
    rule = {
        "ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io", "credentialArn": SECRET_ARN
    }  # fmt: skip
    with grpc.insecure_channel(server.address) as channel, ecrkeeper.Client(server.address, insecure=True) as client:
        stub = RegistrySettingsServiceStub(channel)
        declaration = ecrkeeper.RegistrySettings(
            name=f"{name}/settings/team", settings=message({"pull_through_cache_rules": {"rules": [rule]}})
        )
        carrying = (("authorization", f"Bearer {TOKEN}"), ("x-api-key", TOKEN))
        request = pb.UpdateRegistrySettingsRequest(registry_settings=declaration, allow_missing=True)
        stub.UpdateRegistrySettings(request, metadata=carrying, timeout=10)
        harness.eventually(lambda: not client.get_registry(name).reconciling)
        request.registry_settings.etag = "stale"
        for _ in range(2):
            try:
                stub.UpdateRegistrySettings(request, metadata=carrying, timeout=10)
            except grpc.RpcError as error:
                assert error.code() is grpc.StatusCode.ABORTED
        text = "".join(str(event) for event in client.list_audit_events())
        assert "ecr:CreatePullThroughCacheRule" in text
        assert SECRET_ARN in text, "the name of a secret is no secret"
    assert server.stop() == 0
    kept = text + (tmp_path / "server.log").read_text() + "\n".join(sqlite3.connect(file).iterdump())
    assert "UpdateRegistrySettings" in kept
    assert "reconciled" in kept
    for secret in (TOKEN, KEY, PASSWORD):
        assert secret not in kept
    # The simulated AWS's session tokens begin like this; the rest are parts of a signed request.
    assert not re.search(r"SIM[A-Za-z0-9+/=]{40}|Signature=|Security-Token|Bearer ", kept)
