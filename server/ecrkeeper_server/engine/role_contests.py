"""Contests of a role's parts: the role, its description, each of its tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from ecrkeeper_server.aws_errors import Temporary
from ecrkeeper_server.engine import contests
from ecrkeeper_server.engine.attempt import Attempt
from ecrkeeper_server.roles.catalogue import RoleKind
from ecrkeeper_server.roles.plan import ObservedRole
from ecrkeeper_server.store import operations
from ecrkeeper_server.store.contests import Contest, Contests
from ecrkeeper_server.store.findings import Findings
from ecrkeeper_server.store.rows import Method
from ecrkeeper_server.store.stored_drift import StoredDrift

Parts = Mapping[str, Mapping[str, str]]
"""The parts of a role: `role`, `description` and `tags`, with the value of each key."""


def load(attempt: Attempt) -> dict[str, dict[str, Contest]]:
    """Return the contests before an attempt."""
    row = attempt.claimed
    return contests.attributed(row.role_state.contests, Findings.from_json(row.events))


async def withheld(attempt: Attempt, known: Contests) -> set[tuple[str, str]]:
    """Return the parts that are not to be written yet.

    A change of the declaration, and a call of `ReconcileRole`, wait for no backoff.
    """
    row, window = attempt.claimed, attempt.contest_window
    waiting = {
        (setting, key)
        for setting, elements in known.items()
        for key, each in elements.items()
        if each.waits(attempt.now, window)
    }
    if not waiting or row.generation != row.observed_generation:
        return set()
    pending = await attempt.db.read(lambda tx: operations.pending(tx, row.name, Method.RECONCILE_ROLE))
    return set() if pending else waiting


def without_withheld(observed: ObservedRole, desired: Parts, waiting: set[tuple[str, str]]) -> ObservedRole:
    """Return a role with its withheld parts as desired, so that none is planned."""
    description = desired["description"].get("description", observed.description)
    if ("description", "description") not in waiting:
        description = observed.description
    tags = {key: value for key, value in desired["tags"].items() if ("tags", key) in waiting}
    return replace(observed, description=description, tags={**observed.tags, **tags})


def desired_parts(kind: RoleKind, description: str | None, tags: Mapping[str, str]) -> Parts:
    """Return the parts of a role that the declaration sets."""
    described = {} if description is None else {"description": description}
    return {"role": {kind.role_name: kind.service_name}, "description": described, "tags": tags}


def after(
    attempt: Attempt, known: Contests, remediated: Sequence[StoredDrift], desired: Parts, drift: Sequence[StoredDrift]
) -> dict[str, dict[str, Contest]]:
    """Return the contests after an attempt that left this drift."""
    differing = {(each.setting, each.key) for each in drift}
    in_place = {
        setting: {key: value for key, value in parts.items() if (setting, key) not in differing}
        for setting, parts in desired.items()
    }
    return contests.after(known, remediated, in_place, desired, attempt.now, attempt.contest_window)


def error(attempt: Attempt, known: Contests) -> Temporary:
    """Return the error of a role with parts that are not written now."""
    reason, message = contests.explain(known)
    window = attempt.contest_window
    wait = min(contests.retry_in(elements, attempt.now, window) for elements in known.values())
    return Temporary(message, reason=reason, after=wait, grpc_code="ABORTED")
