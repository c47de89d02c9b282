"""The guard of removals; pure.

A change that removes elements in many registries has to confirm their number.
"""

from __future__ import annotations

from ecrkeeper_server.errors import FailedPrecondition
from ecrkeeper_server.store.fleet_specs import Amount, SetSpec

_USUAL_PERCENT, _USUAL_LEAST = Amount(10, percent=True), 5


def max_removals_of(spec: SetSpec, targets: int) -> int:
    """Return in how many present targets the change to a set may remove elements.

    A set that declares nothing any more needs the confirmation of any number.
    """
    return 0 if spec.empty else max_removals(spec.max_removals, targets)


def max_removals(limit: Amount | None, targets: int) -> int:
    """Return in how many present targets of the set a change may remove elements.

    The limit is 10 %, and at least 5.
    """
    return _USUAL_PERCENT.of(targets, _USUAL_LEAST) if limit is None else limit.of(targets)


def check_removals(name: str, removing: int, limit: int, confirmed: int) -> None:
    """Reject a change that removes elements in more registries than it may.

    The caller can confirm the number of registries.
    """
    if removing <= limit or removing == confirmed:
        return
    suffix = f", got {confirmed}" if confirmed else ""
    raise FailedPrecondition(
        f"{name}: the change removes elements in {removing} registries, and {limit} are allowed; read the plan"
        f" (`validate_only`), and set `allow_removals` to {removing} to confirm{suffix}",
        reason="TOO_MANY_REMOVALS",
        metadata={"removals": str(removing), "max_removals": str(limit)},
    )
