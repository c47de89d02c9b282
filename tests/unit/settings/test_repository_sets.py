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


def sets_under(prefix: str, *given: str) -> dict[frozenset[str], str] | None:
    found = finish(Patterns(given).finding_sets(prefix, Budget(WORK)))
    return None if found is None else dict(found)


def matched(given: tuple[str, ...], name: str) -> frozenset[str]:
    return frozenset(pattern for pattern in given if globs.matches(pattern, name, single=True))


@given(patterns, st.text("a-/", max_size=3))
@example(("a*", "?a*"), "")
@settings(max_examples=300)
def test_sets_agree_with_single_names(given: tuple[str, ...], prefix: str) -> None:
    found = sets_under(prefix, *given)
    assert found is not None
    for expected, name in found.items():
        assert NAME.fullmatch(name)
        assert name.startswith(prefix)
        assert len(name) >= 2
        assert matched(given, name) == expected
    assert {matched(given, name) for name in NAMES if name.startswith(prefix)} <= set(found)


@given(patterns, st.text("a-/", max_size=3))
@settings(max_examples=200)
def test_example_names_are_shortest(given: tuple[str, ...], prefix: str) -> None:
    shortest: dict[frozenset[str], int] = {}
    for name in NAMES:
        if name.startswith(prefix):
            shortest.setdefault(matched(given, name), len(name))
    found = sets_under(prefix, *given)
    assert found is not None
    assert all(len(found[names]) == length for names, length in shortest.items())


@pytest.mark.parametrize(
    ("prefix", "given", "expected", "reason"),
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
    prefix: str, given: list[str], expected: list[set[str]], reason: str
) -> None:
    found = sets_under(prefix, *given)
    assert found is not None
    assert set(found) == {frozenset(names) for names in expected}, reason


@pytest.mark.parametrize(
    "given",
    [
        tuple(f"*{letter}*" for letter in "abcdefghijklmnopqrstuvwxyz"),
        ("*a" + "?" * 200,),
        tuple(f"*a{i}*b????" for i in range(300)),
    ],
)
def test_complex_patterns_exhaust_only_the_budget(given: tuple[str, ...]) -> None:
    begun = time.process_time()
    assert finish(Patterns(given).finding_sets("", Budget(20_000))) is None
    assert time.process_time() - begun < 2.0


def test_match_all_pattern_costs_nothing() -> None:
    everything, budget = Patterns(("*",)), Budget(0)
    for i in range(2500):
        assert finish(everything.finding_sets(f"team-{i}-", budget)) == {frozenset({"*"}): f"team-{i}-a"}


def test_prefixes_in_order_cost_what_they_do_not_share() -> None:
    found, budget = Patterns((f"{'x' * 240}00*",)), Budget(20_000)
    named = [finish(found.finding_sets(f"{'x' * 240}{at:04}", budget)) for at in range(2_500)]
    assert all(len(sets or {}) == 1 for sets in named)
    assert [bool(*sets or {}) for sets in named] == [at < 100 for at in range(2_500)]


@given(patterns, st.lists(st.text("a-/", max_size=4), max_size=6))
@settings(max_examples=300)
def test_sets_under_several_prefixes_are_those_of_each(given: tuple[str, ...], prefixes: list[str]) -> None:
    found, budget = Patterns(given), Budget(WORK)
    assert [finish(found.finding_sets(each, budget)) for each in prefixes] == [
        sets_under(each, *given) for each in prefixes
    ]


def test_hundreds_of_prefixes_fit_the_budget() -> None:
    found = finish(Patterns(tuple(f"team-{i}/*" for i in range(300))).finding_sets("", Budget(20_000)))
    assert found is not None
    assert len(found) == 301


@given(st.text("a:*?", max_size=6), st.text("a:", max_size=3), st.text("ab:", max_size=4))
@settings(max_examples=500)
def test_pattern_rests_match_continuations(pattern: str, head: str, tail: str) -> None:
    rests = globs.rests(pattern, head)
    whole = globs.matches(pattern, head + tail, single=True)
    assert any(globs.matches(rest, tail, single=True) for rest in rests) == whole
