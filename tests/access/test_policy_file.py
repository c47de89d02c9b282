"""Errors in policy files: all are found and reported together."""

from __future__ import annotations

import time

import pytest
from ecrkeeper_server.access.policy_file import MAX_BYTES, PolicyError, parse
from hypothesis import given
from hypothesis import strategies as st

RULE = "principals: [a], verbs: [read]"

# the file, a word of each error, reason
FAULTS: list[tuple[str, list[str], str]] = [
    ("", ["got nothing"], "empty"),
    ("[]", ["mapping with a list `rules`"], "no mapping"),
    ("rules: {}", ["mapping with a list `rules`"], "no list"),
    (f"rules: [{{{RULE}}}]\nrule: []", ["unknown key 'rule'"], "a slip of the pen"),
    ("rules: [a]", ["rules[0]: must be a mapping"], "no rule"),
    ("rules: [{verbs: [read]}]", ["principals"], "for nobody"),
    ("rules: [{principals: [a]}]", ["rules[0].verbs: must be a list"], "allows nothing"),
    ("rules: [{principals: [a], verbs: []}]", ["at least one item"], "an empty list"),
    ("rules: [{principals: a, verbs: read}]", ["rules[0].principals", "rules[0].verbs"], "text for a list"),
    ("rules: [{principals: [a], verbs: [wirte, Read]}]", ["'wirte'", "'Read'"], "no such verbs"),
    (f"rules: [{{{RULE}, accounts: [111111111111]}}]", ["quoted text"], "a number, which loses leading zeros"),
    (f"rules: [{{{RULE}, accounts: ['123']}}]", ["12-digit"], "too short"),
    (f"rules: [{{{RULE}, accounts: ['12a*']}}]", ["12-digit"], "no digits"),
    (f"rules: [{{{RULE}, regions: [Frankfurt, '']}}]", ["'Frankfurt'", "regions[1]"], "no Regions"),
    (f"rules: [{{{RULE}, owners: [Team, 'a b*', -x]}}]", ["'Team'", "'a b*'", "'-x'"], "no owners"),
    (f"rules: [{{{RULE}, region: [eu-*]}}]", ["unknown key 'region'"], "a limit that would limit nothing"),
    (f"rules: [{{name: x, {RULE}}}, {{name: x, {RULE}}}]", ["also the name of rules[0]"], "two of one name"),
    (f"rules: [{{name: 5, {RULE}}}]", ["rules[0].name"], "a name that is none"),
    ("rules: [{principals: [a], verbs: [delete-role], regions: [eu-*]}]", ["delete-role"], "roles have no Region"),
    ("rules: [{principals: [a], verbs: [admin, delete-role], owners: [b]}]", ["delete-role", "admin"], "nor owners"),
    (
        "rules: [{principals: [a], verbs: [read], verbs: [write]}]",
        ["line 1: rules[0]: the key 'verbs' is repeated"],
        "the second hides the first",
    ),
    ("rules: [\n  {", ["line 2"], "no YAML"),
    ("a: &a [x]\nrules: [*a]", ["aliases"], "a few bytes can expand to gigabytes"),
    (
        "rules: !!python/object/apply:os.system [x]",
        ["tag:yaml.org,2002:python/object/apply:os.system' is not supported"],
        "code",
    ),
    ("rules: [2026-99-99]", ["a date"], "a date that is none"),
    ("? [a]\n: b\nrules: []", ["must be text, not a list"], "a key that is a list"),
    ("rules: " + "[" * 20_000, ["deep"], "nested too deeply"),
    ("# " + "x" * MAX_BYTES, ["at most"], "too large"),
]


@pytest.mark.parametrize(("text", "words", "reason"), FAULTS, ids=[row[2] for row in FAULTS])
def test_errors_are_reported_together(text: str, words: list[str], reason: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(text.encode())
    faults = caught.value.errors
    assert len(faults) == len(words), faults
    assert all(any(word in fault for fault in faults) for word in words), faults
    assert all(len(fault) < 400 for fault in faults)


def test_undecodable_policy_file_has_one_error() -> None:
    with pytest.raises(PolicyError, match="UTF-8"):
        parse(b"rules: \xff")


def test_policy_without_rules_denies_everything() -> None:
    assert parse(b"rules: []").rules == ()


@given(st.text(alphabet="{}[]:-,&*!?|>%@`'\"# \nab0rules", max_size=60))
def test_arbitrary_policy_file_is_read_or_rejected(text: str) -> None:
    try:
        parse(text.encode())
    except PolicyError as error:
        assert error.errors


def test_largest_policy_file_is_read_within_seconds() -> None:
    rule = "- {principals: [a], verbs: [read]}\n"
    began = time.process_time()
    assert len(parse(("rules:\n" + rule * 3000).encode()).rules) == 3000
    assert time.process_time() - began < 20
