"""Plaintext, TLS and tokens."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import ecrkeeper
import grpc
import pytest
from ecrkeeper._channel import channel_options, is_loopback

from .fake import FakeServer

NAME = "accounts/111111111111/registries/us-east-1"


def test_plaintext_requires_insecure_option(server: FakeServer) -> None:
    with ecrkeeper.Client(server.target, timeout=0.3) as client, pytest.raises(ecrkeeper.RegistryError):
        client.get_registry(NAME)
    assert server.received == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"target": "x:1", "insecure": True, "credentials": grpc.ssl_channel_credentials()},
        {"target": "ecrkeeper.internal:443", "insecure": True, "token": "t"},
        {"target": "x:1", "channel": grpc.insecure_channel("x:1")},
        {"token": "t", "channel": grpc.insecure_channel("x:1")},
        {"target": "x:1", "timeout": float("inf")},
    ],
    ids=[
        "no target",
        "plaintext with credentials",
        "token in plaintext",
        "two targets",
        "token on a given channel",
        "no end",
    ],
)
@pytest.mark.parametrize("client", [ecrkeeper.Client, ecrkeeper.AsyncClient])
def test_contradicting_options_are_rejected(client: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        client(**options)


@pytest.mark.parametrize(
    ("target", "local"),
    [
        ("localhost:50051", True),
        ("127.0.0.1:50051", True),
        ("127.8.9.1", True),
        ("[::1]:50051", True),
        ("::1", True),
        ("unix:/run/ecrkeeper.sock", True),
        ("dns:///localhost:50051", True),
        ("dns://8.8.8.8/localhost:50051", True),
        ("ipv4:127.0.0.1:1,127.0.0.2:1", True),
        ("ipv4:127.0.0.1:1,10.0.0.1:1", False),
        ("10.0.0.1:50051", False),
        ("localhost.example.com:443", False),
        ("127.0.0.1.example.com:443", False),
        ("[2001:db8::1]:443", False),
        ("dns:///ecrkeeper:443", False),
    ],
)
def test_loopback_addresses_are_recognized(target: str, local: bool) -> None:
    assert is_loopback(target) is local


def test_token_is_sent_in_plaintext_to_loopback(server: FakeServer) -> None:
    with ecrkeeper.Client(server.target, insecure=True, token="t-1") as client:
        client.get_registry(NAME)
    assert server.received[0].metadata["authorization"] == "Bearer t-1"


def test_token_function_is_called_for_each_call(server: FakeServer) -> None:
    tokens = iter(["t-1", "t-2"])

    async def call_twice() -> None:
        async with ecrkeeper.AsyncClient(server.target, insecure=True, token=lambda: next(tokens)) as client:
            await client.get_registry(NAME)
            await client.get_registry(NAME)

    asyncio.run(call_twice())
    assert [call.metadata["authorization"] for call in server.received] == ["Bearer t-1", "Bearer t-2"]


@pytest.mark.parametrize("use_asyncio", [False, True])
def test_token_is_sent_over_secure_channel(server: FakeServer, use_asyncio: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "s")
        server.listen_locally(path)
        local = grpc.local_channel_credentials(grpc.LocalConnectionType.UDS)

        async def call() -> None:
            async with ecrkeeper.AsyncClient(f"unix:{path}", credentials=local, token=lambda: "t-3") as client:
                await client.get_registry(NAME)

        if use_asyncio:
            asyncio.run(call())
        else:
            with ecrkeeper.Client(f"unix:{path}", credentials=local, token=lambda: "t-3") as client:
                client.get_registry(NAME)
    assert server.received[0].metadata["authorization"] == "Bearer t-3"


def test_failing_token_function_fails_the_call(server: FakeServer) -> None:
    def broken() -> str:
        raise OSError("no token")

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "s")
        server.listen_locally(path)
        local = grpc.local_channel_credentials(grpc.LocalConnectionType.UDS)
        with ecrkeeper.Client(f"unix:{path}", credentials=local, token=broken, timeout=2) as client:
            with pytest.raises(ecrkeeper.RegistryError, match="no token"):
                client.get_registry(NAME)
    assert server.received == []


def test_service_config_retries_unavailable_for_all_services() -> None:
    (methods,) = ecrkeeper.SERVICE_CONFIG["methodConfig"]
    assert {name["service"] for name in methods["name"]} == {
        "ecrkeeper.v1.RoleService",
        "ecrkeeper.v1.RegistrySettingsService",
        "ecrkeeper.v1.FleetService",
        "ecrkeeper.v1.AuditService",
        "ecrkeeper.v1.ServerService",
        "google.longrunning.Operations",
    }
    assert methods["retryPolicy"]["maxAttempts"] == 4
    assert methods["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE", "RESOURCE_EXHAUSTED"]
    assert json.loads(dict(channel_options())["grpc.service_config"]) == ecrkeeper.SERVICE_CONFIG


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("", "the token is empty"),
        ("secret\n", r"got U\+000A at position 6 of 7"),
        ("secret\r\n", r"got U\+000D at position 6"),
        (" secret", r"got U\+0020 at position 0"),
        ("sec\0ret", r"got U\+0000 at position 3"),
        ("secretż", r"got U\+017C at position 6"),
    ],
)
def test_unsendable_token_is_rejected_at_construction(token: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as rejected:
        ecrkeeper.Client("127.0.0.1:1", insecure=True, token=token)
    assert "secret" not in str(rejected.value)
    with ecrkeeper.Client("127.0.0.1:1", insecure=True, token=lambda: token) as client:
        with pytest.raises(ValueError, match=words):
            client.list_supported_regions()
