"""Decisions of a policy: tables with reasons, and properties of the patterns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ecrkeeper_server.__main__ import main
from ecrkeeper_server.access.patterns import Pattern
from ecrkeeper_server.access.policy import Policy, Principal, Target, Verb, decide
from ecrkeeper_server.access.policy_file import parse
from hypothesis import given
from hypothesis import strategies as st

EXAMPLE = Path(__file__).parents[2] / "examples" / "policy.yaml"
WEB, SRE = Principal("web-deploy", frozenset({"team-web"})), Principal("bea", frozenset({"sre-eu", "staff"}))
SPIFFE = Principal("spiffe://example.org/ns/web/sa/api")
CI, PLATFORM = Principal("spiffe://example.org/ns/ci/sa/deploy"), Principal("kim", frozenset({"platform"}))
JANITOR, NOBODY = Principal("role-janitor.example.org"), Principal()
R, W, F, D, A = Verb.READ, Verb.WRITE, Verb.FORCE, Verb.DELETE_ROLE, Verb.ADMIN
ACCOUNT = "111111111111"

# principal, verb, target, the rule that allows it or None, reason
ROWS: list[tuple[Principal, Verb, Target, str | None, str]] = [
    (SRE, R, Target(ACCOUNT, "eu-west-1"), "on-call-reads", "a group matches a pattern"),
    (SRE, R, Target(ACCOUNT), "on-call-reads", "roles too: nothing limits the rule"),
    (SRE, R, Target(), "on-call-reads", "the installation too"),
    (SRE, W, Target(ACCOUNT, "eu-west-1", "team-web"), None, "reading is not writing"),
    (WEB, W, Target(ACCOUNT, "eu-west-1", "team-web"), "web-declares", "its own part"),
    (SPIFFE, W, Target(ACCOUNT, "eu-west-1", "team-web"), "web-declares", "by certificate as well"),
    (WEB, W, Target(ACCOUNT, "eu-west-1", "team-webs"), None, "an owner that only begins alike"),
    (WEB, W, Target(ACCOUNT, "eu-west-1", "team-pay"), None, "another owner's part"),
    (WEB, W, Target("333333333333", "eu-west-1", "team-web"), None, "another account"),
    (WEB, W, Target(ACCOUNT, "eu-west-1"), None, "the registry as a whole is not one owner's"),
    (WEB, W, Target(ACCOUNT), None, "a role belongs to no owner"),
    (WEB, W, Target(ACCOUNT, "eu-west-1", "-"), "web-declares", "some owner's part there"),
    (WEB, W, Target("-", "-", "-"), "web-declares", "something somewhere"),
    (WEB, W, Target("333333333333", "-", "-"), None, "nothing in that account"),
    (WEB, R, Target(ACCOUNT, "eu-west-1"), "web-reads", "a rule without owners shows the whole"),
    (WEB, F, Target(ACCOUNT, "eu-west-1", "team-web"), None, "taking over is a verb of its own"),
    (CI, W, Target("123456789012", "eu-south-2", "team-x"), "pipeline", "any account, a Region by pattern"),
    (CI, W, Target("123456789012", "us-east-1", "team-x"), None, "outside of Europe"),
    (CI, R, Target("123456789012", "eu-south-2", "team-x"), None, "writing is not reading"),
    (CI, W, Target("-", "us-east-1", "-"), None, "no account has it in that Region"),
    (PLATFORM, F, Target(ACCOUNT, "eu-west-1", "team-web"), "platform", "may force"),
    (PLATFORM, A, Target(), "platform", "may administer"),
    (PLATFORM, D, Target(ACCOUNT), None, "no verb contains another"),
    (JANITOR, D, Target("999999999999"), "role-cleanup", "the one account"),
    (JANITOR, D, Target(ACCOUNT), None, "another account"),
    (NOBODY, R, Target(ACCOUNT, "eu-west-1"), None, "without a name, without rights"),
    (Principal("platform"), A, Target(), None, "a principal called like a group is not in it"),
    (Principal("x", frozenset({"web-deploy"})), W, Target(ACCOUNT, "eu-west-1", "team-web"), None, "and the reverse"),
    (Principal("spiffe://example.org.evil/ns/web/x"), R, Target(ACCOUNT, "eu-west-1"), None, "another trust domain"),
]


@pytest.fixture(scope="module")
def policy() -> Policy:
    return parse(EXAMPLE.read_bytes())


@pytest.mark.parametrize(("principal", "verb", "target", "rule", "reason"), ROWS, ids=[row[4] for row in ROWS])
def test_example_policy_names_allowing_rule(
    policy: Policy, principal: Principal, verb: Verb, target: Target, rule: str | None, reason: str
) -> None:
    decision = decide(policy, principal, verb, target)
    assert decision.allowed == (rule is not None), decision
    if rule is None:
        assert decision.reasons
    else:
        assert decision.reasons == (f"the rule {rule!r} allows {principal.name!r} to {verb} {target}",)


@pytest.mark.parametrize(
    ("principal", "verb", "target", "words"),
    [
        (NOBODY, R, Target(ACCOUNT), ["no rule names ''"]),
        (Principal("eve", frozenset({"b", "a"})), R, Target(ACCOUNT), ["'eve' or one of its groups a, b"]),
        (JANITOR, W, Target(ACCOUNT), ["'role-cleanup' allows delete-role, read, not write"]),
        (JANITOR, R, Target(ACCOUNT), ["only for accounts 999999999999, not 111111111111"]),
        (WEB, W, Target(ACCOUNT, "eu-west-1"), ["only for owners team-web, and accounts/111111111111/registries/eu-west-1 is not of one owner", "'web-reads' allows read, not write"]),
    ],
)  # fmt: skip
def test_denial_explains_each_rule(
    policy: Policy, principal: Principal, verb: Verb, target: Target, words: list[str]
) -> None:
    reasons = decide(policy, principal, verb, target).reasons
    assert len(reasons) == len(words), reasons
    assert all(any(word in reason for reason in reasons) for word in words), reasons


names = st.text("ab*", max_size=8)


@given(names, st.text("ab", max_size=10))
def test_pattern_matches_like_a_glob(pattern: str, text: str) -> None:
    glob = re.compile(".*".join(map(re.escape, re.split(r"\*+", pattern))))
    assert Pattern(pattern).matches(text) is (glob.fullmatch(text) is not None)


def test_pattern_matching_takes_linear_time() -> None:
    assert not Pattern("*a" * 120 + "b").matches("a" * 100_000)


@given(st.text("abc-", min_size=1, max_size=6), st.sampled_from(list(Verb)), st.text("12", max_size=3))
def test_adding_rules_never_revokes_permissions(name: str, verb: Verb, account: str) -> None:
    rules = parse(b'rules: [{principals: ["a*"], verbs: [read]}, {principals: ["*c"], verbs: [write, force]}]').rules
    principal, target = Principal(name), Target(account)
    fewer, more = Policy(rules[:1]), Policy(rules)
    assert decide(more, principal, verb, target).allowed or not decide(fewer, principal, verb, target).allowed


def check_access(*arguments: str) -> int:
    return main(["check-access", "--policy", str(EXAMPLE), *arguments])


def test_check_access_prints_decision_and_sets_status(capsys: pytest.CaptureFixture[str]) -> None:
    question = [
        "--principal",
        "x",
        "--group",
        "team-web",
        "--verb",
        "write",
        "--account",
        ACCOUNT,
        "--region",
        "eu-west-1",
    ]
    assert check_access(*question, "--owner", "team-web") == 0
    assert "the rule 'web-declares' allows 'x'" in capsys.readouterr().out
    assert check_access(*question, "--owner", "team-pay") == 1
    output = capsys.readouterr().out
    assert output.startswith("denied: 'x' may not write accounts/111111111111/registries/eu-west-1/settings/team-pay")
    assert "only for owners team-web, not team-pay" in output
    assert "'web-reads' allows read, not write" in output


def test_check_access_names_policy_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faulty = tmp_path / "policy.yaml"
    faulty.write_text("rules: [{verbs: [write, wirte]}]")
    arguments = ["--principal", "x", "--verb", "read"]
    assert main(["check-access", "--policy", str(faulty), *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2
    assert main(["check-access", "--policy", str(tmp_path / "none"), *arguments]) == 2


# options, the beginning of each error, reason
QUESTIONS = [
    (["--account", "-"], ["--account"], "any account is no account"),
    (["--account", "1111"], ["--account"], "too short"),
    (["--account", ACCOUNT, "--region", "-"], ["--region"], "any Region is no Region"),
    (["--account", ACCOUNT, "--region", "eu-wset"], ["--region"], "no such Region"),
    (["--account", ACCOUNT, "--region", "eu-west-1", "--owner", "Team"], ["--owner"], "no owner is called so"),
    (["--region", "eu-west-1"], ["--region"], "a Region of no account"),
    (["--account", ACCOUNT, "--owner", "team-web"], ["--owner"], "an owner in no Region"),
    (["--account", "x", "--region", "x", "--owner", "-"], ["--account", "--region", "--owner"], "all at once"),
]


@pytest.mark.parametrize(("options", "begins", "reason"), QUESTIONS, ids=[row[2] for row in QUESTIONS])
def test_check_access_rejects_impossible_resources(
    capsys: pytest.CaptureFixture[str], options: list[str], begins: list[str], reason: str
) -> None:
    assert check_access("--principal", "x", "--verb", "read", *options) == 2
    output = capsys.readouterr()
    assert [line.split(": ")[1] for line in output.err.splitlines()] == begins
    assert output.out == ""
