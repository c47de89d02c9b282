"""The time to parse a document grows with its length only."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.settings import json_text
from ecrkeeper_server.settings.json_text import MAX_CHARACTERS, NotJson, parse


class Compared(str):
    """A text that counts how often any is compared with another object."""

    __slots__ = ()
    times = 0

    def __eq__(self, other: object) -> bool:
        Compared.times += self is not other
        return str.__eq__(self, other)  # type: ignore[no-any-return]

    __hash__ = str.__hash__


@pytest.mark.parametrize("members", [1_000, 10_000])
def test_repeated_member_is_found_with_few_comparisons(members: int) -> None:
    pairs: list[tuple[str, Any]] = [(Compared(at), 0) for at in range(members)]
    pairs += [(Compared("last"), 0), (Compared("last"), 0)]
    Compared.times = 0
    with pytest.raises(NotJson, match="repeats the member 'last' in one object"):
        json_text._unambiguous(pairs)
    assert Compared.times < members, "texts are compared only if their hashes are equal"


def test_first_repeated_member_is_named() -> None:
    with pytest.raises(NotJson, match="repeats the member 'b'"):
        parse('{"a": 0, "b": 0, "c": 0, "c": 1, "b": 1}')


def test_long_name_of_a_repeated_member_is_cut() -> None:
    name = "x" * 10_000
    with pytest.raises(NotJson) as caught:
        parse(f'{{"{name}": 0, "{name}": 1}}')
    assert len(str(caught.value)) < 300


def test_text_that_no_model_allows_is_not_parsed() -> None:
    assert parse('"' + "x" * (MAX_CHARACTERS - 2) + '"')
    with pytest.raises(NotJson, match="is longer than 65,536 characters"):
        parse('"' + "x" * (MAX_CHARACTERS - 1) + '"')
