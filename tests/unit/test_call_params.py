"""The size of parameters decides whether a call to AWS is written in a turn."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.aws.params import counted
from ecrkeeper_server.turns import MANY


@pytest.mark.parametrize(
    ("params", "expected", "reason"),
    [
        ({}, 0, "no parameters"),
        ({"registryId": "111111111111", "maxResults": 100}, 2, "plain parameters"),
        ({"a": {"b": [], "c": ["x", "y"]}, "d": [{"e": 1}, {"e": {}}]}, 3, "nested lists and objects"),
        ({"rules": [{"filters": ["x"] * 150}] * 2}, MANY, "more values than fit into a slice"),
        ({"texts": ["x"] * (MANY - 1)}, MANY - 1, "one value less"),
    ],
)
def test_parameters_are_counted_up_to_many(params: dict[str, Any], expected: int, reason: str) -> None:
    assert counted(params) == expected, reason
