"""Results of deliveries, however often and in any order they come."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.events.records import Actor
from ecrkeeper_server.store.causes import StoredCause, StoredDelivery
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.cloud_events import CloudEvent
from ecrkeeper_server.store.findings import Findings

SETTING, TARGET, START = "replication_configuration", "222222222222/eu-west-1", 1_800_000_000 * MICROSECONDS
MINUTE = 60 * MICROSECONDS


def delivered(findings: Findings, time: int, failure: str | None) -> Findings:
    return findings.with_delivery(SETTING, TARGET, time, failure)


@pytest.mark.parametrize("failure", [None, "denied"])
def test_results_that_confirm_the_last_one_are_kept_once_a_minute(failure: str | None) -> None:
    stored = delivered(Findings({}), START, failure)
    for seconds in range(61):
        assert delivered(stored, START + seconds * MICROSECONDS, failure) is stored
    assert delivered(stored, START + MINUTE + 1, failure).stored != stored.stored


@pytest.mark.parametrize(("first", "second"), [(None, "denied"), ("denied", None)])
def test_results_that_contradict_the_last_one_are_kept_at_once(first: str | None, second: str | None) -> None:
    stored = delivered(delivered(Findings({}), START, first), START + 1, second)
    assert bool(stored.conditions()) == (second is not None)


CAUSE: dict[str, Any] = {
    "principal": "arn:aws:iam::222222222222:role/Admin", "session": "ann", "source_ip": "203.0.113.12",
    "user_agent": "aws-cli/2.31", "event_id": "e1", "event_time": START, "invoked_by": "", "installation": "",
    "confidence": "LIKELY",
}  # fmt: skip
ENTRY = {"setting": SETTING, "elements": None, "found_at": START, "cause": CAUSE}


def test_stored_form_of_causes_stays() -> None:
    actor = Actor(
        *(CAUSE[name] for name in ("principal", "session", "source_ip", "user_agent", "event_id", "event_time"))
    )
    cause = CloudEvent.of(actor, "name", SETTING, "", "").cause("LIKELY")
    stored = Findings({}).with_cause(SETTING, None, START, cause)
    assert stored.stored == {"causes": [ENTRY]}
    assert list(stored.stored["causes"][0]["cause"]) == list(CAUSE)
    assert Findings({"causes": [ENTRY]}).cause(SETTING, "key", START) == cause


def test_cause_with_missing_members_is_read() -> None:
    assert StoredCause.from_json({"principal": "root"}) == StoredCause(principal="root")


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ({"last_success": START}, "it never failed"),
        ({"last_failure": START, "reason": "denied", "since": START - 1}, "it fails"),
        ({"last_success": START, "last_failure": START - 1, "reason": "denied", "since": 1}, "it failed before"),
        ({}, "nothing is known"),
    ],
)
def test_stored_form_of_deliveries_stays(stored: dict[str, Any], reason: str) -> None:
    assert StoredDelivery.from_json(stored).to_json() == stored, reason


def test_failures_keep_their_start() -> None:
    stored = delivered(delivered(Findings({}), START, "denied"), START + 2 * MINUTE, "throttled")
    expected = {"last_failure": START + 2 * MINUTE, "reason": "throttled", "since": START}
    assert stored.stored == {"deliveries": {SETTING: {TARGET: expected}}}
