"""Filters follow the grammar of AIP-160."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.api.services.filters import Fields, equal_to, matcher
from ecrkeeper_server.errors import InvalidArgument
from hypothesis import given
from hypothesis import strategies as st

FIELDS: Fields = {name: (lambda row, name=name: [row[name]]) for name in "abc"}  # type: ignore[misc]
# A tree is ("is" | "not", field, value), or ("and" | "or", parts), or ("no", part).
Tree = tuple[Any, ...]
LEAVES = st.tuples(st.sampled_from(["is", "not"]), st.sampled_from("abc"), st.sampled_from("12"))
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)),
        st.tuples(st.just("no"), inner),
    ),
    max_leaves=12,
)
ROWS = [{"a": a, "b": b, "c": c} for a in "12" for b in "12" for c in "12"]


def evaluated(tree: Tree, row: dict[str, str]) -> bool:
    kind, *rest = tree
    if kind == "and":
        return all(evaluated(part, row) for part in rest[0])
    if kind == "or":
        return any(evaluated(part, row) for part in rest[0])
    if kind == "no":
        return not evaluated(rest[0], row)
    return (row[rest[0]] == rest[1]) is (kind == "is")


def written(tree: Tree, draw: Any, *, within: str = "and") -> str:
    """Return the text of a tree, with parentheses only where they are required."""
    kind, *rest = tree
    if kind in ("is", "not"):
        value = draw(st.sampled_from([rest[1], f'"{rest[1]}"', f"'{rest[1]}'"]))
        return f"{rest[0]} {'=' if kind == 'is' else '!='} {value}"
    if kind == "no":
        inner = written(rest[0], draw, within="not")
        text = draw(st.sampled_from(["NOT ", "-"])) + inner
        return f"({text})" if within == "not" else text
    if kind == "or":
        text = " OR ".join(written(part, draw, within="or") for part in rest[0])
        return f"({text})" if within in ("or", "not") else text
    text = draw(st.sampled_from([" AND ", " "])).join(written(part, draw, within="and") for part in rest[0])
    return f"({text})" if within != "and" else text


@given(TREES, st.data())
def test_filter_matches_its_tree(tree: Tree, data: Any) -> None:
    matches = matcher(written(tree, data.draw), FIELDS)
    assert [matches(row) for row in ROWS] == [evaluated(tree, row) for row in ROWS]


@given(st.text("abc=!:()-\"' ANDORT1\\<", max_size=60))
def test_arbitrary_text_is_filter_or_violation(text: str) -> None:
    try:
        matcher(text, FIELDS)
    except InvalidArgument as error:
        assert [violation.field for violation in error.violations] == ["filter"]


PRECEDENCE = {
    # text, the same with all parentheses, reason
    "OR binds tighter on the right": ("a = 1 AND b = 1 OR c = 1", "a = 1 AND (b = 1 OR c = 1)"),
    "OR binds tighter on the left": ("a = 1 OR b = 1 AND c = 1", "(a = 1 OR b = 1) AND c = 1"),
    "white space is a conjunction below OR": ("a = 1 OR b = 1 c = 1", "(a = 1 OR b = 1) AND (c = 1)"),
    "NOT binds tightest": ("NOT a = 1 OR b = 1", "(NOT a = 1) OR b = 1"),
    "a minus is NOT": ("-a = 1 b = 1", "(NOT a = 1) AND b = 1"),
    "a minus negates parentheses": ("-(a = 1 OR b = 1)", "a != 1 AND b != 1"),
    "no white space is needed": ("(a=1)AND(b=1)", "a = 1 AND b = 1"),
    "has is equal for a single value": ("a:1", "a = 1"),
    "nothing matches everything": (" ", "a = 1 OR a = 2"),
}


@pytest.mark.parametrize("reason", PRECEDENCE)
def test_operators_follow_aip_160_precedence(reason: str) -> None:
    given_text, explicit = PRECEDENCE[reason]
    assert [matcher(given_text, FIELDS)(row) for row in ROWS] == [matcher(explicit, FIELDS)(row) for row in ROWS]


ERRORS = {
    # reason: text, the error
    "no operator": ("a = 1 AND b", "at character 12: expected `=`, `!=` or `:` after b, got the end"),
    "an operator that is not offered": ("a < 1", "at character 3: expected `=`, `!=` or `:` after a, got '< 1'"),
    "no value": ("a =", "at character 4: expected a value"),
    "an open quote": ('a = "1', "at character 5: expected a value"),
    "an open parenthesis": ("(a = 1", "at character 7: expected AND, OR, a restriction or `)`, got the end"),
    "a parenthesis too many": ("a = 1)", "at character 6: expected AND, OR, a restriction or the end, got ')'"),
    "nothing behind OR": ("a = 1 OR", 'at character 9: expected `field = "value"`, got the end'),
    "a word twice": ("a = 1 AND OR b = 1", 'at character 11: expected `field = "value"`'),
    "NOT twice": ("NOT NOT a = 1", 'at character 5: expected `field = "value"`'),
    "a value alone": ('"1"', 'at character 1: expected `field = "value"`'),
    "parentheses too deep": ("(" * 30 + "a = 1" + ")" * 30, "at character 21: must not nest more than 20"),
    "too many restrictions": ("a = 1 " * 21, "at character 121: must not contain more than 20 restrictions"),
    "a value that is too long": (f"a = {'1' * 513}", "at character 5: a value must not have more than 512"),
    "an unknown field": ("d = 1", "unknown field 'd'; known fields are a, b, c"),
    "a wildcard": ("a = 1*", "a: `*` is not supported, got '1*'"),
}


@pytest.mark.parametrize("reason", ERRORS)
def test_filter_error_names_position(reason: str) -> None:
    text, message = ERRORS[reason]
    with pytest.raises(InvalidArgument) as caught:
        matcher(text, FIELDS)
    (violation,) = caught.value.violations
    assert violation.field == "filter"
    assert violation.description.startswith(message)


REQUIRED = {
    # reason: text, the value of `a` that every match has
    "the only restriction": ("a = 1", "1"),
    "one of a conjunction": ("b = 1 AND (a = 2 c = 1)", "2"),
    "one of an alternative": ("a = 1 OR b = 1", None),
    "a negated one": ("NOT a = 1", None),
    "another one": ("a != 1", None),
}


@pytest.mark.parametrize("reason", REQUIRED)
def test_only_restrictions_on_all_matches_are_required(reason: str) -> None:
    text, value = REQUIRED[reason]
    assert equal_to(text, FIELDS, "a") == value
