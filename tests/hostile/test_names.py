"""Malformed text in names, metadata, configuration, commands and logs."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from ecrkeeper_files.plain_text import escaped, is_plain, is_plain_name
from ecrkeeper_server import logs, names
from ecrkeeper_server.api.layers.telemetry import CALL_ID, _begin
from ecrkeeper_server.config import settings as config
from ecrkeeper_server.config.settings import Config, ConfigError
from ecrkeeper_server.errors import InvalidArgument
from ecrkeeper_server.names import BackfillName, RegistryName, RoleName, SettingsName, shown, shown_value
from hypothesis import given
from hypothesis import strategies as st

from tests import harness

ACCOUNT = "111111111111"
UUID = "12345678-1234-1234-1234-123456789012"
PARSERS: list[tuple[Callable[[str], Any], str]] = [
    (RegistryName.parse, f"accounts/{ACCOUNT}/registries/us-east-1"),
    (SettingsName.parse, f"accounts/{ACCOUNT}/registries/us-east-1/settings/web-k"),
    (RoleName.parse, f"accounts/{ACCOUNT}/serviceLinkedRoles/replication"),
    (BackfillName.parse, f"accounts/{ACCOUNT}/registries/us-east-1/replicationBackfills/{UUID}"),
    (names.parse_operation, f"operations/{UUID}"),
    (names.parse_audit_event, "auditEvents/11"),
    (names.parse_account, f"accounts/{ACCOUNT}"),
    (names.parse_registry_pattern, f"accounts/{ACCOUNT}/registries/us-east-1"),
]
IDS = [good.partition("/")[0] + f" {at}" for at, (_, good) in enumerate(PARSERS)]
ODD = [
    "\0",
    "\n",
    "\r\n",
    "\t",
    " ",
    "\x1b[2J",
    "\x7f",
    "\x85",
    "\u00a0",
    "\u200b",
    "\u202e",
    "\u2028",
    "\ufeff",
    "\u3164",
    "\ud800",
]
# Characters that some comparisons equate: digits, the Kelvin sign, long s, dotless i, division.
LOOKALIKES = {"1": "\u0661\u06f1\u0967\uff11\U0001d7cf\u00b9\u2460", "k": "\u212a\u0138", "s": "\u017f", "i": "\u0131\u0130", "-": "\u2010\u2212\uff0d", "/": "\u2044\u2215\uff0f", "a": "\u0430\uff41"}  # fmt: skip


@pytest.mark.parametrize(("parse", "good"), PARSERS, ids=IDS)
def test_resource_name_excludes_control_characters(parse: Callable[[str], Any], good: str) -> None:
    assert parse(good)
    odd = [
        text for each in ODD for text in (good + each, each + good, good.replace("/", f"/{each}"), good + each + "x")
    ]
    odd += [good.replace(letter, other) for letter, others in LOOKALIKES.items() for other in others if letter in good]
    odd += [good.upper(), good + "/", "/" + good, good.replace("/", "//"), good + "/..", ""]
    for text in odd:
        with pytest.raises(InvalidArgument) as rejected:
            parse(text)
        assert all(violation.description.isprintable() for violation in rejected.value.violations), repr(text)


def test_server_patterns_match_whole_text() -> None:
    """`$` also matches before a line end, and `\\d` and `\\w` match all scripts."""
    folder = Path(names.__file__).parent
    loose = re.compile(r"""re\.(?:match|search)\(|isdigit\(|isdecimal\(|isnumeric\(|isalnum\(|\$["']""")
    unanchored = [
        (path.relative_to(folder).as_posix(), line.strip())
        for path in folder.rglob("*.py")
        for line in path.read_text().splitlines()
        if loose.search(line) or (re.search(r"\\[dw]", line) and "re.ASCII" not in line and "alembic" not in line)
        # Bytes have no other scripts, and neither has ASCII text.
        if 'rb"' not in line and "isascii()" not in line
    ]
    # Migrations are read line by line; RE2 reads the patterns of the protos.
    exceptions = ("store/schema_version.py", "declarations/message_rules.py", "declarations/pattern_messages.py")
    # AWS's tags have letters of all scripts; the dollar of a template is no pattern.
    exceptions += ("fleet/organization.py", "fleet/template.py")
    assert [row for row in unanchored if row[0] not in exceptions] == []


def test_plain_text_has_only_visible_characters() -> None:
    hidden = [
        chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    ]
    assert [each for each in hidden if is_plain(f"a{each}b")] == []
    for each in ODD:
        assert is_plain(f"a{each}b") is (each == " ")
        assert not is_plain_name(f"{each}a", 10)
        assert not is_plain_name(f"a{each}", 10)
    for text in ("Alice Müller", "żółw", "山田", "team-a", "a@b.c", "auth0|5f", "🐢"):
        assert is_plain_name(text, 20), text
        assert escaped(text) == text
    assert not is_plain_name("", 10)
    assert not is_plain_name("a" * 11, 10)


@given(st.text(st.characters()))
def test_escaping_keeps_plain_text(text: str) -> None:
    assert is_plain(escaped(text))
    assert (escaped(text) == text) is is_plain(text)
    assert is_plain(shown(text))


def test_any_value_can_be_shown() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    rows = [(None, "nothing"), (10**5000, "a number of more than 19 digits"), (5, "5"), (True, "True"), (1.5, "1.5"),
            (deep, "a list"), ({}, "a mapping"), ("a\0", "'a\\x00'"), (b"", "a value of type bytes")]  # fmt: skip
    assert [shown_value(value) for value, _ in rows] == [text for _, text in rows]


class Call:
    """A call context with metadata that a gRPC client would not send."""

    def __init__(self, *metadata: tuple[str, Any]) -> None:
        self._metadata = metadata
        self.sent: tuple[tuple[str, str], ...] = ()

    def invocation_metadata(self) -> tuple[tuple[str, Any], ...]:
        return self._metadata

    def peer(self) -> str:
        return "ipv4:127.0.0.1:1"

    def time_remaining(self) -> None:
        return None

    def set_trailing_metadata(self, sent: tuple[tuple[str, str], ...]) -> None:
        self.sent = sent


@pytest.mark.parametrize("value", [*(f"id{each}" for each in ODD), "", "é", "a" * 63 + "\n", "1\u0661", b"id\n", b"id"])
def test_malformed_request_id_is_replaced(value: Any) -> None:
    context: Any = Call((CALL_ID, value), ("traceparent", value))
    call = _begin("/x/y", context)
    assert re.fullmatch("[0-9a-f]{32}", call.id)
    assert context.sent == ((CALL_ID, call.id),)


TOML = [
    ('policy_file = "a\\u0000b"', "policy_file: must not contain control characters, got U+0000 at position 1"),
    ('jwt_issuer = "https://x\\n"', "jwt_issuer: must not contain control characters, got U+000A at position 9"),
    ('aws_external_id = "secret\\u001b"', "aws_external_id: must not contain control characters, got U+001B at position 6"),
    ('listen = "127.0.0.1:٥٠٠٥١"', "listen: must look like"),
    (f'listen = "127.0.0.1:{"9" * 6000}"', "listen: must look like"),
    (f"pool_size = {'9' * 6000}", "digits"),
    (f"pool_size = 0x{'f' * 6000}", "pool_size: must be a whole number"),
    (f"pool_size = '{'9' * 6000}'", "pool_size: must be a whole number"),
    (f"resync_seconds = 0x{'f' * 6000}", "resync_seconds: must be a number"),
    ("resync_seconds = nan", "resync_seconds: must be from"),
    ("resync_seconds = inf", "resync_seconds: must be from"),
    ("x = " + "[" * 20_000, "too deeply"),
    ("x = \0", "x"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), TOML, ids=[row[0][:30] for row in TOML])
def test_malformed_configuration_is_rejected(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as rejected:
        config.load(path, {})
    assert any(words in fault for fault in rejected.value.errors), rejected.value.errors
    assert all(len(fault) < 400 for fault in rejected.value.errors)
    assert "secret" not in str(rejected.value)


def test_configuration_without_control_characters_is_accepted() -> None:
    assert config.load(None, {"ECRKEEPER_POOL_SIZE": "9", "ECRKEEPER_RESYNC_SECONDS": "9"}) == Config(
        pool_size=9, resync_seconds=9.0
    )


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [harness.program("ecrkeeper-server"), *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("name", ["admin\n", "admin ", "ad\u200bmin", "\x1b[2J", ""])
def test_check_access_rejects_impossible_names(name: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text('rules: [{principals: ["*"], groups: ["*"], verbs: [read]}]')
    question = ("check-access", "--policy", str(policy), "--verb", "read")
    for arguments in (("--principal", name), ("--principal", "alice", "--group", name)):
        done = command(*question, *arguments)
        assert done.returncode == 2, done.stdout
        assert "visible characters" in done.stderr
        assert all(line.isprintable() for line in done.stderr.splitlines())
    assert command(*question, "--principal", "alice").returncode == 0


@pytest.fixture
def _logging_as_before() -> Iterator[None]:
    before, handlers, level = structlog.get_config(), list(logging.root.handlers), logging.root.level
    yield
    structlog.configure(**before)
    logging.root.handlers, logging.root.level = handlers, level


@pytest.mark.usefixtures("_logging_as_before")
@pytest.mark.parametrize("style", ["text", "json"])
def test_log_line_has_no_control_characters(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", style)
    log = structlog.get_logger("test")
    for each in ODD:
        log.warning("odd", text=f"a{each}b", texts=[f"a{each}b"], values={f"k{each}": each})
    lines = capsys.readouterr().err.split("\n")
    assert len(lines) == len(ODD) + 1
    assert all(line.isprintable() for line in lines)
    if style == "json":
        assert [json.loads(line)["text"] for line in lines[:-1]] == [f"a{each}b" for each in ODD]


@pytest.mark.usefixtures("_logging_as_before")
def test_traceback_in_text_log_is_escaped_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "text")
    try:
        raise ValueError("a\x1b[2Jb")
    except ValueError:
        structlog.get_logger("test").exception("failed")
    lines = capsys.readouterr().err.split("\n")
    assert len(lines) > 3
    assert all(is_plain(line) for line in lines)
    assert any("a\\x1b[2Jb" in line for line in lines)
