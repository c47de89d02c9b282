"""The search for rejected changes, with random errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from ecrkeeper_server.engine.write_ahead import MAX_CALLS
from ecrkeeper_server.settings.elements import Change, ChangeKind
from ecrkeeper_server.settings.isolation import Item, Keys, Search, calls_needed, itemizing, needs
from ecrkeeper_server.settings.policy import REGISTRY_POLICY
from ecrkeeper_server.settings.replication import REPLICATION
from ecrkeeper_server.turns import finish
from hypothesis import given
from hypothesis import strategies as st


@dataclass
class Ecr:
    """Rejects a document that has a rejected element or exceeds `limit`."""

    rejected: set[str]
    has: set[str] = field(default_factory=set)
    probes: list[Keys] = field(default_factory=list)

    def run(self, search: Search, at_most: int = 1000) -> None:
        keys = finish(search.advancing())
        while keys is not None and len(self.probes) < at_most:
            self.probes.append(keys)
            accepted = not (self.has | keys) & self.rejected
            self.has |= keys if accepted else set()
            keys = finish(search.advancing(accepted))


def everything_fits(_: Keys) -> bool:
    return True


def rejected_keys(search: Search) -> set[str]:
    return {key for item in search.verdict.rejected for key in item.keys}


names = st.integers(1, 60).map(lambda n: [f"e{i}" for i in range(n)])


@st.composite
def cases(draw: Any) -> tuple[list[Item], set[str]]:
    keys = draw(names)
    latest = draw(st.sampled_from([0, 3, 1_000]))
    items = [Item(frozenset({key}), time=draw(st.integers(0, latest))) for key in keys]
    return items, draw(st.sets(st.sampled_from(keys), max_size=4))


@given(cases())
def test_search_writes_all_but_rejected_elements(case: tuple[list[Item], set[str]]) -> None:
    items, rejected = case
    ecr = Ecr(rejected)
    search = Search(items, everything_fits, rejected=bool(rejected), proven=True)
    ecr.run(search)
    assert rejected_keys(search) == rejected
    if rejected:
        assert ecr.has == {key for item in items for key in item.keys} - rejected
    assert ecr.has == search.verdict.accepted


@given(cases(), st.integers(7, MAX_CALLS))
def test_search_resumes_without_decided_items(case: tuple[list[Item], set[str]], at_most: int) -> None:
    items, rejected = case
    ecr, attempts = Ecr(rejected), 0
    remaining = items
    while remaining and rejected:
        ecr.probes.clear()
        any_rejected = bool({key for item in remaining for key in item.keys} & rejected)
        if not any_rejected:
            ecr.has |= {key for item in remaining for key in item.keys}
            break
        search = Search(remaining, everything_fits, rejected=True, proven=True)
        ecr.run(search, at_most)
        assert len(ecr.probes) <= at_most
        assert rejected_keys(search) <= rejected
        remaining = [item for item in remaining if not item.keys <= search.verdict.decided]
        attempts += 1
        assert attempts < 400
    if rejected:
        assert ecr.has == {key for item in items for key in item.keys} - rejected


def changed(n: int, rejected: set[int], *, time: Callable[[int], int] = lambda _: 0) -> tuple[list[Item], set[str]]:
    return [Item(frozenset({f"e{i}"}), time=time(i)) for i in range(n)], {f"e{i}" for i in rejected}


# elements, rejected ones, time of each change, maximum number of probes, reason
PROBES = [
    (1, {0}, lambda _: 0, 0, "the only one that can be at fault"),
    (2, {1}, lambda i: i, 1, "the last changed is suspected first, and the other one is cleared with one probe"),
    (70, {69}, lambda i: 100 if i == 69 else 1, 1, "one new statement among many is found at once"),
    (70, {3}, lambda _: 0, 8, "halving finds one among as many statements as fit into a policy"),
    (70, {3, 60}, lambda _: 0, 15, "each further one costs another round of halving"),
    (70, {0}, lambda i: i, 9, "the first changed of many is found by halving, too"),
]


@pytest.mark.parametrize(("count", "rejected", "time", "at_most", "reason"), PROBES, ids=[row[-1] for row in PROBES])
def test_search_uses_few_probes(count: int, rejected: set[int], time: Any, at_most: int, reason: str) -> None:
    items, keys = changed(count, rejected, time=time)
    ecr, search = Ecr(keys), Search(items, everything_fits, rejected=True, proven=True)
    ecr.run(search)
    assert rejected_keys(search) == keys, reason
    assert len(ecr.probes) <= at_most, reason


@pytest.mark.parametrize("rejected", [0, 1, 50, 98, 99])
@pytest.mark.parametrize("count", [2, 14, 100, 512, 600, 2_500])
def test_attempt_decides_an_item_with_its_few_calls(count: int, rejected: int) -> None:
    items, keys = changed(count, {rejected * count // 100, count - 1}, time=lambda i: i)
    ecr, search = Ecr(keys), Search(items, everything_fits, rejected=True)
    # The first call of an attempt writes everything.
    ecr.run(search, max(MAX_CALLS, calls_needed(count)) - 1)
    assert search.verdict.decided


def test_base_is_probed_before_a_change_is_blamed() -> None:
    items, _ = changed(8, set())
    ecr = Ecr({"gone"}, has={"gone"})
    search = Search(items, everything_fits, rejected=True)
    ecr.run(search)
    assert search.verdict.base_rejected
    assert ecr.probes[-1] == frozenset()
    assert not search.verdict.rejected
    assert len(ecr.probes) <= 4


def test_allow_waits_for_required_denial() -> None:
    deny, allow = Item(frozenset({"deny"})), Item(frozenset({"allow"}), needs=frozenset({"deny"}))
    other = Item(frozenset({"other"}))
    ecr, search = Ecr({"deny"}), Search([deny, allow, other], everything_fits, rejected=True, proven=True)
    ecr.run(search)
    assert ecr.has == {"other"}
    assert search.verdict.held == [allow]
    assert not any("allow" in keys for keys in ecr.probes)


@given(st.sets(st.sampled_from(["a0", "d0", "a1", "d1", "x"])))
def test_allow_is_never_written_without_its_denial(rejected: set[str]) -> None:
    pairs = [Item(frozenset({f"a{i}"}), needs=frozenset({f"d{i}"})) for i in range(2)]
    denials = [Item(frozenset({f"d{i}"})) for i in range(2)]
    ecr = Ecr(rejected)
    search = Search([*pairs, *denials, Item(frozenset({"x"}))], everything_fits, rejected=bool(rejected), proven=True)
    ecr.run(search)
    for i in range(2):
        assert f"a{i}" not in ecr.has or f"d{i}" in ecr.has


def test_elements_over_quota_are_not_blamed() -> None:
    items, rejected = changed(6, {5})
    ecr = Ecr(rejected)
    search = Search(items, lambda keys: len(keys | ecr.has) <= 3, rejected=True, proven=True)
    ecr.run(search)
    assert all(len(keys) <= 3 for keys in ecr.probes)
    assert rejected_keys(search) <= rejected
    assert len(ecr.has) == 3
    assert search.verdict.unfit


def change(key: str, before: Any, after: Any) -> Change:
    return Change("registry_policy", key, ChangeKind.UPDATE, before, after)


ALLOW, DENY = {"Effect": "Allow"}, {"Effect": "Deny"}
# change beside a new denial `D` of team-a, its owners, its needs, reason
NEEDS = [
    (change("A", None, ALLOW), ["team-a"], {"D"}, "a new Allow of the same owner"),
    (change("A", ALLOW, {**ALLOW, "Action": ["x"]}), ["team-a", "team-b"], {"D"}, "a changed Allow of several owners"),
    (change("A", None, ALLOW), ["team-b"], set(), "an Allow of somebody else"),
    (change("A", None, DENY), ["team-a"], set(), "another denial"),
    (change("A", ALLOW, None), [], set(), "an Allow that is removed"),
    (change("A", DENY, None), [], {"D"}, "a denial of unknown owners that is removed: the new one may replace it"),
    (change("A", DENY, None), ["team-a"], {"D"}, "a denial that its owner replaces"),
    (change("A", DENY, None), ["team-b"], set(), "a denial that somebody else takes back"),
]


@pytest.mark.parametrize(("given_change", "owners", "needed", "reason"), NEEDS, ids=[row[-1] for row in NEEDS])
def test_change_requires_denials_of_its_owners(
    given_change: Change, owners: list[str], needed: set[str], reason: str
) -> None:
    both = [change("D", None, DENY), given_change]
    assert needs(REGISTRY_POLICY, both, {"D": ["team-a"], "A": owners})["A"] == needed, reason


def test_pairs_of_one_destination_and_owner_share_an_item() -> None:
    keys = ["111111111111/eu-west-1:a", "111111111111/eu-west-1:b", "111111111111/eu-west-2:a"]
    changes = [Change("replication_configuration", key, ChangeKind.ADD, None, {}) for key in keys]
    items = finish(itemizing(REPLICATION, changes, dict.fromkeys(keys, ["team-a"]), {"team-a": 7}))
    assert [(sorted(item.keys), item.time) for item in items] == [(keys[:2], 7), (keys[2:], 7)]
