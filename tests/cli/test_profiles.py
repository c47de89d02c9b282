"""Profiles from files and the environment, and the clients that they configure."""

from __future__ import annotations

import base64
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import ecrkeeper
import pytest
from ecrkeeper import profiles
from ecrkeeper._tokens import CommandToken, FileToken, TokenError, expiry_of
from ecrkeeper_server.config.settings import Config

from tests.cli.conftest import Command
from tests.client.fake import FakeServer

PROD = """
default = "prod"
[profiles.prod]
target = "ecrkeeper.example.com:443"
token = "t-1"
[profiles.local]
target = "127.0.0.1:50051"
plaintext = true
"""


def written(folder: Path, content: str, mode: int = 0o600, name: str = "config.toml") -> dict[str, str]:
    """Write a file of the configuration; return the environment that leads to it."""
    path = folder / "ecrkeeper" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(mode)
    return {"XDG_CONFIG_HOME": str(folder)}


@pytest.mark.parametrize(
    ("name", "environment", "target", "token", "reason"),
    [
        ("", {}, "ecrkeeper.example.com:443", "t-1", "the default of the file"),
        ("local", {}, "127.0.0.1:50051", "", "a name that is given"),
        ("", {"ECRKEEPER_PROFILE": "local"}, "127.0.0.1:50051", "", "a name of the environment"),
        ("prod", {"ECRKEEPER_PROFILE": "local"}, "ecrkeeper.example.com:443", "t-1", "a given name wins"),
        ("", {"ECRKEEPER_TARGET": "other:443"}, "other:443", "", "another target does not get the token of a profile"),
        ("prod", {"ECRKEEPER_TOKEN": "t-2"}, "ecrkeeper.example.com:443", "t-2", "a variable wins over its key"),
        ("prod", {"ECRKEEPER_TARGET": "a:1"}, "a:1", "t-1", "a profile that is named keeps its token"),
    ],
)
def test_profile_is_chosen(
    tmp_path: Path, name: str, environment: dict[str, str], target: str, token: str, reason: str
) -> None:
    loaded = profiles.load(name, environment={**written(tmp_path, PROD), **environment})
    assert (loaded.target, loaded.token) == (target, token), reason


def test_only_profile_is_the_default(tmp_path: Path) -> None:
    environment = written(tmp_path, 'target = "127.0.0.1:1"\nplaintext = true\n', name="profiles.d/dev.toml")
    assert profiles.load(environment=environment).target == "127.0.0.1:1"
    assert profiles.names(environment=environment) == ["dev"]


def test_token_file_of_environment_replaces_token_of_profile(tmp_path: Path) -> None:
    loaded = profiles.load(environment={**written(tmp_path, PROD), "ECRKEEPER_TOKEN_FILE": "/run/token"})
    assert (loaded.token, loaded.token_file) == ("", "/run/token")


@pytest.mark.parametrize(
    ("content", "message", "reason"),
    [
        ("", "no server is configured: set ECRKEEPER_TARGET", "no profile at all"),
        ("[profiles.a]\n[profiles.b]\n", "several profiles and no default", "nothing says which"),
        ('default = "c"\n[profiles.a]\ntarget = "a:1"', "there is no profile 'c'; known are a", "a wrong default"),
        ('[profiles.a]\ntarget = "http://a:1"', "write a:1 instead of http://a:1", "a URL"),
        ('[profiles.a]\ntarget = "https://a:1/"', "write a:1 instead of https://a:1/", "a URL with a path"),
        ("[profiles.a]\n", "a target is required", "no target"),
        ('[profiles.a]\ntarget = "a:1"\nhost = "a"', "unknown key 'host'; known are target", "a wrong key"),
        ('[profile.a]\ntarget = "a:1"', "unknown key 'profile'", "a wrong heading"),
        ("[profiles.a]\ntarget = 1", "target: must be text, got int", "a wrong type"),
        ('[profiles.a]\ntarget = "a:1"\nplaintext = "no"', "must be true or false, got str", "text for a boolean"),
        ('[profiles.a]\ntarget = "a:1"\ntoken_command = "x"', "the program and its arguments", "a command as text"),
        ('[profiles.a]\ntarget = "a:1"\ntoken = "t\\n"', "strip blanks and line ends", "a token with a line end"),
        ('[profiles.a]\ntarget = "a:1"\ntoken = "t"\ntoken_file = "f"', "token and token_file: give one", "two tokens"),
        ('[profiles.a]\ntarget = "a:1"\nplaintext = true\ntoken = "t"', "allow_plaintext_token", "plaintext token"),
        ('[profiles.a]\ntarget = "a:1"\nplaintext = true\nca_file = "f"', "excludes ca_file", "TLS without TLS"),
        ('[profiles.a]\ntarget = "a:1"\nkey_file = "f"', "give both or neither", "half of a pair"),
        ('[profiles.a]\ntarget = "a:1"\ntimeout = 0', "must be a positive number of seconds, got 0", "no time"),
        ("[profiles", "is no TOML", "no TOML"),
        (f"a = {'[' * 100_000}", "is no TOML", "deep nesting"),
        (
            f'[profiles.a]\ntarget = "a:1"\n#{"x" * (1 << 20)}\nca_file = "f"',
            "more than 1,048,576 bytes",
            "a long file",
        ),
    ],
)
def test_profile_with_errors_is_rejected(tmp_path: Path, content: str, message: str, reason: str) -> None:
    with pytest.raises(profiles.ProfileError) as caught:
        profiles.load(environment=written(tmp_path, content))
    assert message in str(caught.value), reason


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_file_that_others_can_open_is_rejected(tmp_path: Path, mode: int) -> None:
    with pytest.raises(profiles.ProfileError, match="chmod 600"):
        profiles.load(environment=written(tmp_path, PROD, mode))


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"ECRKEEPER_PLAINTEXT": "maybe"}, "must be true or false"),
        ({"ECRKEEPER_TIMEOUT": "soon"}, "must be a number of seconds"),
        ({"ECRKEEPER_TOKEN_COMMAND": "my-idp 'x"}, "ECRKEEPER_TOKEN_COMMAND: must be a command as a shell reads it"),
        ({"ECRKEEPER_CONFIG": "/nonexistent.toml", "ECRKEEPER_PROFILE": "a"}, "there is no such file"),
    ],
)
def test_variable_with_error_is_rejected(environment: dict[str, str], message: str) -> None:
    with pytest.raises(profiles.ProfileError, match=message):
        profiles.load(environment={"ECRKEEPER_TARGET": "a:1", "XDG_CONFIG_HOME": "/nonexistent", **environment})


