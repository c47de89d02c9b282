"""JSON values become the messages that protobuf's own parser makes."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.api.messages.json_values import making_struct, struct_of, value_of
from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=20,
)


@given(VALUES)
def test_value_is_that_of_the_parser(value: Any) -> None:
    assert value_of(value) == json_format.ParseDict(value, struct_pb2.Value())


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_struct_is_that_of_the_parser(value: dict[str, Any]) -> None:
    assert struct_of(value) == json_format.ParseDict(value, struct_pb2.Struct())


def test_large_object_is_made_in_steps() -> None:
    steps = making_struct({"rules": [{"filter": f"team-{number}"} for number in range(1_000)]})
    assert sum(1 for _ in steps) >= 10


def test_other_values_are_rejected() -> None:
    with pytest.raises(TypeError, match="set"):
        value_of({"a": {1}})
