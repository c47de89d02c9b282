"""Long JSON texts are parsed in short parts, and only if they are needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ecrkeeper_server.store import long_json
from ecrkeeper_server.store.json_columns import json_text, read_json, read_state, reading_json
from ecrkeeper_server.store.long_json import LONG, LongJson, reading
from ecrkeeper_server.turns import Steps, finish
from hypothesis import given
from hypothesis import strategies as st

from tests.parsing import Parsed
from tests.views import largest

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['","', '"},{"', "],[", "\\", ","]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=40,
)


def filters(count: int) -> dict[str, Any]:
    filters = [{"filter": f"team-{at:06}/", "filterType": "PREFIX_MATCH"} for at in range(count)]
    destinations = [{"region": "eu-west-1", "registryId": "222222222222"}]
    return {largest.REPLICATION: {"rules": [{"destinations": destinations, "repositoryFilters": filters}]}}


STATES: dict[str, Callable[[], Any]] = {
    "one list": lambda: {"observed": filters(60_000)},
    "several lists": lambda: {"observed": filters(9_000), "settled": filters(9_000), "conditions": []},
    "a drift": lambda: {"drift": largest.drift_of({largest.REPLICATION: largest.replication(20)}, 0.1)},
    "owners": lambda: {"owners": {f"o-{at}": {"conditions": largest.conditions("no")} for at in range(4_000)}},
    "unlike items": lambda: {"items": [{str(at % 7): [at, {"a": "}," * 9}]} for at in range(40_000)]},
    "numbers": lambda: list(range(400_000)),
    "lists": lambda: [[at, "],["] for at in range(100_000)],
    "texts": lambda: ['a","b' * (at % 9) for at in range(60_000)],
}


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Parsed:
    return Parsed(monkeypatch)


@pytest.mark.parametrize("state", STATES)
def test_step_parses_few_characters(state: str, parsed: Parsed) -> None:
    value = STATES[state]()
    text = json_text(value) or ""
    assert len(text) > 12 * LONG
    result, steps = parsed.steps(reading(text))
    assert result == value
    assert len(steps) > 12
    assert max(steps) <= 2 * LONG
    assert parsed.longest <= LONG + 2


@pytest.mark.parametrize(
    "read", [read_json, lambda text: read_state(text).value(), lambda text: finish(reading_json(text))]
)
def test_long_text_is_never_parsed_at_once(read: Callable[[str], Any], parsed: Parsed) -> None:
    value = STATES["several lists"]()
    assert read(json_text(value) or "") == value
    assert 0 < parsed.longest <= LONG + 2


@given(VALUES)
def test_parts_have_the_value_of_the_whole(value: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_json, "LONG", 5)
        compact = json.dumps(value, separators=(",", ":"))
        for text in (compact, json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
            assert finish(reading(text)) == value


def test_half_of_a_surrogate_pair_is_read() -> None:
    value = {"a": ["\ud83d" * 9, *["x" * 99] * 999]}
    assert finish(reading(json.dumps(value))) == value


def test_members_are_parsed_alone_and_once(parsed: Parsed) -> None:
    state = LongJson(json_text({**STATES["several lists"](), "drift": [1], "error": None}) or "")
    names = ("conditions", "drift", "none")
    for _ in range(2):
        assert finish(state.reading_members(names)) == {"conditions": [], "drift": [1]}
    assert parsed.characters < 50
    assert finish(state.reading_members(("error",)))["error"] is None
    assert set(state.value()) == {"observed", "settled", "conditions", "drift", "error"}


def test_long_state_is_like_its_value() -> None:
    value = STATES["one list"]()
    text = json_text(value) or ""
    one, other = LongJson(text), LongJson(text)
    assert json_text(one) == text
    assert one == other
    assert one == value
    assert value == one != {**value, "a": 1}
    assert one == other
    assert other == LongJson(text)
    assert json_text(one) == text
    assert json_text(other) == text


def test_readers_that_pause_share_a_state() -> None:
    value = STATES["several lists"]()
    state = LongJson(json_text(value) or "")
    several: list[Iterator[None] | Steps[Any]] = [
        state.reading(),
        state.reading_members(("observed",)),
        state.reading(),
    ]
    while several:
        for steps in list(several):
            try:
                next(steps)
            except StopIteration as end:
                assert end.value["observed"] == value["observed"]
                several.remove(steps)
    assert state == value
