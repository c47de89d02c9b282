"""Sets of repository names, compared with every name of a small alphabet."""

from __future__ import annotations

import itertools
import re
import time

import pytest
from ecrkeeper_server.settings import globs
from ecrkeeper_server.settings.repository_sets import Budget, Patterns
from ecrkeeper_server.turns import finish
from hypothesis import example, given, settings
from hypothesis import strategies as st

NAME = re.compile(r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*")
# `b` represents all letters that no pattern names, so six characters distinguish patterns.
NAMES = [
    name
    for length in range(2, 7)
    for name in map("".join, itertools.product("ab-/", repeat=length))
    if NAME.fullmatch(name)
]
WORK = 100_000
patterns = st.lists(st.text("a-/*?", max_size=4), max_size=3).map(tuple)


def sets_under(prefix: str, *patterns: str) -> dict[frozenset[str], str] | None:
    sets = finish(Patterns(patterns).finding_sets(prefix, Budget(WORK)))
    return None if sets is None else dict(sets)


def matched(patterns: tuple[str, ...], name: str) -> frozenset[str]:
    return frozenset(pattern for pattern in patterns if globs.matches(pattern, name, single=True))


@given(patterns, st.text("a-/", max_size=3))
@example(("a*", "?a*"), "")
@settings(max_examples=300)
def test_sets_agree_with_single_names(drawn: tuple[str, ...], prefix: str) -> None:
    sets = sets_under(prefix, *drawn)
    assert sets is not None
    for expected, name in sets.items():
        assert NAME.fullmatch(name)
        assert name.startswith(prefix)
        assert len(name) >= 2
        assert matched(drawn, name) == expected
    assert {matched(drawn, name) for name in NAMES if name.startswith(prefix)} <= set(sets)


@given(patterns, st.text("a-/", max_size=3))
@settings(max_examples=200)
def test_example_names_are_shortest(drawn: tuple[str, ...], prefix: str) -> None:
    shortest: dict[frozenset[str], int] = {}
    for name in NAMES:
        if name.startswith(prefix):
            shortest.setdefault(matched(drawn, name), len(name))
    sets = sets_under(prefix, *drawn)
    assert sets is not None
    assert all(len(sets[names]) == length for names, length in shortest.items())


@pytest.mark.parametrize(
    ("prefix", "patterns", "expected", "reason"),
    [
        ("dev-", ["prod-*"], [set()], "disjoint"),
        ("dev-", ["dev-*"], [{"dev-*"}], "all"),
        ("dev-", ["*"], [{"*"}], "all of all"),
        ("dev-", ["dev-a*"], [set(), {"dev-a*"}], "some"),
        ("dev-", ["dev-?*"], [{"dev-?*"}], "no name ends with a hyphen"),
        ("dev", ["dev-*"], [set(), {"dev-*"}], "`dev` itself, and `deva`"),
        ("", ["??*"], [{"??*"}], "no name has one character"),
        ("team/", ["team/*", "*/db"], [{"team/*"}, {"team/*", "*/db"}], "they overlap"),
        ("dev-", ["DEV-*"], [set()], "no name has capitals"),
        ("a--", ["*"], [], "no name has two hyphens in a row"),
        ("-a", ["*"], [], "no name begins with a hyphen"),
        ("a", ["a" * 256], [set(), {"a" * 256}], "the longest name"),
        ("a", ["a" * 257], [set()], "longer than a name can be"),
    ],
)
def test_patterns_partition_names_under_a_prefix(
    prefix: str, patterns: list[str], expected: list[set[str]], reason: str
) -> None:
    sets = sets_under(prefix, *patterns)
    assert sets is not None
    assert set(sets) == {frozenset(names) for names in expected}, reason


@pytest.mark.parametrize(
    "patterns",
    [
        tuple(f"*{letter}*" for letter in "abcdefghijklmnopqrstuvwxyz"),
        ("*a" + "?" * 200,),
        tuple(f"*a{i}*b????" for i in range(300)),
    ],
)
def test_complex_patterns_exhaust_only_the_budget(patterns: tuple[str, ...]) -> None:
    begun = time.process_time()
    assert finish(Patterns(patterns).finding_sets("", Budget(20_000))) is None
    assert time.process_time() - begun < 2.0


def test_match_all_pattern_costs_nothing() -> None:
    match_all, budget = Patterns(("*",)), Budget(0)
    for i in range(2500):
        assert finish(match_all.finding_sets(f"team-{i}-", budget)) == {frozenset({"*"}): f"team-{i}-a"}


def test_sorted_prefixes_share_the_cost_of_common_parts() -> None:
    patterns, budget = Patterns((f"{'x' * 240}00*",)), Budget(20_000)
    named = [finish(patterns.finding_sets(f"{'x' * 240}{at:04}", budget)) for at in range(2_500)]
    assert all(len(sets or {}) == 1 for sets in named)
    assert [bool(*sets or {}) for sets in named] == [at < 100 for at in range(2_500)]


@given(patterns, st.lists(st.text("a-/", max_size=4), max_size=6))
@settings(max_examples=300)
def test_sets_under_several_prefixes_are_those_of_each(drawn: tuple[str, ...], prefixes: list[str]) -> None:
    compiled, budget = Patterns(drawn), Budget(WORK)
    assert [finish(compiled.finding_sets(each, budget)) for each in prefixes] == [
        sets_under(each, *drawn) for each in prefixes
    ]


def test_hundreds_of_prefixes_fit_the_budget() -> None:
    sets = finish(Patterns(tuple(f"team-{i}/*" for i in range(300))).finding_sets("", Budget(20_000)))
    assert sets is not None
    assert len(sets) == 301


@given(st.text("a:*?", max_size=6), st.text("a:", max_size=3), st.text("ab:", max_size=4))
@settings(max_examples=500)
def test_pattern_rests_match_continuations(pattern: str, head: str, tail: str) -> None:
    rests = globs.rests(pattern, head)
    matches = globs.matches(pattern, head + tail, single=True)
    assert any(globs.matches(rest, tail, single=True) for rest in rests) == matches
