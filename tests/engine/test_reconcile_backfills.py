"""Reconciling a registry with backfills."""

from __future__ import annotations

import pytest
from ecrkeeper_server.aws_errors import Temporary
from ecrkeeper_server.store import operations, resources
from ecrkeeper_server.store.backfills import BackfillMetadata
from ecrkeeper_server.store.rows import Operation

from .conftest import REGISTRY, ROLE, World
from .test_reconcile_registry import QUAY, caching

DESTINATION = {"region": "us-west-2", "registryId": "111111111111"}
REPLICATED = {"replication_configuration": {"rules": [{"destinations": [DESTINATION]}]}}
METHOD = "StartReplicationBackfill"


async def requested(world: World) -> Operation:
    """A backfill that was accepted while the registry was enforced."""
    await world.declare(REPLICATED)
    await world.reconcile()
    # The role that ECR created for it.
    await world.reconcile(ROLE)
    return await world.db.write(
        lambda tx: operations.create(
            tx, METHOD, resources.request(tx, str(REGISTRY)), BackfillMetadata.of(DESTINATION), caller="somebody"
        )
    )


# the mode, whether AWS is read, reason
MODES = [("OBSERVE", True, "never writes"), ("PAUSED", False, "neither reads nor writes")]


@pytest.mark.parametrize(("mode", "read", "reason"), MODES)
async def test_unsent_backfill_ends_on_mode_change(world: World, mode: str, read: bool, reason: str) -> None:
    operation = await requested(world)
    await world.set_spec({"mode": mode})
    await world.reconcile()
    assert world.aws.writes == [], reason
    assert bool(world.aws.calls) is read, reason
    ended = await world.operation(operation)
    assert ended.error is not None
    assert (ended.error["code"], ended.error["reason"]) == ("FAILED_PRECONDITION", "NOT_ENFORCED")
    assert f"changed to {mode}" in ended.error["message"]
    await world.set_spec({"mode": "ENFORCE"})
    await world.reconcile()
    assert world.aws.writes == [], "what has ended is not started later"


@pytest.mark.parametrize(("mode", "read", "reason"), MODES)
async def test_running_backfill_continues_after_mode_change(world: World, mode: str, read: bool, reason: str) -> None:
    operation = await requested(world)
    await world.reconcile()
    assert world.aws.writes == [METHOD]
    await world.control("POST", "clock", {"advance": 60})
    await world.set_spec({"mode": mode})
    await world.reconcile()
    stored = await world.operation(operation)
    assert (stored.done, stored.error) == (read, None), reason
    await world.set_spec({"mode": "ENFORCE"})
    await world.reconcile()
    stored = await world.operation(operation)
    assert (stored.done, stored.error) == (True, None)
    assert stored.response is not None
    assert stored.response["status"] == "COMPLETE"
    assert world.aws.writes == []


async def test_paused_registry_keeps_possibly_sent_backfill(world: World) -> None:
    operation = await requested(world)
    sent = BackfillMetadata(operation.metadata).with_others([])
    await world.db.write(lambda tx: operations.progress(tx, operation, sent))
    await world.set_spec({"mode": "PAUSED"})
    await world.reconcile()
    assert world.aws.calls == []
    assert not (await world.operation(operation)).done


async def test_denied_backfill_ends(world: World) -> None:
    operation = await requested(world)
    world.aws.faults[METHOD] = lambda _: Temporary(
        "denied", reason="AWS_ACCESS_DENIED", after=60.0, aws_code="AccessDenied"
    )
    await world.reconcile()
    stored = await world.operation(operation)
    assert stored.error is not None
    assert stored.error["reason"] == "AWS_ACCESS_DENIED"


async def test_throttled_backfill_starts_after_aws_delay(world: World) -> None:
    operation = await requested(world)
    world.aws.faults[METHOD] = lambda _: Temporary("slow", reason="AWS_THROTTLED", after=40.0, aws_code="Throttling")
    await world.reconcile()
    assert not (await world.operation(operation)).done
    assert 30 < (await world.due_in() or 0) <= 40
    del world.aws.faults[METHOD]
    await world.resync()
    assert world.aws.writes == [METHOD]


async def test_registry_reconcile_does_not_wait_for_backfills(world: World) -> None:
    await requested(world)
    await world.reconcile()
    await world.declare(caching(QUAY), owner="team-b")
    await world.set_spec({"mode": "OBSERVE"})
    operation = await world.begin("ReconcileRegistry")
    row = await world.reconcile()
    error = (await world.operation(operation)).error or {}
    assert (error.get("reason"), row.observed_generation) == ("OBSERVE_ONLY", row.generation)
    assert (await world.due_in() or 0) <= 2
