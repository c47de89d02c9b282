"""The cost of settings in elements."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.aws_errors import Permanent
from ecrkeeper_server.ecr.answer_limit import MAX_ITEMS, MAX_TEXTS, checking_cost
from ecrkeeper_server.settings.elements import cost, cost_of_all, has_longer_text, size_of, tally
from ecrkeeper_server.settings.json_text import MAX_CHARACTERS
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.turns import finish
from hypothesis import given
from hypothesis import strategies as st

SHAPES: Any = st.recursive(
    st.text(max_size=300) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=30,
)


@given(st.lists(SHAPES, max_size=5))
def test_costs_of_parts_add_up(shapes: list[Any]) -> None:
    assert cost_of_all(shapes) == cost(dict(enumerate(shapes))) == sum(map(cost, shapes))


@given(SHAPES)
def test_list_costs_its_items_more_than_what_is_in_them(shape: Any) -> None:
    assert cost([shape]) == cost(shape) + 1


def test_long_text_costs_by_its_length() -> None:
    assert cost({"policyText": "x" * 10_240}) == 102


def test_pairs_cost_by_filters_and_destinations_and_not_by_their_product() -> None:
    places = [{"region": "eu-west-1", "registryId": f"{i:012}"} for i in range(25)]
    filters = [{"filter": f"team-{i}", "filterType": "PREFIX_MATCH"} for i in range(100)]
    shape = {"rules": [{"destinations": places, "repositoryFilters": filters}]}
    assert cost(shape) == 126
    elements = SETTINGS["replication_configuration"].split(shape)
    assert (len(elements), size_of(elements)) == (2_500, 100)


def naive_items(shape: Any) -> int:
    inner = shape.values() if isinstance(shape, dict) else shape if isinstance(shape, list) else ()
    return (len(shape) if isinstance(shape, list) else 0) + sum(map(naive_items, inner))


@given(SHAPES, st.integers(0, 300))
def test_longer_text_is_found_wherever_it_is(shape: Any, limit: int) -> None:
    def longest(value: Any) -> int:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return len(value) if isinstance(value, str) else max(map(longest, inner), default=0)

    assert has_longer_text(shape, limit) == (longest(shape) > limit)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ({"a": ["x"] * (MAX_ITEMS + 1)}, "more than 20,000 items"),
        ({"a": ["x" * 1_000] * (MAX_TEXTS // 10 + 1)}, "more than 7,000,000 characters"),
        ({"a": [{"b": "x" * (MAX_CHARACTERS + 1)}]}, "a text of more than 65,536 characters"),
    ],
)
def test_answer_above_a_limit_is_rejected(shape: dict[str, Any], reason: str) -> None:
    with pytest.raises(Permanent, match=f"AWS has {reason} in some_setting") as caught:
        finish(checking_cost("some_setting", shape))
    assert caught.value.reason == "AWS_ANSWER_TOO_LARGE"


def test_answer_at_all_limits_is_accepted() -> None:
    texts = ["x" * MAX_CHARACTERS] * (MAX_TEXTS // (MAX_CHARACTERS // 100))
    assert finish(checking_cost("some_setting", {"a": [*texts, *[""] * (MAX_ITEMS - len(texts))]})) > 50_000


@given(SHAPES, st.integers(0, 10))
def test_tally_exceeds_limit_exactly_if_items_do(shape: Any, limit: int) -> None:
    items, texts = tally(shape, limit)
    assert (items > limit) == (naive_items(shape) > limit)
    if items <= limit:
        assert (items, texts) == tally(shape) == (naive_items(shape), cost(shape) - items)
