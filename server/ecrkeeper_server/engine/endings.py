"""Store the ends of attempts that changed something, many in a transaction."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from ecrkeeper_server.declarations.final_role import FinalRole
from ecrkeeper_server.declarations.summaries import RegistrySummary
from ecrkeeper_server.ecr.apply import complete
from ecrkeeper_server.engine import causes
from ecrkeeper_server.engine.attempt import Attempt, AttemptResult
from ecrkeeper_server.engine.conditions import Status, is_of_account
from ecrkeeper_server.engine.final_responses import awaited, ends_with, summarizing_end
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import drifting, endings, operations, queue, resources
from ecrkeeper_server.store.attributions import Attribution
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.operation_metadata import DeletionMetadata, DeletionPhase
from ecrkeeper_server.store.queue import Outcome
from ecrkeeper_server.store.rows import Operation, Resource
from ecrkeeper_server.store.state_parts import StoredError
from ecrkeeper_server.store.states import State
from ecrkeeper_server.turns import Steps, finish

_POSTPONE_SECONDS = 10.0


class Ending(Struct, frozen=True, eq=False):
    """The end of an attempt.

    If `unmarked`, declarations have converged that are not marked yet. `drift` are the changes of its index, and
    `unattributed` is new drift. `summary` is the response of operations that wait for the registry, if any.
    """

    attempt: Attempt
    result: AttemptResult
    outcome: Outcome
    unmarked: bool
    drift: drifting.Changes
    unattributed: Sequence[Attribution]
    summary: RegistrySummary | None = None


def preparing(attempt: Attempt, result: AttemptResult, outcome: Outcome, *, unmarked: bool) -> Steps[Ending]:
    """Return the end of an attempt in steps, before the transaction that stores it."""
    row, summary = attempt.claimed, None
    drift = yield from drifting.comparing(State(row.stored_state), State(outcome.stored_state))
    unattributed = yield from causes.finding_unattributed(attempt, result)
    if result.converged and row.kind == RegistryName.kind and awaited(attempt):
        summary = yield from summarizing_end(attempt, outcome)
    return Ending(attempt, result, outcome, unmarked, drift, unattributed, summary)


def save(tx: Tx, ended: Sequence[Ending], *, attribute: bool, wait: bool = True) -> list[Ending]:
    """Store the ends of attempts whose leases hold, and the outcomes of all calls.

    Without `wait`, skip the attempts whose rows another transaction holds, and return them.
    """
    finished = endings.finish(tx, [(each.attempt.claimed, each.outcome) for each in ended], wait=wait)
    saved = [(each, row) for each, row in zip(ended, finished, strict=True) if row is not None]
    held = [each for each, row in zip(ended, finished, strict=True) if row is None]
    done = ended if wait else [each for each, _ in saved]
    complete(tx, [write for each in done for write in each.attempt.writes])
    for each, row in saved:
        _save_parts(tx, row, each)
    # One resource of each account retries first. The others retry after it, or are postponed again with it.
    for each in {each.attempt.claimed.account: each for each, _ in saved if is_of_account(each.result.status)}.values():
        if each.outcome.next_in is not None:
            queue.postpone(tx, each.attempt.claimed, each.outcome.next_in + _POSTPONE_SECONDS)
    causes.request(tx, [drift for each, _ in saved for drift in each.unattributed], attribute=attribute)
    pending = operations.pending_of(tx, [row.name for _, row in saved]) if saved else {}
    for each, row in saved:
        _end_operations(tx, each, row, pending.get(row.name, ()))
    return held


def _save_parts(tx: Tx, saved: Resource, ending: Ending) -> None:
    """Store the parts that seldom change."""
    if ending.drift is not drifting.SAME:
        drifting.change(tx, saved.name, ending.drift)
    if ending.unmarked:
        endings.mark_declarations(tx, ending.attempt.claimed, ending.result.converged_owners)


def _end_operations(tx: Tx, ending: Ending, saved: Resource, pending: Sequence[Operation]) -> None:
    """End the operations that waited for the attempt."""
    row, result = ending.attempt.claimed, ending.result
    ended: dict[str, StoredError | None] = dict(result.ended)
    response: Json | None = None
    for operation in pending:
        if operation.id in ended:
            rejection = ended[operation.id]
            phase = DeletionPhase.DONE if rejection is None else DeletionPhase.REJECTED
            operations.end(
                tx,
                operation,
                error=rejection,
                response={} if rejection is None else None,
                metadata=DeletionMetadata(operation.metadata).after(phase),
            )
        elif ends_with(operation, row):
            if result.converged:
                response = response or _response(ending, saved)
                operations.end(tx, operation, response=response)
            elif result.status.terminal:
                operations.end(tx, operation, error=State(ending.outcome.stored_state).error)
            elif result.status.error is None and result.next_in is None:
                operations.end(tx, operation, error=_not_remediated(result.status))
    if result.removed and saved.requested == row.requested:
        resources.remove(tx, row.name)
    elif not result.removed and result.ended and saved.deleting:
        resources.patch(tx, row.name, spec=replace(saved.role_spec, deletion=None).to_json())


def _response(ending: Ending, saved: Resource) -> Json:
    """Return the resource at the end of the attempt."""
    if saved.kind != RegistryName.kind:
        return FinalRole.of(saved).to_json()
    summary = ending.summary or finish(summarizing_end(ending.attempt, ending.outcome))
    return replace(summary, due_at=saved.due_at).to_json()


def _not_remediated(status: Status) -> StoredError:
    """Return why a reconcile ends out of sync: the mode or a protected setting."""
    return StoredError(code="FAILED_PRECONDITION", reason=status.ready_reason, message=status.ready_message)