def test_token_is_not_shown() -> None:
    assert "s3cret" not in repr(profiles.Profile("a:1", token="s3cret"))


def test_client_of_profile_sends_token_of_file(server: FakeServer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t-1\n")
    file = tmp_path / "config.toml"
    file.write_text(f'[profiles.a]\ntarget = "{server.target}"\nplaintext = true\ntoken_file = "{token}"\n')
    file.chmod(0o600)
    with ecrkeeper.Client.from_profile("a", path=file) as client:
        client.get_registry("accounts/111111111111/registries/us-east-1")
        token.write_text("t-2\n")
        client.get_registry("accounts/111111111111/registries/us-east-1")
    assert [call.metadata["authorization"] for call in server.received] == ["Bearer t-1", "Bearer t-2"]


def test_plaintext_token_needs_permission() -> None:
    with pytest.raises(ValueError, match="allow_plaintext_token=True"):
        ecrkeeper.Client("mesh:50051", insecure=True, token="t")
    ecrkeeper.Client("mesh:50051", insecure=True, token="t", allow_plaintext_token=True).close()


def _jwt(**claims: Any) -> str:
    return f"h.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.s"


def test_command_is_run_again_before_its_token_expires(tmp_path: Path) -> None:
    count = tmp_path / "count"
    script = f"open({str(count)!r}, 'a').write('x'); print({_jwt(exp=1000)!r})"
    now = [0.0]
    token = CommandToken((sys.executable, "-c", script), clock=lambda: now[0])
    for moment, runs in ((0.0, 1), (939.0, 1), (940.0, 2)):
        now[0] = moment
        assert token() == _jwt(exp=1000)
        assert len(count.read_text()) == runs


@pytest.mark.parametrize(
    ("code", "message"),
    [("raise SystemExit(3)", "ended with status 3"), ("", "printed no token"), ("print('a b')", "U\\+0020")],
)
def test_command_without_token_is_an_error(code: str, message: str) -> None:
    with pytest.raises(TokenError, match=message):
        CommandToken((sys.executable, "-c", code))()


def test_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(TokenError, match="the token command /nonexistent failed"):
        CommandToken(("/nonexistent",))()


def test_file_without_token_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="cannot read"):
        FileToken(tmp_path / "token")()
    (tmp_path / "token").write_text("\n")
    with pytest.raises(TokenError, match="is empty"):
        FileToken(tmp_path / "token")()


@pytest.mark.parametrize(
    "token",
    ["opaque", "a.b.c", "", _jwt(sub="x"), _jwt(exp=10**400), _jwt(exp=math.inf), f"h.{'W1tb' * 50_000}.s"],
    ids=lambda token: token[:20],
)
def test_token_without_expiry_has_none(token: str) -> None:
    assert expiry_of(token) is None


def test_variables_of_client_and_server_differ_and_the_server_ignores_the_clients() -> None:
    from dataclasses import fields

    from ecrkeeper_server.config.settings import load

    assert not profiles.VARIABLES & {f"ECRKEEPER_{each.name.upper()}" for each in fields(Config)}
    load(None, dict.fromkeys(profiles.VARIABLES, "x"))


def test_reading_a_profile_imports_no_grpc() -> None:
    code = "import sys; from ecrkeeper.profiles import load; load(target='a:1'); assert 'grpc' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd="/")


def test_profiles_are_listed_from_the_folder_in_use(command: Command, tmp_path: Path) -> None:
    written(tmp_path / "xdg", PROD)
    ended = command("profiles")
    assert ended.status == 0, ended
    assert "there is no profile" not in ended.out
    assert "prod" in ended.out
