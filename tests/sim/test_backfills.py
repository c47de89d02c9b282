"""Replication backfills pass through their states over time."""

from __future__ import annotations

from .conftest import ACCOUNT, Aws, rejection

WEST = {"region": "us-west-2", "registryId": ACCOUNT}


def start(aws: Aws) -> str:
    """Start a backfill to a configured destination."""
    aws.seed(replicationConfiguration={"rules": [{"destinations": [WEST]}]}, repositories=["app"])
    job: str = aws.client("ecr").start_replication_backfill(destination=WEST)["replicationBackfillId"]
    return job


def test_backfill_prepares_and_completes(aws: Aws) -> None:
    ecr, job = aws.client("ecr"), start(aws)
    first = ecr.list_replication_backfills()["backfills"][0]
    assert (first["status"], "progress" in first) == ("PREPARING", False)
    aws.advance(0.31)
    assert ecr.list_replication_backfills()["backfills"][0]["status"] == "IN_PROGRESS"
    assert ecr.describe_replication_backfill_results(replicationBackfillId=job)["results"] == []
    aws.advance(0.61)
    answer = ecr.describe_replication_backfill_results(replicationBackfillId=job)
    assert answer["status"] == "COMPLETE"
    assert answer["progress"]["completedReplicationCount"] == len(answer["results"]) == 3


def test_backfill_fails_if_half_of_its_images_fail(aws: Aws) -> None:
    aws.settings(backfill_image_count=4, backfill_failed_images=2)
    ecr, job = aws.client("ecr"), start(aws)
    aws.advance(2)
    answer = ecr.describe_replication_backfill_results(replicationBackfillId=job, resultStatusFilter="FAILED")
    assert answer["status"] == "FAILED"
    assert len(answer["results"]) == 2


def test_only_running_backfill_can_be_stopped(aws: Aws) -> None:
    ecr, job = aws.client("ecr"), start(aws)
    assert ecr.stop_replication_backfill(replicationBackfillId=job)["status"] == "STOPPING"
    aws.advance(0.31)
    assert ecr.list_replication_backfills()["backfills"][0]["status"] == "STOPPED"
    code, _ = rejection(ecr.stop_replication_backfill, replicationBackfillId=job)
    assert code == "ReplicationBackfillInvalidStatusException"


def test_destination_outside_configuration_is_rejected(aws: Aws) -> None:
    code, _ = rejection(aws.client("ecr").start_replication_backfill, destination=WEST)
    assert code == "InvalidParameterException"


def test_unknown_backfill_is_not_found(aws: Aws) -> None:
    unknown = "00000000-0000-4000-a000-000000000000"
    for operation in ("stop_replication_backfill", "describe_replication_backfill_results"):
        code, _ = rejection(getattr(aws.client("ecr"), operation), replicationBackfillId=unknown)
        assert code == "ReplicationBackfillNotFoundException"


def test_ended_backfills_are_deleted_after_ninety_days(aws: Aws) -> None:
    start(aws)
    aws.advance(2)
    assert aws.client("ecr").list_replication_backfills()["backfills"]
    aws.advance(91 * 86_400)
    assert aws.client("ecr").list_replication_backfills()["backfills"] == []
