"""The guard of removals: a change that takes elements away in many registries needs to say so; pure."""

from __future__ import annotations

from ecrkeeper_server.errors import FailedPrecondition
from ecrkeeper_server.store.fleet_specs import Amount

_USUAL_PERCENT, _USUAL_LEAST = Amount(10, percent=True), 5


def max_removals(limit: Amount | None, targets: int) -> int:
    """Return in how many of the set's present targets a change may remove elements: 10 %, and at least 5."""
    return _USUAL_PERCENT.of(targets, _USUAL_LEAST) if limit is None else limit.of(targets)


def check_removals(name: str, removing: int, limit: int, confirmed: int) -> None:
    """Reject a change that removes elements in more registries than it may, unless the caller confirms their number."""
    if removing <= limit or removing == confirmed:
        return
    given = f", got {confirmed}" if confirmed else ""
    raise FailedPrecondition(
        f"{name}: the change removes elements in {removing} registries, and {limit} are allowed; read the plan"
        f" (`validate_only`), and set `allow_removals` to {removing} to confirm{given}",
        reason="TOO_MANY_REMOVALS",
        metadata={"removals": str(removing), "max_removals": str(limit)},
    )
