"""Text of a server or of AWS that could act on a terminal."""

from __future__ import annotations

import pytest
from ecrkeeper.v1.common_pb2 import Plan, Warning
from ecrkeeper.v1.registry_pb2 import DeclarationStatus, Registry, RegistryProblem, RegistrySettings
from ecrkeeper.v1.registry_settings_service_pb2 import ListRegistriesResponse, WatchRegistriesResponse
from ecrkeeper_cli.failures import rejected
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
    "arguments",
    [("describe", NAME), ("get", NAME), ("status",), ("watch", "--for", "1")],
    ids=lambda arguments: arguments[0],
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


def test_plan_of_a_replication_is_escaped(
    command: Command, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECRKEEPER_TARGET", server.target)
    monkeypatch.setenv("ECRKEEPER_PLAINTEXT", "true")
    plan = Plan(warnings=[Warning(reason="POLICY_X", subject="registry_policy", message=HOSTILE.message)])
    server.on("UpdateRegistrySettings", RegistrySettings(name=f"{REGISTRY.name}/settings/team-a", plan=plan))
    ended = command("replicate", NAME, "111111111111/us-west-2", "--plan")
    assert "denied\\x1b[2J" in ended.out
    assert (ended.out + ended.err).replace("\n", "").isprintable()


def test_rejected_lines_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    assert rejected([f"tags[x]: AWS: {HOSTILE.message}\n  + one change"], "nothing was written") == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["error: tags[x]: AWS: denied\\x1b[2J\\x1b]0;x\\x07", "  + one change", "nothing was written"]
