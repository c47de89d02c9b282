"""ECR replication backfills: jobs that move through their states with time."""

from __future__ import annotations

import hashlib
from typing import Any

from ecrkeeper_sim.calls import Call, handles, own_registry
from ecrkeeper_sim.ecr_images import ACCESS_DENIED, is_rejected, is_replicated, note_replication
from ecrkeeper_sim.errors import AwsError, invalid_parameter
from ecrkeeper_sim.paging import ecr_page
from ecrkeeper_sim.state import Json, Registry, World

_RETAINED_SECONDS = 90 * 86_400
_FINAL = ("COMPLETE", "FAILED", "STOPPED")


def update_backfills(world: World, registry: Registry) -> None:
    """Advance every running backfill of the registry to its state at the current time."""
    now, settings = world.clock.now(), world.settings
    for job in list(registry.backfills.values()):
        if job["status"] in _FINAL:
            if now - job["endedAt"] > _RETAINED_SECONDS:
                del registry.backfills[job["replicationBackfillId"]]
            continue
        if job["pinned"]:
            continue
        if job["status"] == "STOPPING":
            if now >= job["stoppingAt"] + settings.backfill_stopping_seconds:
                job["status"], job["endedAt"] = "STOPPED", now
            continue
        elapsed = now - job["startedAt"] - settings.backfill_preparing_seconds
        if job["status"] == "PREPARING" and elapsed >= 0:
            job["status"] = "IN_PROGRESS"
            job["results"] = _results(world, registry, job)
        if job["status"] == "IN_PROGRESS" and elapsed >= settings.backfill_running_seconds:
            _finish(job, now)
            _note(world, registry, job)


def new_backfill(world: World, destination: Json, status: str = "PREPARING", *, pinned: bool = False) -> Json:
    """Return a job record; a pinned one never leaves its state by itself."""
    ended = world.clock.now() if status in _FINAL else None
    return {
        "replicationBackfillId": world.uuid(),
        "destination": dict(destination),
        "status": status,
        "startedAt": world.clock.now(),
        "endedAt": ended,
        "pinned": pinned,
        "results": [],
    }


@handles("ecr", "StartReplicationBackfill")
def start_replication_backfill(call: Call, params: Json) -> Json:
    """Start a backfill to a destination of the replication configuration."""
    registry = own_registry(call, params)
    update_backfills(call.world, registry)
    destination = params["destination"]
    unfinished = [job for job in registry.backfills.values() if job["status"] not in _FINAL]
    if any(job["destination"] == destination for job in unfinished):
        where = f"{destination['registryId']} in {destination['region']}"
        raise AwsError(
            "ReplicationBackfillInProgressException",
            f"A replication backfill to the destination registry {where} is already in progress",
        )
    if len(unfinished) >= call.settings.backfill_quota:
        raise AwsError("LimitExceededException", "The maximum number of concurrent replication backfills was reached")
    configured = [d for rule in registry.replication_rules for d in rule["destinations"]]
    if destination not in configured:
        raise invalid_parameter("destination", "Destination is not part of the replication configuration")
    job = new_backfill(call.world, destination)
    registry.backfills[job["replicationBackfillId"]] = job
    return {"registryId": registry.account, **_brief(job)}


@handles("ecr", "StopReplicationBackfill")
def stop_replication_backfill(call: Call, params: Json) -> Json:
    """Ask a running backfill to stop."""
    registry = own_registry(call, params)
    job = _existing(call, registry, params)
    if job["status"] not in ("PREPARING", "IN_PROGRESS"):
        raise AwsError(
            "ReplicationBackfillInvalidStatusException",
            f"The replication backfill {job['replicationBackfillId']} cannot be stopped in status {job['status']}",
        )
    job.update(status="STOPPING", stoppingAt=call.now(), pinned=False)
    return {"registryId": registry.account, **_brief(job)}


@handles("ecr", "ListReplicationBackfills")
def list_replication_backfills(call: Call, params: Json) -> Json:
    """Return the backfills of the registry, oldest first, page by page."""
    registry = own_registry(call, params)
    update_backfills(call.world, registry)
    items = [(f"{index:08}", described_backfill(job)) for index, job in enumerate(registry.backfills.values())]
    shown, token = ecr_page(items, params, 25)
    return {"registryId": registry.account, "backfills": shown, **({"nextToken": token} if token else {})}


