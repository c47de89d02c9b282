"""The stored form of backfills and of the metadata of their operations."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.store.backfills import Backfill, BackfillMetadata

WEST = {"region": "us-west-2", "registryId": "111111111111"}
TODAY: dict[str, Any] = {
    "replicationBackfillId": "b-1",
    "destination": WEST,
    "status": "FAILED",
    "failureCode": "DENIED",
    "startedAt": 1.5,
    "endedAt": 2,
    "progress": {"totalReplicationCount": 3, "failedReplicationCount": 1, "failureCodes": ["DENIED"]},
    "newerMember": {"x": 1},
}


def test_stored_form_of_metadata_stays() -> None:
    begun = BackfillMetadata.of(WEST)
    assert begun.to_json() == {"destination": WEST}
    sent = BackfillMetadata({**begun.to_json(), "callers": ["alice"]}).with_others(["b-0"])
    assert sent.to_json() == {"destination": WEST, "callers": ["alice"], "others": ["b-0"]}
    observed = sent.with_backfill(Backfill(TODAY))
    assert observed.to_json() == {**sent.to_json(), "backfill": TODAY}
    assert observed.backfill == Backfill(TODAY)
    assert sent.others == ["b-0"]


def test_metadata_tells_unsent_operation_from_one_without_others() -> None:
    assert BackfillMetadata.of(WEST).others is None
    assert BackfillMetadata.of(WEST).with_others([]).others == []


def test_missing_members_have_defaults() -> None:
    empty = BackfillMetadata({})
    assert (empty.destination, empty.others, empty.backfill) == ({}, None, None)
    brief = Backfill({"replicationBackfillId": "b-1"})
    assert (brief.status, brief.failure_code, brief.failure_codes, brief.destination) == ("", "", (), {})
    assert (brief.total_count, brief.completed_count, brief.failed_count) == (0, 0, 0)
    assert (brief.started_at, brief.ended_at, brief.ended) == (None, None, False)


def test_stored_backfill_is_read() -> None:
    stored = Backfill(TODAY)
    assert (stored.id, stored.status, stored.failure_code, stored.destination) == ("b-1", "FAILED", "DENIED", WEST)
    assert (stored.total_count, stored.completed_count, stored.failed_count) == (3, 0, 1)
    assert (stored.started_at, stored.ended_at, list(stored.failure_codes)) == (1.5, 2.0, ["DENIED"])


@pytest.mark.parametrize(
    ("status", "ended"),
    [("IN_PROGRESS", False), ("STOPPING", False), ("COMPLETE", True), ("FAILED", True), ("STOPPED", True)],
)
def test_ended_status_is_known(status: str, ended: bool) -> None:
    assert Backfill({**TODAY, "status": status}).ended is ended
