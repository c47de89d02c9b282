"""The stored form of replication checks."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.arrivals import Arrival, Outcome
from ecrkeeper_server.settings.replication_access import Check
from ecrkeeper_server.settings.setting import Warning
from ecrkeeper_server.store.replication_checks import StoredCheck
from ecrkeeper_server.store.states import RegistryState

DESTINATION = RegistryName("222222222222", "us-west-2")
OLD: dict[str, Any] = {
    "destination": {"registryId": "222222222222", "region": "us-west-2"},
    "result": "UNKNOWN",
    "findings": [{"reason": "DESTINATION_POLICY_CONDITIONAL", "subject": "x", "message": "y"}],
    "time": 1,
}
TODAY: dict[str, Any] = {
    **OLD,
    "conditional": True,
    "arrivals": [{"outcome": "ARRIVES", "whole": ["dev-"], "example": "dev-0"}, {"outcome": "UNKNOWN"}],
}


def test_current_stored_form_stays() -> None:
    arrivals = (Arrival(Outcome.ARRIVES, ("dev-",), (), "dev-0"), Arrival(Outcome.UNKNOWN, (), (), ""))
    check = Check("CONDITIONAL", (Warning("DESTINATION_POLICY_CONDITIONAL", "x", "y"),), arrivals)
    stored = StoredCheck.of(DESTINATION, check, 1)
    assert stored.to_json() == TODAY
    assert list(stored.to_json()) == ["destination", "result", "conditional", "findings", "arrivals", "time"]
    assert StoredCheck.from_json(TODAY) == stored


def test_check_without_arrivals_is_read() -> None:
    (check,) = RegistryState({"checks": [OLD]}).checks
    assert (check.destination, check.result, check.arrivals) == (DESTINATION, "UNKNOWN", ())


def test_equal_checks_change_no_state() -> None:
    state = RegistryState({"checks": [TODAY]})
    assert state.changed(checks=state.checks).stored is state.stored


@pytest.mark.parametrize("result", ["OK", "BROKEN", "UNKNOWN", "CONDITIONAL"])
def test_stored_result_is_known_to_older_replicas(result: str) -> None:
    stored = StoredCheck.of(DESTINATION, Check(result, (), ()), 1).to_json()
    assert stored["result"] in ("OK", "BROKEN", "UNKNOWN")
    assert StoredCheck.from_json(stored).result == result


def test_unchanged_check_keeps_its_time() -> None:
    before, now = (StoredCheck.of(DESTINATION, Check("OK", (), ()), time) for time in (1, 2))
    broken = StoredCheck.of(DESTINATION, Check("BROKEN", (), ()), 2)
    assert now.unless_same(before) is before
    assert broken.unless_same(before) is broken
    assert now.unless_same(None) is now


def test_stored_filters_are_limited() -> None:
    many = tuple(f"team-{i}" for i in range(1000))
    check = Check("OK", (), (Arrival(Outcome.ARRIVES, many, many[:30], "team-0"),))
    (arrival,) = StoredCheck.of(DESTINATION, check, 1).arrivals
    assert (len(arrival.whole), len(arrival.partial), arrival.omitted) == (20, 20, 990)
