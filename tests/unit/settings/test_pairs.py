"""Collections of pairs do what plain dicts and sets of the same keys do."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest
from ecrkeeper_server.settings import element_sets, elements
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.settings.pair_products import products
from ecrkeeper_server.settings.pairs import PairElements
from hypothesis import given
from hypothesis import strategies as st

from . import replication_by_pair

# Left sides of which one begins with the other: `:` sorts before a digit.
_LEFTS = st.sampled_from(["111111111111/eu-west-1", "111111111111/eu-west-10", "2/us-east-1"])
_KEYS = st.builds(lambda left, right: f"{left}:{right}", _LEFTS, st.sampled_from(["", "a", "a:b", "team/", "z"]))
_VALUES = st.sampled_from([{"deleteReplication": False}, {"deleteReplication": True}, ("a", "b"), True, 1])
_ELEMENTS = st.dictionaries(_KEYS, _VALUES)
_SETS = st.frozensets(_KEYS)


def _is_consistent(elements: Any) -> bool:
    """Whether a collection of pairs has no empty row, and its length and keys agree."""
    return all(elements.rows.values()) and len(list(elements)) == len(elements) == len(set(elements))


@pytest.mark.parametrize("combine", [operator.and_, operator.or_, operator.sub])
@given(one=_SETS, other=_SETS)
def test_set_operations_equal_those_of_plain_sets(combine: Callable[..., Any], one: Any, other: Any) -> None:
    expected = combine(one, other)
    for first, second in [(PairKeys.of(one), PairKeys.of(other)), (PairKeys.of(one), other), (one, PairKeys.of(other))]:
        combined = combine(first, second)
        assert combined == expected
        assert expected == combined
        assert _is_consistent(combined)


@given(one=_SETS, other=_SETS)
def test_set_comparisons_equal_those_of_plain_sets(one: Any, other: Any) -> None:
    first, second = PairKeys.of(one), PairKeys.of(other)
    assert (first <= second, first >= second, first == second) == (one <= other, one >= other, one == other)
    assert (first <= other, one >= second, first == other) == (one <= other, one >= other, one == other)
    assert (one <= second, first >= other, one == second) == (one <= other, one >= other, one == other)
    assert first.isdisjoint(second) == first.isdisjoint(other) == one.isdisjoint(second) == one.isdisjoint(other)
    assert list(first) == sorted(one)
    assert not one or first.first == min(one)


@given(one=_ELEMENTS, other=_ELEMENTS, keys=_SETS)
def test_elements_select_and_merge_as_plain_ones(one: Any, other: Any, keys: Any) -> None:
    first, second = PairElements.of(one), PairElements.of(other)
    for result, expected in [
        (element_sets.only(first, keys), element_sets.only(one, keys)),
        (element_sets.only(one, PairKeys.of(keys)), element_sets.only(one, keys)),
        (element_sets.without(first, keys), element_sets.without(one, keys)),
        (element_sets.without(one, PairKeys.of(keys)), element_sets.without(one, keys)),
        (element_sets.merged(first, second), element_sets.merged(one, other)),
        (element_sets.merged(first, other), element_sets.merged(one, other)),
        (element_sets.merged(one, second), element_sets.merged(one, other)),
    ]:
        assert result == expected
        assert dict(result) == expected
        assert _is_consistent(result)
    assert (first == second) == (first == other) == (one == second) == (one == other)
    for forms in [(first, second), (first, other), (one, second)]:
        assert element_sets.differing(*forms) == element_sets.differing(one, other)
    assert elements.keys_of(first) == elements.keys_of(one)


@given(one=_ELEMENTS, other=_ELEMENTS, keys=_SETS)
def test_alike_groups_equal_those_of_plain_elements(one: Any, other: Any, keys: Any) -> None:
    groups = list(elements.alike(PairElements.of(one), other, PairKeys.of(keys)))
    expected = {key: values for each, values in elements.alike(one, other, keys) for key in each}
    assert {key: values for each, values in groups for key in each} == expected
    assert sum(len(each) for each, _ in groups) == len(expected)
    assert len({repr(values) for _, values in groups}) == len(groups), "elements that stand alike are one group"
    assert [elements.first_of(each) for each, _ in groups] == sorted(min(each) for each, _ in groups)


@given(elements_by_key=_ELEMENTS)
def test_gathered_groups_are_the_elements(elements_by_key: Any) -> None:
    groups = [(keys, value) for keys, (value,) in elements.alike(PairElements.of(elements_by_key))]
    gathered = elements.gather(groups)
    assert gathered == elements_by_key
    assert not groups or _is_consistent(gathered)


@given(elements=_ELEMENTS)
def test_products_cover_each_element_once(elements: Any) -> None:
    covered = [
        (f"{left}:{right}", value)
        for lefts, rights, value in PairElements.of(elements).products()
        for left in lefts
        for right in rights
    ]
    assert len(covered) == len(elements)
    assert dict(covered) == elements


@given(keys=_SETS)
def test_products_are_those_of_the_shorter_grouping(keys: Any) -> None:
    assert products(PairKeys.of(keys)) == replication_by_pair.cover(keys)


@given(elements=_ELEMENTS, key=_KEYS | st.just(""), limit=st.integers(1, 20))
def test_page_of_elements_follows_the_order_of_keys(elements: Any, key: str, limit: int) -> None:
    expected = sorted((item for item in elements.items() if item[0] > key), key=lambda item: item[0])[:limit]
    assert element_sets.after(PairElements.of(elements), key, limit) == expected
    assert element_sets.after(elements, key, limit) == expected
