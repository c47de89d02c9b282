"""Values as JSON text in a column."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.store.json_columns import JsonText
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
