"""Malformed YAML in policies and imports is rejected with line and path."""

from __future__ import annotations

import io
import subprocess
import time
from pathlib import Path

import pytest
import structlog
from ecrkeeper_files import strict_yaml
from ecrkeeper_files.strict_yaml import StrictYamlError
from ecrkeeper_server.access import policy_file
from ecrkeeper_server.access.policy import Policy, Principal
from ecrkeeper_server.access.policy_file import PolicyError
from ecrkeeper_server.identity.files import FileError, WatchedFiles
from hypothesis import given
from hypothesis import strategies as st

from tests import harness

NINES = "9" * 6000

# the text of one value at `a[1]`, words of the rejection, reason
VALUES: list[tuple[str, str, str]] = [
    (NINES, "a number must have at most 40 characters, got 6,000", "more digits than Python converts"),
    ("-" + NINES, "got 6,001", "the same below zero"),
    ("0x" + "f" * 6000, "got 6,002", "a number that Python converts and cannot print"),
    ("0b" + "1" * 6000, "got 6,002", "the same in twos"),
    ("0" + "7" * 6000, "got 6,001", "the same in eights"),
    ("1" + ":59" * 20_000, "got 60,001", "a number in sixties, which takes quadratic time"),
    ("1_" * 3000 + "1", "got 6,001", "digits with lines between them"),
    ("1" + "0" * 5000 + ".5", "got 5,003", "a long fraction"),
    ("1.0e+999", "must be a finite number", "a fraction beyond all numbers"),
    (".inf", "must be a finite number", "infinity"),
    (".nan", "must be a finite number", "no number"),
    ("!!int abc", "must be a number, got 'abc'", "a word for a number"),
    ('!!int ""', "must be a number, got ''", "nothing for a number"),
    ('!!float ""', "must be a number, got ''", "nothing for a fraction"),
    ("!!bool maybe", "must be true or false, got 'maybe'", "a word for a truth"),
    ("2026-01-01", "must not be a date", "a date"),
    ("2026-99-99", "must not be a date", "a date that there is not"),
    ("!!timestamp x", "must not be a date", "a word for a date"),
    ("=", "must not be `=`", "a tag of YAML 1.1"),
    ("<<", "must not be a merge key", "a merge key as a value"),
    ("!!binary eA==", "binary' is not supported", "bytes"),
    ("!!set {a, b}", "set' is not supported", "a set"),
    ("!!omap [a: b]", "omap' is not supported", "an ordered mapping"),
    ("!!pairs [a: b]", "pairs' is not supported", "pairs"),
    ("!!python/object/apply:os.system [x]", "os.system' is not supported", "code"),
    ("!!python/name:os.system", "os.system' is not supported", "a name in Python"),
    ("!x y", "'!x' is not supported", "a tag of one's own"),
    ("!!str [x]", "str' is not supported", "a list for a text"),
    ("{? [b] : c}", "a key must be text, not a list", "a key that is a list"),
    ("{? {b: c} : d}", "a key must be text, not a list", "a key that is a mapping"),
    ("{1: b}", "the key '1' must be text", "a key that is a number"),
    ("{" + "9" * 300 + ": b}", "must be text; quote it", "a key of many digits"),
    ("{yes: b}", "the key 'yes' must be text", "a key that is a truth"),
    ("{null: b}", "the key 'null' must be text", "a key that is nothing"),
    ("{b: 1, b: 2}", "the key 'b' is repeated", "a repeated key"),
    ('{b: 1, "b": 2}', "the key 'b' is repeated", "a repeated key in quotes"),
    ('{"\\x62": 1, b: 2}', "the key 'b' is repeated", "a repeated key that is escaped"),
    ("{<<: {b: 1}}", "merge keys are not supported", "a merge key"),
    ("[" * 60 + "]" * 60, "nested too deeply", "too many levels"),
    ("[" * 100_000, "nested too deeply", "levels that would exhaust the stack"),
    ("{a: " * 100_000, "nested too deeply", "the same with mappings"),
]  # fmt: skip
# a whole document, words of the rejection, reason
DOCUMENTS: list[tuple[bytes, str, str]] = [
    (b"a: &x [1]\nb: *x\n", "line 2: aliases are not supported", "an alias"),
    (b"a: &x [*x]\n", "line 1: aliases are not supported", "a list in itself"),
    (b"a: &a [x,x]\n" + b"".join(b"%c: &%c [*%c,*%c]\n" % (c, c, c - 1, c - 1) for c in range(98, 123)),
     "line 2: aliases are not supported", "a few bytes that expand to gigabytes"),
    (b"a: 1\nb: \0\n", "U+0000", "NUL"),
    (b"a: 1\nb: \x1b[2J\n", "U+001B", "an escape sequence of terminals"),
    (b"a: 1\nb: \xff\n", "UTF-8", "bytes that are no text"),
    (b"a: \xed\xa0\x80\n", "invalid Unicode character", "half of a pair of surrogates"),
    (b'a: "\\ud800"\n', "line 1: found invalid Unicode character escape code", "the same, escaped"),
    (b"%YAML 9.9\n--- a\n", "incompatible YAML document", "YAML of the future"),
    (b"a: [\n1,\n", "did not find expected node content", "a list without an end"),
]  # fmt: skip


