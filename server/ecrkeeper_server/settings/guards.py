"""Withhold changes of a plan that its owners do not allow or that exceed limits."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from ecrkeeper_server.aws_errors import Permanent
from ecrkeeper_server.errors import PreconditionViolation, QuotaViolation
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.algebra import Composition
from ecrkeeper_server.settings.document import Document
from ecrkeeper_server.settings.element_sets import changed_keys, restricted
from ecrkeeper_server.settings.elements import Change, ChangeKind
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.setting import over_quota
from ecrkeeper_server.settings.table import SETTINGS


def permitted(
    planned: Plan, registry: RegistryName, composition: Composition, allowing: Collection[str]
) -> tuple[Plan, Permanent | None]:
    """Split a plan into its permitted part and an error about the rest.

    `allowing` names the owners who allow replacements. A document is written as a
    whole or not at all. In a collection, only the elements concerned are
    withheld: one owner's declaration does not block the others', and removals
    still free capacity.
    """
    barred_changes = [
        change
        for change in planned.changes
        if change.kind is ChangeKind.REPLACE
        and set(allowing).isdisjoint(composition.owners_of(planned.setting, change.key))
    ]
    barred = changed_keys(barred_changes)
    over = _over_limit(planned, registry)
    rejection = _replacement(planned.setting, barred_changes, composition) if barred else over
    if rejection is None:
        return planned, None
    whole = isinstance(SETTINGS[planned.setting], Document)
    allowed = changed_keys(
        change
        for change in planned.changes
        if not whole and change.key not in barred and (over is None or change.kind is ChangeKind.REMOVE)
    )
    return replace(
        planned, changes=tuple(restricted(planned.changes, allowed)), drift=tuple(restricted(planned.drift, allowed))
    ), rejection


def _replacement(setting: str, changes: Sequence[Change], composition: Composition) -> Permanent:
    """Return the error for replacements that no owner of the element allows."""
    fixed = {change.key: SETTINGS[setting].replaces(change.before, change.after) for change in changes}
    owners = sorted({owner for key in fixed for owner in composition.owners_of(setting, key)})
    remedy = f"set allow_replacement in the declaration of {' or '.join(owners)} to allow that"
    shown = "; ".join(f"{', '.join(members)} of {key}" for key, members in fixed.items())
    return Permanent(
        f"{setting}: ECR cannot change {shown} in place, only delete and recreate the element; {remedy}",
        reason="REPLACEMENT_NOT_ALLOWED",
        preconditions=[
            PreconditionViolation("REPLACEMENT_NOT_ALLOWED", f"{setting} {key} {member}", remedy)
            for key, members in fixed.items()
            for member in members
        ],
    )


def _over_limit(planned: Plan, registry: RegistryName) -> Permanent | None:
    """Return an error if the target with the unmanaged elements exceeds a limit."""
    if not planned.unmanaged:
        return None
    setting = SETTINGS[planned.setting]
    quotas = [
        QuotaViolation(
            setting.name, over_quota(q.quota, f"{q.used} with {len(planned.unmanaged)} unmanaged ones", q.limit)
        )
        for q in setting.exceeded(planned.target)
    ]
    clashes = [
        PreconditionViolation("UNMANAGED_ELEMENTS_EXCEED_QUOTA", f"{setting.name} {key}", clash.description)
        for clash in setting.contradictions(planned.target, registry)
        for key in clash.keys
        if key in planned.unmanaged
    ]
    if not quotas and not clashes:
        return None
    cause = clashes[0].description if clashes else quotas[0].description
    return Permanent(
        f"{setting.name}: AWS does not accept these elements beside {len(planned.unmanaged)} unmanaged ones: {cause}; "
        "remove some of them, or set unmanaged_elements to PRUNE",
        reason="UNMANAGED_ELEMENTS_EXCEED_QUOTA",
        grpc_code="FAILED_PRECONDITION" if clashes else "RESOURCE_EXHAUSTED",
        preconditions=clashes,
        quotas=quotas,
    )