@handles("ecr", "DescribeReplicationBackfillResults")
def describe_replication_backfill_results(call: Call, params: Json) -> Json:
    """Return a backfill and, after its end, the result of each image."""
    registry = own_registry(call, params)
    job = _existing(call, registry, params)
    wanted = params.get("resultStatusFilter")
    results = job["results"] if job["status"] in _FINAL else []
    items = [(f"{i:08}", r) for i, r in enumerate(results) if wanted in (None, r["status"])]
    shown, token = ecr_page(items, params, 100)
    answer = {"registryId": registry.account, **described_backfill(job), "results": shown}
    return {**answer, **({"nextToken": token} if token else {})}


def described_backfill(job: Json) -> Json:
    """Return the backfill in ECR's shape."""
    shown = _brief(job)
    if job["endedAt"] is not None:
        shown["endedAt"] = job["endedAt"]
    if job["status"] == "FAILED" and job.get("failureCode"):
        shown["failureCode"] = job["failureCode"]
    if job["status"] != "PREPARING":
        shown["progress"] = _progress(job)
    return shown


def _brief(job: Json) -> Json:
    return {name: job[name] for name in ("replicationBackfillId", "destination", "status", "startedAt")}


def _progress(job: Json) -> Json:
    results = job["results"]
    failed = [r for r in results if r["status"] == "FAILED"]
    ended = job["status"] in _FINAL
    return {
        "totalReplicationCount": len(results),
        "completedReplicationCount": len(results) - len(failed) if ended else 0,
        "failedReplicationCount": len(failed) if ended else 0,
        "failureCodes": sorted({r["failureCode"] for r in failed}) if ended else [],
    }


def _note(world: World, registry: Registry, job: Json) -> None:
    """Keep the results with the images that were copied."""
    for result in job["results"]:
        image = registry.images.get(result["repositoryName"], {}).get(result["imageId"]["imageDigest"])
        if image is not None:
            note_replication(world, image, job["destination"], result.get("failureCode", ""), 0)


def _finish(job: Json, now: float) -> None:
    failed = [r for r in job["results"] if r["status"] == "FAILED"]
    job["endedAt"] = now
    if failed and 2 * len(failed) >= len(job["results"]):
        job["status"], job["failureCode"] = "FAILED", failed[0]["failureCode"]
    else:
        job["status"] = "COMPLETE"


def _results(world: World, registry: Registry, job: Json) -> list[Json]:
    """Return the result of each image.

    A destination in another account must allow the source in its registry policy.
    """
    results: list[Json] = []
    for index, (name, digest) in enumerate(_images(world, registry, job["destination"])):
        rejected = is_rejected(world, registry, job["destination"], name)
        result: dict[str, Any] = {"repositoryName": name, "imageId": {"imageDigest": digest}}
        if rejected or index < world.settings.backfill_failed_images:
            result.update(status="FAILED", failureCode=ACCESS_DENIED if rejected else "INTERNAL_ERROR")
        else:
            result["status"] = "COMPLETE"
        results.append(result)
    return results


def _images(world: World, registry: Registry, destination: Json) -> list[tuple[str, str]]:
    """Return repository and digest of each image.

    They are invented for a registry without images.
    """
    existing = sorted(registry.repositories) or ["library/app"]
    names = [name for name in existing if is_replicated(registry, destination, name)]
    if registry.images:
        return [(name, digest) for name in names for digest in sorted(registry.images.get(name, {}))]
    count = world.settings.backfill_image_count if names else 0
    invented = [(names[index % len(names)], index) for index in range(count)]
    return [(name, f"sha256:{hashlib.sha256(f'{name}:{at}'.encode()).hexdigest()}") for name, at in invented]


def _existing(call: Call, registry: Registry, params: Json) -> Json:
    update_backfills(call.world, registry)
    job = registry.backfills.get(params["replicationBackfillId"])
    if job is None:
        raise AwsError(
            "ReplicationBackfillNotFoundException",
            f"The replication backfill {params['replicationBackfillId']} does not exist "
            f"in the registry with id '{registry.account}'",
        )
    return job