def violations(content: bytes) -> list[str]:
    began = time.process_time()
    with pytest.raises(StrictYamlError) as rejected:
        list(strict_yaml.load_all(io.BytesIO(content)))
    assert time.process_time() - began < 2
    assert all(len(each) < 400 and each.isprintable() for each in rejected.value.violations)
    return rejected.value.violations


@pytest.mark.parametrize(("text", "words", "reason"), VALUES, ids=[row[2] for row in VALUES])
def test_malformed_value_is_rejected_with_line_and_path(text: str, words: str, reason: str) -> None:
    (violation,) = violations(f"x: 1\na:\n- 0\n- {text}\n".encode())
    assert violation.startswith("line 4: ")
    assert words in violation
    assert "a[1]" in violation or "nested too deeply" in words


@pytest.mark.parametrize(("content", "words", "reason"), DOCUMENTS, ids=[row[2] for row in DOCUMENTS])
def test_malformed_document_is_rejected(content: bytes, words: str, reason: str) -> None:
    assert words in violations(content)[0]


def test_document_errors_are_reported_together() -> None:
    listed = violations(f"a: .nan\nb: [{NINES}, {{1: x}}]\nc: {{d: !!set {{}}}}\n".encode())
    assert [each.split(" ")[1:3] for each in listed] == [["1:", "a:"], ["2:", "b[0]:"], ["2:", "b[1]:"], ["3:", "c.d:"]]


@pytest.mark.parametrize(
    ("key", "levels", "reason"),
    [("k" * 1000, 40, "the longest plain keys, nested"), ("? " + "k" * 100_000 + "\n", 1, "one explicit key")],
)
def test_long_keys_do_not_multiply_the_size(key: str, levels: int, reason: str) -> None:
    content = (f"{{{key}: " * levels + f"[{'1,' * 2000}1]" + "}" * levels).encode()
    lines = strict_yaml.load(content).lines
    assert sum(map(len, lines)) <= len(content), reason


def test_part_with_long_path_has_line_of_enclosing_part() -> None:
    document = strict_yaml.load(f"a: 1\nb:\n  {'k' * 500}:\n    a: 2\n".encode())
    assert [document.line_of(path) for path in ("a", "b", f"b.{'k' * 500}.a")] == [1, 3, 3]


def test_plain_values_are_parsed_unchanged() -> None:
    text = "\ufeffa: [1, -2, 0x1f, 1.5, true, off, ~, null, '1', x, \"\\0\"]\nb: {c: {}, d: []}\ne: |\n  y\n"
    value = strict_yaml.load(text.encode()).value
    assert value == {
        "a": [1, -2, 31, 1.5, True, False, None, None, "1", "x", "\0"],
        "b": {"c": {}, "d": []},
        "e": "y\n",
    }
    assert strict_yaml.load(b"").value is None


@given(st.text(alphabet="{}[]:-,&*!?|>%@`'\"# \n\t\\xab0179.=<~", max_size=80))
def test_arbitrary_text_is_read_or_rejected(text: str) -> None:
    try:
        strict_yaml.load(text.encode())
    except StrictYamlError as error:
        assert error.violations


