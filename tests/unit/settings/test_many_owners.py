"""The cost of many owners that share replication pairs in every combination."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from ecrkeeper_server.declarations.composition_checks import checking_together
from ecrkeeper_server.declarations.takeover import reducing_specs, taking_over
from ecrkeeper_server.errors import QuotaExceeded
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.settings.algebra import compose, composing
from ecrkeeper_server.settings.element_sets import union
from ecrkeeper_server.settings.elements import Elements
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.specs import DeclarationSpec
from ecrkeeper_server.turns import finish
from hypothesis import given
from hypothesis import strategies as st

from tests.calls import Calls

NAME = "replication_configuration"
ALL = SettingsName(RegistryName("111111111111", "us-east-1"), "all")
FILTERS = range(2_600)
OWNERS = 8


def shape(filters: Iterable[int], *, deletes: bool) -> dict[str, Any]:
    """Return a rule that replicates these filters to one destination."""
    destinations = [{"registryId": "222222222222", "region": "eu-west-1"}]
    named = [{"filter": f"{i:04}", "filterType": "PREFIX_MATCH"} for i in filters]
    rule = {"destinations": destinations, "repositoryFilters": named, "deleteReplication": {"enabled": deletes}}
    return {NAME: {"rules": [rule]}}


def declared(*, deletes: bool) -> dict[str, dict[str, Any]]:
    """Return an owner of all filters, and owners of every combination of them."""
    others = {f"owner-{bit}": shape((i for i in FILTERS if i >> bit & 1), deletes=False) for bit in range(OWNERS)}
    return {ALL.owner: shape(FILTERS, deletes=deletes), **others}


def split(declarations: dict[str, dict[str, Any]]) -> dict[str, dict[str, Elements]]:
    """Return the elements of each owner."""
    return {owner: {NAME: SETTINGS[NAME].split(each[NAME])} for owner, each in declarations.items()}


def quota() -> None:
    """Reject a quota that the owners exceed together, with the use of each."""
    composition = compose(split(declared(deletes=False)))
    with pytest.raises(QuotaExceeded, match=f"owner-{OWNERS - 1} 13"):
        finish(checking_together(ALL, composition, lambda: composing({})))


def takeover() -> None:
    """Take over all elements of all other owners."""
    declarations = declared(deletes=True)
    conflicts = compose(split(declarations)).conflicts
    assert len(conflicts) == 2**OWNERS - 1
    specs = {owner: DeclarationSpec(each, "REMOVE", False) for owner, each in declarations.items()}
    reduced = finish(reducing_specs(specs, finish(taking_over(ALL.owner, conflicts))))
    assert {owner: spec.settings for owner, spec in reduced.items()} == {
        f"owner-{bit}": {NAME: {"rules": []}} for bit in range(OWNERS)
    }


@pytest.mark.parametrize("decide", [quota, takeover])
def test_cost_of_many_owners_follows_their_elements(decide: Callable[[], None]) -> None:
    with Calls() as calls:
        decide()
    assert max(calls.counts.values()) < 10 * OWNERS * len(FILTERS), calls.counts.most_common(5)


_PAIRS = st.frozensets(st.builds("{}:{}".format, st.sampled_from("abc"), st.sampled_from("xyz")))


@given(sets=st.lists(st.tuples(_PAIRS, st.booleans())))
def test_union_of_sets_equals_that_of_plain_sets(sets: list[tuple[frozenset[str], bool]]) -> None:
    united = union(PairKeys.of(keys) if paired else keys for keys, paired in sets)
    assert set(united) == frozenset().union(*(keys for keys, _ in sets))
    assert len(united) == len(set(united))
