"""`examples/apply.py`: its connection options."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .fake import FakeServer

PROGRAM = Path(__file__).parents[2] / "examples" / "apply.py"
NAME = "accounts/111111111111/registries/us-east-1"


def applied(folder: Path, server: FakeServer, *options: str) -> subprocess.CompletedProcess[str]:
    file = folder / "one.yaml"
    head = f"apiVersion: ecrkeeper/v1\nkind: RegistrySettings\nname: {NAME}/settings/team-a\n"
    file.write_text(head + "settings: {signingConfiguration: {}}\n")
    command = [sys.executable, str(PROGRAM), "--target", server.target, "--timeout", "1", *options, str(file)]
    environment = {**os.environ, "TOKEN": "t-1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_example_options_select_plaintext_and_token(server: FakeServer, tmp_path: Path) -> None:
    applied(tmp_path, server, "--insecure", "--token-env", "TOKEN")
    assert server.requests("UpdateRegistrySettings")
    assert server.received[0].metadata["authorization"] == "Bearer t-1"


@pytest.mark.parametrize(
    ("options", "word", "reason"),
    [
        (["--insecure", "--token-env", "NOTHING"], "NOTHING is not set", "no token"),
        (["--ca", "none.crt"], "none.crt", "no such file"),
        (["--ca", "FILE", "--insecure"], "exclude each other", "TLS or not"),
    ],
)
def test_invalid_options_print_one_line(
    server: FakeServer, tmp_path: Path, options: list[str], word: str, reason: str
) -> None:
    (tmp_path / "ca.crt").write_text("")
    ended = applied(tmp_path, server, *[str(tmp_path / "ca.crt") if each == "FILE" else each for each in options])
    assert ended.returncode == 1
    assert ended.stderr.startswith("apply: ") and word in ended.stderr, reason
    assert server.received == []
