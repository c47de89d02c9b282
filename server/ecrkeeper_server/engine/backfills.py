"""Start and poll replication backfills, which are operations of their registry.

ECR's start takes no client token. Before the call, the operation is stored
with the backfills to the same destination that already exist. If a later
attempt finds the operation without a backfill id, it adopts a backfill that is
not among them. A kill in between therefore starts no backfill twice, however
soon ECR finishes.

Only an enforced registry starts backfills. A change of its mode ends those that
were not sent. Running ones continue, and are polled unless the registry is
paused.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary, is_terminal
from ecrkeeper_server.ecr.apply import AwsWrite, change
from ecrkeeper_server.ecr.backfills import BACKFILL, destination_key, list_backfills
from ecrkeeper_server.engine.attempt import Attempt
from ecrkeeper_server.store import operations
from ecrkeeper_server.store.backfills import Backfill, BackfillMetadata
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Method, Operation
from ecrkeeper_server.store.specs import Mode
from ecrkeeper_server.store.state_parts import StoredError

POLL_SECONDS = 2.0
# The delay after a retryable rejection.
_PAUSE_SECONDS = 15.0


async def follow(attempt: Attempt, waiting: Sequence[Operation]) -> float | None:
    """Advance every backfill among the pending operations.

    Returns the seconds until the next poll, or None.
    """
    pending = [operation for operation in waiting if operation.method == Method.START_BACKFILL]
    if attempt.claimed.mode is Mode.PAUSED:
        # AWS is not even read, so only operations that were certainly not sent can end.
        for operation in pending:
            if BackfillMetadata(operation.metadata).others is None:
                await _reject(attempt, operation, _not_enforced(attempt))
        return None
    if not pending:
        return None
    try:
        listed = await list_backfills(attempt.aws, attempt.claimed.registry)
    except AwsError as error:
        # The rest of the attempt has its own outcome.
        return _again_in(error)
    delays = [await _advance(attempt, operation, listed) for operation in pending]
    return min((delay for delay in delays if delay is not None), default=None)


async def _advance(attempt: Attempt, operation: Operation, listed: list[Backfill]) -> float | None:
    try:
        observed = _find(BackfillMetadata(operation.metadata), listed)
        if observed is None:
            if attempt.claimed.mode is not Mode.ENFORCE:
                raise _not_enforced(attempt)
            operation = await _record_others(attempt, operation, listed)
            observed = await _start(attempt, operation)
    except AwsError as error:
        if is_terminal(error):
            await _reject(attempt, operation, error)
            return None
        return _again_in(error)
    metadata = BackfillMetadata(operation.metadata).with_backfill(observed)

    def save(tx: Tx) -> None:
        if observed.ended:
            operations.end(tx, operation, response=observed.to_json(), metadata=metadata)
        elif metadata.to_json() != operation.metadata:
            operations.progress(tx, operation, metadata)

    await attempt.db.write(save)
    return None if observed.ended else POLL_SECONDS


def _again_in(error: AwsError) -> float:
    delay = error.after if isinstance(error, Temporary) else None
    return delay or _PAUSE_SECONDS


def _not_enforced(attempt: Attempt) -> Permanent:
    name, mode = attempt.claimed.name, attempt.claimed.mode
    text = f"the mode of {name} changed to {mode} before the backfill was started; set it to ENFORCE and retry"
    return Permanent(text, reason="NOT_ENFORCED")


async def _reject(attempt: Attempt, operation: Operation, error: AwsError) -> None:
    rejection = StoredError.of(error)
    await attempt.db.write(lambda tx: operations.end(tx, operation, error=rejection))


def _find(metadata: BackfillMetadata, listed: list[Backfill]) -> Backfill | None:
    known, others = metadata.backfill, metadata.others
    if known is not None:
        return next((each for each in listed if each.id == known.id), known)
    # Without others, nothing was sent yet.
    if others is None:
        return None
    destination = metadata.destination
    return next((each for each in listed if each.id not in others and each.destination == destination), None)


async def _record_others(attempt: Attempt, operation: Operation, listed: list[Backfill]) -> Operation:
    """Return the operation with the existing backfills to its destination."""
    before = BackfillMetadata(operation.metadata)
    if before.others is not None:
        return operation
    others = [each.id for each in listed if each.destination == before.destination]
    metadata = before.with_others(others)
    await attempt.db.write(lambda tx: operations.progress(tx, operation, metadata))
    return replace(operation, metadata=metadata.to_json())


async def _start(attempt: Attempt, operation: Operation) -> Backfill:
    registry, destination = attempt.claimed.registry, BackfillMetadata(operation.metadata).destination
    begun = [change(BACKFILL, destination_key(destination), None, destination)]
    write = AwsWrite(
        registry.account, registry.region, "ecr", str(Method.START_BACKFILL), {"destination": destination}, begun
    )
    await attempt.record([write])
    return Backfill(await attempt.send(write))
