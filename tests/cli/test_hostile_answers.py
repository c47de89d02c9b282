"""Text of a server or of AWS that could act on a terminal."""

from __future__ import annotations

import pytest
from ecrkeeper.v1.registry_pb2 import DeclarationStatus, Registry, RegistryProblem
from ecrkeeper.v1.registry_settings_service_pb2 import ListRegistriesResponse, WatchRegistriesResponse
from google.rpc.status_pb2 import Status

from tests.cli.conftest import Command
from tests.client.fake import FakeServer

NAME = "111111111111/us-east-1"
HOSTILE = Status(code=7, message="denied\x1b[2J\x1b]0;x\x07")
REGISTRY = Registry(
    name="accounts/111111111111/registries/us-east-1",
    last_error=HOSTILE,
    declarations=[DeclarationStatus(owner="team-a", last_error=HOSTILE)],
    worst_problem=RegistryProblem(reason="AWS_ACCESS_DENIED", message=HOSTILE.message),
)


@pytest.mark.parametrize(
    "arguments", [("describe", NAME), ("get", NAME), ("status",), ("watch", "--for", "1")], ids=lambda given: given[0]
)
def test_control_characters_are_escaped(
    command: Command, server: FakeServer, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("ECRKEEPER_TARGET", server.target)
    monkeypatch.setenv("ECRKEEPER_PLAINTEXT", "true")
    server.on("GetRegistry", REGISTRY)
    server.on("ListRegistries", ListRegistriesResponse(registries=[REGISTRY]))
    server.on("WatchRegistries", lambda *_: [WatchRegistriesResponse(kind="CURRENT", registry=REGISTRY)])
    ended = command(*arguments)
    assert "denied\\x1b[2J" in ended.out
    assert (ended.out + ended.err).replace("\n", "").isprintable()
