"""`ecrkeeper dev`: one process, one Ctrl-C, and its state in a folder."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ecrkeeper_dev import saved
from ecrkeeper_dev.local import Local, run
from ecrkeeper_sim.seeding import seed_registry, shown_registry
from ecrkeeper_sim.state import Account, DeletionTask, Ghost, Role, World

from tests.harness import eventually

STATUS = ["111111111111/us-east-1  Ready", "111111111111/us-west-2  Ready", "222222222222/eu-west-1  Ready"]


@contextmanager
def developing(folder: Path, *options: str) -> Iterator[tuple[dict[str, str], str]]:
    """Run the command until the block ends with Ctrl-C.

    Yield the environment of the next terminal, and the command's output.
    """
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder / "config"), "AWS_PROFILE": "of the developer"}
    command = [sys.executable, "-m", "ecrkeeper_cli", "dev", "--port", "0", "--aws-port", "0", *options]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        output = ""
        try:
            for line in running.stdout or ():
                output += line
                if line.startswith("ready"):
                    break
            else:
                raise AssertionError(output + (running.stderr.read() if running.stderr else ""))
            yield environment, output
        finally:
            running.send_signal(signal.SIGINT)
            out, complaint = running.communicate(timeout=30)
        assert (running.returncode, complaint) == (0, ""), complaint
        assert out == "stopped\n"


def called(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "ecrkeeper_cli", *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.parametrize("tls", [False, True])
def test_next_terminal_reaches_the_server_by_its_profile(tmp_path: Path, tls: bool) -> None:
    with developing(tmp_path, *(["--tls"] if tls else [])) as (environment, output):
        assert ("TLS" if tls else "plaintext") in output.splitlines()[0]
        shown = called(environment, "status")
        assert all(text in shown for text in STATUS), shown
        profile = tmp_path / "config/ecrkeeper/profiles.d/dev.toml"
        assert profile.stat().st_mode & 0o077 == 0
        assert ("ca_file" in profile.read_text()) is tls
    assert not profile.exists()


def test_console_shows_the_example(tmp_path: Path) -> None:
    with developing(tmp_path) as (_, output):
        (url,) = re.findall(r"in a browser: (http://127\.0\.0\.1:[0-9]+/console/)", output)
        with urllib.request.urlopen(f"{url}accounts/111111111111/registries/us-east-1", timeout=10) as answer:
            page = answer.read().decode()
    assert "team-platform" in page


def test_state_of_both_sides_is_kept_in_a_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with developing(tmp_path, "--data", str(data)) as (environment, output):
        called(environment, "delete", "111111111111/us-west-2/team-platform")
        called(environment, "wait", "111111111111/us-west-2")
        before = requests(output)
        assert before["requests"]
    with developing(tmp_path, "--data", str(data)) as (environment, output):
        assert "team-platform" not in called(environment, "list", "elements", "111111111111/us-west-2")
        called(environment, "reconcile", "111111111111/us-east-1")
        written = [
            each for each in requests(output)["requests"] if str(each["operation"]).startswith(("Put", "Create"))
        ]
        assert written == [], "AWS has what it had"


def requests(output: str) -> dict[str, list[dict[str, object]]]:
    """The calls to the simulated AWS."""
    url = output.splitlines()[0].rpartition(" ")[2]
    with urllib.request.urlopen(f"{url}/_sim/requests", timeout=10) as answer:
        recorded: dict[str, list[dict[str, object]]] = json.load(answer)
    return recorded


def test_termination_at_the_start_leaves_no_folder(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    command = [sys.executable, "-m", "ecrkeeper_cli", "dev", "--port", "0", "--aws-port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as running:
        eventually(lambda: list(tmp_path.glob("ecrkeeper-dev-*")))
        running.terminate()
        assert running.wait(30) in (143, 0), "0 if it already listens"
    assert list(tmp_path.glob("ecrkeeper-dev-*")) == []


def test_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} is taken, maybe by another `ecrkeeper dev`; .*--port"):
            run(Local(port, 0, 0, False, tmp_path, False, "dev", "error"))
        with pytest.raises(OSError, match=f"port {port} is taken.*--aws-port"):
            run(Local(0, port, 0, False, tmp_path, False, "dev", "error"))
        with pytest.raises(OSError, match=f"port {port} is taken.*--http-port"):
            run(Local(0, 0, port, False, tmp_path, False, "dev", "error"))


@pytest.mark.parametrize(
    ("profile", "home", "message"),
    [
        ("a/b", "home", "--profile: must have letters, digits, '.', '_' and '-', got 'a/b'"),
        ("dev", "file", "cannot write the profile to .*: Not a directory; set XDG_CONFIG_HOME to one that you can"),
    ],
)
def test_profile_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str, home: str, message: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / home))
    with pytest.raises(OSError, match=message):
        run(Local(0, 0, 0, False, tmp_path, False, profile, "error"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("file/data", "error: --data: cannot make the folder {}/file/data: Not a directory\n"),
        ("damaged", "error: the database at {}/damaged/ecrkeeper.db cannot be used: the database is damaged"),
    ],
)
def test_folder_that_cannot_be_used_is_named(tmp_path: Path, data: str, message: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged/ecrkeeper.db").write_text("garbage\n" * 200)
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    command = [
        sys.executable,
        "-m",
        "ecrkeeper_cli",
        "dev",
        "--port",
        "0",
        "--aws-port",
        "0",
        "--data",
        tmp_path / data,
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(message.format(tmp_path)), done.stderr
    assert done.stderr.count("\n") == 1


def test_simulated_state_survives_its_file(tmp_path: Path) -> None:
    world = World()
    account = world.account("111111111111")
    role = Role("r", "/", "arn", "id", 1.5, "{}", tags={"a": "b"})
    account.roles["r"] = role
    account.ghosts["g"] = Ghost(role, 2.5, 3, 4.5)
    account.tasks["t"] = DeletionTask("t", "r", 1.0, usage=[{"Region": "us-east-1", "Resources": ["x"]}])
    account.enabled_regions = frozenset({"us-east-1", "eu-west-1"})
    registry = world.registry("111111111111", "us-east-1")
    policy = {"Version": "2012-10-17", "Statement": [{"Sid": "a", "Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "ecr:ReplicateImage", "Resource": "arn:aws:ecr:us-east-1:111111111111:repository/*"}]}  # fmt: skip
    seed_registry(world, registry, {
        "policyText": json.dumps(policy), "secrets": [{"name": "ecr-pullthroughcache/x", "value": "v"}], "repositories": ["app"],
        "pullThroughCacheRules": [{"ecrRepositoryPrefix": "q", "upstreamRegistryUrl": "quay.io"}],
    })  # fmt: skip
    registry.released["replication"] = (7.5, ["x"])
    file = saved.StateFile(world, tmp_path / "aws.json")
    file.save()
    other = World()
    saved.StateFile(other, tmp_path / "aws.json").restore()
    restored: Account = other.account("111111111111")
    assert restored == account
    assert shown_registry(other, other.registry("111111111111", "us-east-1")) == shown_registry(world, registry)


@pytest.mark.parametrize(
    "content", ["", "{}", '{"version": 2, "accounts": {}}', '{"version": 1, "accounts": {"a": {"x": 1}}}']
)
def test_file_of_another_form_is_rejected(tmp_path: Path, content: str) -> None:
    (tmp_path / "aws.json").write_text(content)
    with pytest.raises(OSError, match="holds no state of the simulated AWS that can be read"):
        saved.StateFile(World(), tmp_path / "aws.json").restore()
