"""The fixtures of the command line's tests.

They are the fake server of the client's tests, a real one, and the command line in this process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ecrkeeper_cli.main import run

from tests.cli.files import Files
from tests.client.conftest import server
from tests.e2e.conftest import live
from tests.e2e.live import Live

__all__ = ["live", "server"]


@dataclass(frozen=True, slots=True)
class Ended:
    """The output and the exit status of a command."""

    status: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Run a command line in this process, with an empty configuration."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))

    def call(*arguments: str) -> Ended:
        capsys.readouterr()
        status = run(arguments)
        output = capsys.readouterr()
        return Ended(status, output.out, output.err)

    return call


@pytest.fixture
def cli(command: Command, live: Live, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line with the address of a running server."""
    monkeypatch.setenv("ECRKEEPER_TARGET", live.server.address)
    monkeypatch.setenv("ECRKEEPER_PLAINTEXT", "true")
    return command


_accounts = iter(range(600000000000, 700000000000))


@pytest.fixture
def account(live: Live) -> Iterator[str]:
    """An account of which nothing is declared."""
    yield str(next(_accounts))


@pytest.fixture
def files(tmp_path: Path, account: str) -> Files:
    """A folder of declaration files of that account."""
    return Files(tmp_path / "declared", account)