# a rule's fields, words of the rejection, reason
RULES: list[tuple[str, str, str]] = [
    ('principals: ["admin\\0"], verbs: [read]', "rules[0].principals[0]", "NUL in a name"),
    ('principals: ["admin\\n"], verbs: [read]', "rules[0].principals[0]", "a line end in a name"),
    ('groups: ["ad\\u200bmin"], verbs: [read]', "rules[0].groups[0]", "a blank without width"),
    ('groups: ["admin\\u202e"], verbs: [read]', "rules[0].groups[0]", "a mark that turns the text round"),
    ("groups: ['admin ', ' admin'], verbs: [read]", "rules[0].groups[1]", "blanks that no name has"),
    ('name: "a\\eb", principals: [a], verbs: [read]', "rules[0].name", "a terminal's escape in a rule's name"),
    (f"principals: [{NINES}], verbs: [read]", "rules[0].principals[0]", "a number of many digits"),
    ("principals: [0xffffffffffffffffffffffff], verbs: [read]", "rules[0].principals[0]", "a number that is no text"),
    ("principals: [a], verbs: [read], accounts: ['١١١١١١١١١١١١']", "rules[0].accounts[0]", "digits of another script"),
    ('principals: [a], verbs: [read], accounts: ["111111111111\\n"]', "rules[0].accounts[0]", "a line end behind"),
    ("principals: [a], verbs: [read], owners: ['\u212a']", "rules[0].owners[0]", "the Kelvin sign, a small k to some"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "path", "reason"), RULES, ids=[row[2] for row in RULES])
def test_malformed_rule_is_rejected_with_line_and_field(fields: str, path: str, reason: str) -> None:
    with pytest.raises(PolicyError) as rejected:
        policy_file.parse(f"# a policy\nrules:\n- {{{fields}}}\n".encode())
    assert any(fault.startswith(f"line 3: {path}: ") for fault in rejected.value.errors)
    assert all(fault.isprintable() and len(fault) < 400 for fault in rejected.value.errors)


def test_malformed_policy_keeps_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("rules: [{principals: [alice], verbs: [read]}]")

    def parse(contents: list[bytes]) -> Policy:
        try:
            return policy_file.parse(contents[0])
        except PolicyError as error:
            raise FileError(error.errors) from error

    watched = WatchedFiles("policy", [path], parse, policy_file.MAX_BYTES)
    contents = [f"rules: [{text}]".encode() for text, _, _ in VALUES] + [content for content, _, _ in DOCUMENTS]
    for at, content in enumerate(contents):
        path.write_bytes(content)
        with structlog.testing.capture_logs() as logs:
            assert not watched.refresh()
        assert [line["event"] for line in logs] == ["file_not_usable"], (at, content[:60])
        assert watched.value.rules[0].names(Principal("alice"))


HEAD = "apiVersion: ecrkeeper/v1\nkind: Registry\nname: accounts/111111111111/registries/us-east-1\n"
IMPORTS: list[tuple[str, str, str]] = [
    (HEAD + f"declarations: {{a: {{deletionPolicy: {NINES}}}}}\n", "line 4: declarations.a.deletionPolicy", "digits"),
    (HEAD + f"mode: 0x{'f' * 38}\n", "line 4: document 1", "a number for a word"),
    (HEAD + 'declarations: {"a\\0b": {}}\n', "line 4: document 1", "NUL in an owner"),
    (HEAD.replace("us-east-1", '"us-east-1\\0"'), "line 3", "quotes in the middle are part of the name"),
    (HEAD.replace("name: ", "name: !!str ").replace("111111111111", "１１１１１１１１１１１１"), "line 3", "other digits"),
    ("a: &a [x]\nb: [*a, *a]\n", "line 2: aliases are not supported", "aliases"),
    ("kind: End\ndocuments: " + NINES + "\n", "line 2: documents", "a count of many digits"),
    ("kind: \x1b[31mred\n", "U+001B", "colours"),
    (HEAD + '"x\\e[31m": 1\n', "x\\x1b[31m", "colours in a key"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words", "reason"), IMPORTS, ids=[row[2] for row in IMPORTS])
def test_malformed_import_is_rejected_with_file_and_line(text: str, words: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    done = subprocess.run(
        [harness.program("ecrkeeper-server"), "import", str(path), "--dry-run"],
        env={"ECRKEEPER_DATABASE_URL": f"sqlite:///{tmp_path / 'x.db'}"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert f"{path}: " in done.stderr
    assert words in done.stderr
    assert "\x1b" not in done.stderr
