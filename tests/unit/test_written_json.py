"""Long JSON texts are made, and long values compared, in short steps."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from ecrkeeper_server.engine.causes import finding_unattributed
from ecrkeeper_server.settings.elements import Change, ChangeKind
from ecrkeeper_server.store import audit, drifting, json_columns, originals
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.json_columns import json_text, writing_json
from ecrkeeper_server.store.long_json import LONG, LongJson, comparing
from ecrkeeper_server.store.states import State
from ecrkeeper_server.turns import Steps, finish
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.parsing import Parsed
from tests.unit.test_long_json import STATES, VALUES
from tests.unit.test_slices import MOST_LINES, longest
from tests.views import largest

DRIFT = 19_000


def drift(first: int = 0) -> dict[str, Any]:
    setting = "pull_time_update_exclusions"
    elements = [
        {"setting": setting, "key": f"arn-{at:05}", "kind": "UNEXPECTED", "desired": None, "observed": {}, "owners": []}
        for at in range(first, first + DRIFT)
    ]
    return {"drift": elements, "remediation": {"time": 1, "drift": elements}, "observed": {setting: {}}}


LONG_VALUES: dict[str, Callable[[], Any]] = {
    **{name: STATES[name] for name in ("one list", "several lists", "a drift", "owners", "unlike items")},
    "a remediation": drift,
    "all settings": lambda: {"observed": largest.all_settings()},
    "long items": lambda: {"drift": [{"key": "k" * 40_000, "desired": at} for at in range(600)]},
}


@pytest.mark.parametrize("name", LONG_VALUES)
def test_step_writes_few_characters(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value, made, sorted_text = LONG_VALUES[name](), list[int](), json_columns._sorted
    plain = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    monkeypatch.setattr(json_columns, "_sorted", lambda part: made.append(len(text := sorted_text(part))) or text)
    steps, numbers, written = writing_json(value), list[int](), None
    while written is None:
        made.clear()
        try:
            next(steps)
        except StopIteration as end:
            written = end.value
        numbers.append(sum(made))
    assert sum(numbers) > 10 * LONG
    assert max(numbers) < 9 * LONG
    assert json_text(written) == plain
    assert json_text(value) == plain


@given(VALUES)
def test_text_in_parts_is_that_of_the_whole(value: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, number in (("_FEW", 2), ("_AT_ONCE", 2), ("_RUN", 5)):
            patch.setattr(json_columns, name, number)
        written = finish(writing_json(value))
    assert json_text(written) == orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


@pytest.mark.parametrize("value", ["\ud83d", 2**70, {"a": "\ud83d"}])
def test_values_that_orjson_rejects_are_written(value: Any) -> None:
    state = {"drift": [{"key": "ä", "desired": value}] * 600, "\ud83d": value}
    assert json.loads(finish(writing_json(state)).stored) == state
    assert json.loads(json_text(state) or "") == state


def test_written_value_is_neither_written_nor_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    value = drift()
    written, parsed = finish(writing_json(value)), Parsed(monkeypatch)
    monkeypatch.setattr(json_columns, "_sorted", None)
    assert written.value() is finish(written.reading()) is finish(written.reading_members(("drift",))) is value
    assert json_text(written) == written.stored
    assert written == value
    assert value == written
    assert written == LongJson(written.stored)
    assert written != {**value, "drift": []}
    assert parsed.characters == 0


@given(VALUES, VALUES, st.booleans())
def test_values_compared_in_steps_are_equal_or_not(one: Any, other: Any, same: bool) -> None:
    other = copy.deepcopy(one) if same else other
    assert finish(comparing(one, other)) == (one == other)


STEPS: dict[str, Callable[[], Steps[Any]]] = {
    "equal states": lambda: comparing(drift(), drift()),
    "all owners": lambda: comparing(LONG_VALUES["owners"](), LONG_VALUES["owners"]()),
    "a text": lambda: writing_json(drift()),
    "the first drift": lambda: drifting.comparing(State({}), State(drift())),
    "the same drift again": lambda: drifting.comparing(State(drift()), State(drift())),
    "much other drift": lambda: drifting.comparing(State(drift()), State(drift(DRIFT // 2))),
    "an event": lambda: audit.writing([NewEvent(kind="K", method="m", resource="r", changes=changes())] * 2),
    "originals": lambda: originals.merging(
        [
            originals.Original(largest.owner("a", {}), {largest.REPLICATION: largest.replication(20)}),
            originals.Original(largest.owner("b", {}), {largest.TEMPLATES: largest.templates(0, 20)}),
        ],
        {largest.owner("a", {}).name: json_text({"scanning_configuration": {}}) or ""},
    ),
    "new drift": lambda: finding_unattributed(attempt({}), result(drift())),
    "known drift": lambda: finding_unattributed(attempt(drift()), result(drift())),
}


def changes() -> list[Change]:
    return [Change("pull_time_update_exclusions", f"arn-{at:05}", ChangeKind.ADD, None, {}) for at in range(5_000)]


def attempt(state: dict[str, Any]) -> Any:
    row = largest.registry(1)[0]
    return _Given(claimed=replace(row, state={**state, "observed": drift()["observed"]}, observe_time=1), now=1)


def result(state: dict[str, Any]) -> Any:
    return _Given(state=State(state), observed=True)


class _Given:
    reconcile_id = "r"

    def __init__(self, **members: Any) -> None:
        self.__dict__.update(members)


@pytest.mark.parametrize("name", STEPS)
def test_steps_before_a_transaction_are_short(name: str) -> None:
    steps = STEPS[name]()
    assert longest(steps) <= MOST_LINES / 2
    assert sum(1 for _ in STEPS[name]()) > 1


def test_events_written_before_are_stored_like_others() -> None:
    event = NewEvent(kind="K", method="m", resource="r", changes=changes(), owners=("a",))
    (written,) = finish(audit.writing([event]))
    assert audit._values(written) == audit._values(event)
    assert 0 < audit._values(event)["omitted"] < 5_000
    assert finish(audit.writing([written])) == [written]
