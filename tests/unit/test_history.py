"""Start times of drift and errors, and counts of attempts."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.ecr.history import adding_first_times, attempts_of
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.states import State
from ecrkeeper_server.turns import finish
from msgspec.structs import replace


def drift(key: str = "k", kind: str = "MISSING", **more: Any) -> dict[str, Any]:
    return {"setting": "s", "key": key, "kind": kind, **more}


def error(reason: str = "AWS_THROTTLED", operation: str = "Put", request: str = "1") -> dict[str, Any]:
    metadata = {"operation": operation, "aws_code": "x", "aws_request_id": request}
    return {"code": "UNAVAILABLE", "reason": reason, "message": request, "metadata": metadata}


FIRST_SEEN = {
    # reason: the drift before, the drift now, its start time
    "new drift begins now": ([], [drift()], [9]),
    "the same drift began before": ([drift(since=5)], [drift()], [5]),
    "another value of the same kind is the same drift": ([drift(since=5, observed=1)], [drift(observed=2)], [5]),
    "another kind is new": ([drift(since=5)], [drift(kind="CHANGED")], [9]),
    "another element is new": ([drift(since=5)], [drift("other"), drift()], [9, 5]),
    "drift of a version that kept no time begins now": ([drift()], [drift()], [9]),
    "drift that is gone has no time": ([drift(since=5)], [], []),
}


@pytest.mark.parametrize("reason", FIRST_SEEN)
def test_drift_keeps_first_observed_time(reason: str) -> None:
    before, now, since = FIRST_SEEN[reason]
    state = finish(adding_first_times(State({"drift": now}), State({"drift": before}), 9))
    assert [each.since for each in state.drift] == since


ATTEMPTS = {
    # reason: the error before, its attempts, the error now, its start time, attempts now
    "no error": (None, 0, None, None, 0),
    "a first error": (None, 0, error(), 9, 1),
    "the same error again": ({**error(), "since": 5}, 3, error(), 5, 4),
    "the same error of another request": ({**error(), "since": 5}, 3, error(request="2"), 5, 4),
    "another reason": ({**error(), "since": 5}, 3, error("AWS_REJECTED"), 9, 1),
    "another operation": ({**error(), "since": 5}, 3, error(operation="Get"), 9, 1),
    "a success": ({**error(), "since": 5}, 3, None, None, 0),
    "an error of a version that kept no time": (error(), 0, error(), 9, 1),
}


@pytest.mark.parametrize("reason", ATTEMPTS)
def test_error_keeps_its_first_time_and_counts_attempts(reason: str) -> None:
    before, counted, now, since, attempts = ATTEMPTS[reason]
    row = Resource.new(RegistryName("1" * 12, "us-east-1"), {}, 1)
    row = replace(row, state={"error": before}, attempts=counted)
    state = finish(adding_first_times(State({"error": now}), State(row.state), 9))
    assert attempts_of(state, row) == attempts
    assert (None if state.error is None else state.error.since) == since


def test_state_that_stays_the_same_is_equal() -> None:
    state = State({"drift": [drift()], "error": error()})
    first = finish(adding_first_times(state, State({}), 5))
    assert finish(adding_first_times(state, first, 9)) == first
