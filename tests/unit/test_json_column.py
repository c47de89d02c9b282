"""Values as JSON text in a column."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from ecrkeeper_server.store import json_columns
from ecrkeeper_server.store.json_columns import JsonText
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

ROWS: list[tuple[Any, str]] = [
    ({"b": [1, True, None], "a": {"d": 1, "c": ""}}, "nested values"),
    ({"name": "é漢😀"}, "text beyond ASCII"),
    ({"name": "a\x00b"}, "a NUL character, which Postgres does not store as it is"),
    ({"name": "half \ud800"}, "half of a surrogate pair, which UTF-8 has no bytes for"),
    ({"size": 2**64}, "an integer of more than 64 bits"),
    (None, "nothing at all"),
]


@pytest.mark.parametrize(("value", "reason"), ROWS, ids=[reason for _, reason in ROWS])
def test_value_round_trips(value: Any, reason: str) -> None:
    text = JsonText().process_bind_param(value, sqlite.dialect())
    assert text is None or "\x00" not in text
    assert JsonText().process_result_value(text, sqlite.dialect()) == value


def test_equal_values_have_equal_texts() -> None:
    dialect = sqlite.dialect()
    assert JsonText().process_bind_param({"a": 1, "b": 2}, dialect) == JsonText().process_bind_param(
        {"b": 2, "a": 1}, dialect
    )


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
_VALUES = st.recursive(st.none() | st.booleans() | _TEXT, lambda each: st.lists(each) | st.dictionaries(_TEXT, each))


@example(members=dict.fromkeys(map(str, range(30))), value=None, items=501)
@given(members=st.dictionaries(_TEXT, _VALUES), value=_VALUES, items=st.sampled_from([501, 599, 600, 601]))
def test_long_members_are_written_in_parts_of_the_same_text(members: dict[str, Any], value: Any, items: int) -> None:
    long = {**members, "list": [value] * items, "dict": {f'{at}"é': value for at in range(items)}}
    parts = list(json_columns._parts(long))
    assert "".join(parts) == orjson.dumps(long, option=orjson.OPT_SORT_KEYS).decode()
    assert json_columns.json_text(long) == "".join(parts)
    assert len(parts) > 2 * items // 100


def test_long_member_that_orjson_rejects_is_written() -> None:
    long = {"a": [2**64] * 600, "b": {"half \ud800": 1}}
    assert json_columns.read_json(json_columns.json_text(long) or "") == long
