"""The start of the command line: its cost and its exit statuses.

Its output before there is a server is tested, too.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from ecrkeeper_cli import __main__ as entry
from ecrkeeper_cli import commands
from ecrkeeper_cli.main import cli, run
from ecrkeeper_cli.session import Session
from google.rpc.error_details_pb2 import PreconditionFailure

from tests.cli.conftest import Command
from tests.client.fake import FakeServer, fail, info

NAMES = [name for section in commands.SECTIONS.values() for name in section]
# The help of a command costs this much CPU at most, as a multiple of Python's own start and as seconds.
_SECONDS = 0.15


def test_help_imports_neither_grpc_nor_yaml_nor_rich() -> None:
    code = (
        "import sys\nfrom ecrkeeper_cli.main import run\n"
        "assert run(['--help']) == 0\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "assert not loaded & {'grpc', 'google', 'rich', 'ecrkeeper_server'}, loaded\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd="/")


def test_help_costs_under_150_ms_of_cpu() -> None:
    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "ecrkeeper_cli", "--help"], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    # Other processes of a busy machine add to it, and never take from it.
    assert min(seconds) < _SECONDS, seconds


@pytest.mark.parametrize("name", NAMES)
def test_command_has_the_summary_of_the_overview(name: str) -> None:
    command = commands.Commands(name="x").get_command(None, name)  # type: ignore[arg-type]
    assert command is not None
    assert command.help
    shown = CliRunner().invoke(cli, [name, "--help"], obj=Session())
    assert shown.exit_code == 0
    assert "Usage: " in shown.output


@pytest.mark.parametrize(
    ("arguments", "status", "message", "reason"),
    [
        ((), 1, "Usage: ", "no command"),
        (("nothing",), 1, "No such command 'nothing'", "an unknown command"),
        (("plan",), 1, "Missing option '-f'", "no files"),
        (("plan", "-f", "/nonexistent.yaml"), 1, "/nonexistent.yaml: No such file", "a file that is not there"),
        (("status", "-o", "xml"), 1, "'xml' is not one of", "an unknown format"),
        (("get", "here"), 1, "must be a name of the kind Registry (111111111111/us-east-1) or", "no name"),
        (("get", "111111111111"), 1, "got the Account 111111111111", "a name of another kind"),
        (
            ("usage", "111111111111/us-east-1"),
            1,
            "of the kind ServiceLinkedRole (111111111111/replication), got the Registry 1",
            "no role",
        ),
        (("diff",), 1, "give files with -f, or the name of a registry", "nothing to compare"),
        (
            ("wait", "111111111111/us-east-1", "--wait-timeout", "0"),
            1,
            "a positive number of seconds, got '0'",
            "no time",
        ),
        (("watch", "--for", "nan"), 1, "must be a positive number of seconds, got 'nan'", "no number"),
        (("list", "elements"), 1, "needs the name of a registry", "no registry"),
        (("list", "roles", "111111111111/us-east-1"), 1, "list roles takes no REGISTRY", "a registry in vain"),
        (("explain", "app"), 1, "must be the URI of a repository", "no registry"),
        (("status",), 1, "no server is configured: set ECRKEEPER_TARGET", "no profile"),
        (("--profile", "x", "status"), 1, "there is no profile 'x'", "an unknown profile"),
        (("--target", "http://a:1", "status"), 1, "write a:1 instead of http://a:1", "a URL"),
        (("--target", "127.0.0.1:1", "--plaintext", "status"), 1, "no server listens on 127.0.0.1:1", "no server"),
        (("--target", "127.0.0.1", "--plaintext", "status"), 1, "write 127.0.0.1:50051", "no port"),
        (("--target", "nowhere.invalid:1", "whoami"), 1, "the host name nowhere.invalid is not known", "no host"),
        (("--version",), 0, "ecrkeeper ", "the version"),
        (("--help",), 0, "Usage: ecrkeeper", "the help"),
        (("schema",), 0, '"$schema"', "the schema"),
        (("completion", "bash"), 0, "_ECRKEEPER_COMPLETE=bash_complete", "completion of bash"),
        (("completion", "zsh"), 0, "#compdef ecrkeeper", "completion of zsh"),
        (("completion", "fish"), 0, "complete --no-files --command ecrkeeper", "completion of fish"),
    ],
)
def test_status_and_text(command: Command, arguments: tuple[str, ...], status: int, message: str, reason: str) -> None:
    ended = command(*arguments)
    assert ended.status == status, reason
    assert message in ended.out + ended.err, reason
    assert (ended.err == "") == (status == 0), reason


def test_token_file_with_nothing_in_it_is_named(command: Command, server: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")
    ended = command("--target", server.target, "--plaintext", "--token-file", str(tmp_path / "token"), "whoami")
    assert ended.status == 1
    assert f"the token file {tmp_path / 'token'} is empty" in ended.err


def test_missing_token_is_named(command: Command, server: FakeServer) -> None:
    server.on("ListRegistries", fail("UNAUTHENTICATED"))
    ended = command("--target", server.target, "--plaintext", "status")
    assert ended.status == 1
    assert "the profile has neither a token nor a client certificate, and the server needs one" in ended.err


@pytest.mark.parametrize("subject", ["", "registry_policy"])
def test_long_message_is_shown_whole(command: Command, server: FakeServer, subject: str) -> None:
    text = f"{subject}: " * bool(subject) + "long " * 150 + "end"
    violation = {"subject": subject, "description": text.removeprefix(f"{subject}: ")[:400]}
    server.on(
        "ListRegistries",
        fail("FAILED_PRECONDITION", text, info("AWS_REJECTED"), PreconditionFailure(violations=[violation])),
    )
    ended = command("--target", server.target, "--plaintext", "status")
    assert ended.err.splitlines() == [f"error: {text} [AWS_REJECTED]"]


@pytest.mark.parametrize(
    ("shell", "words", "at", "expected"),
    [
        ("bash", "ecrkeeper st", "1", ["plain,status"]),
        ("zsh", "ecrkeeper st", "1", ["plain", "status", "Show all registries and their problems"]),
        ("fish", "ecrkeeper st", "st", ["plain,status\tShow all registries and their problems"]),
        ("bash", "ecrkeeper get x --output m", "4", ["plain,markdown"]),
    ],
)  # fmt: skip
def test_shell_completes_commands_and_values(shell: str, words: str, at: str, expected: list[str]) -> None:
    environment = {"_ECRKEEPER_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": at}
    done = subprocess.run(
        [sys.executable, "-m", "ecrkeeper_cli"], env=environment, capture_output=True, text=True, check=True
    )
    assert [line[: len(prefix)] for line, prefix in zip(done.stdout.splitlines(), expected, strict=False)] == expected


def test_old_python_and_missing_packages_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert entry.main([], (3, 10)) == 1
    assert "needs Python 3.11 or newer, this is 3.10" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "click", None)
    assert entry.main([]) == 1
    assert "pip install 'ecrkeeper[cli]'" in capsys.readouterr().err


def test_command_of_an_extra_that_is_missing_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Missing:
        def load(self) -> None:
            raise ImportError("no module aiohttp", name="aiohttp")

    for entries, message in (([Missing()], " (no aiohttp)"), ([], "")):
        monkeypatch.setattr(commands, "entry_points", lambda entries=entries, **_: entries)
        assert run(["dev"]) == 1
        assert (
            f"`dev` is not installed{message}; install it with: pip install 'ecrkeeper[local]'"
            in capsys.readouterr().err
        )


def test_closed_output_is_no_error() -> None:
    script = f"{sys.executable} -m ecrkeeper_cli schema | head -1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "{\n"
    assert done.stderr == ""
