"""What of a plan is not carried out, although AWS might do as it says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ecrkeeper_server.errors import Permanent
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.algebra import Composition
from ecrkeeper_server.settings.document import Document
from ecrkeeper_server.settings.elements import ChangeKind, Plan
from ecrkeeper_server.settings.table import SETTINGS


def permitted(
    planned: Plan, registry: RegistryName, composition: Composition, allowing: Collection[str]
) -> tuple[Plan, Permanent | None]:
    """What of a plan is carried out, and why the rest is not; `allowing` are the owners who allow replacements.

    A document is written as a whole or not at all. In a collection only the elements concerned are held back:
    one owner's wish does not stop what others want, and removals make room.
    """
    barred = [
        change.key
        for change in planned.changes
        if change.kind is ChangeKind.REPLACE
        and set(allowing).isdisjoint(composition.owners.get((planned.setting, change.key), ()))
    ]
    over = _too_much(planned, registry)
    refused = _replacement(planned.setting, barred, composition) if barred else over
    if refused is None:
        return planned, None
    whole = isinstance(SETTINGS[planned.setting], Document)
    kept = {
        change.key
        for change in planned.changes
        if not whole and change.key not in barred and (over is None or change.kind is ChangeKind.REMOVE)
    }
    changes = tuple(change for change in planned.changes if change.key in kept)
    return replace(planned, changes=changes, drift=tuple(d for d in planned.drift if d.key in kept)), refused


def _replacement(setting: str, keys: Sequence[str], composition: Composition) -> Permanent:
    """Of elements that must be deleted and created again, where no owner of them allows that."""
    owners = sorted({owner for key in keys for owner in composition.owners.get((setting, key), ())})
    return Permanent(
        f"{setting}: ECR cannot change {', '.join(keys)} in place, only delete and create again; "
        f"set allow_replacement in the declaration of {' or '.join(owners)} to allow that",
        reason="REPLACEMENT_NOT_ALLOWED",
    )


def _too_much(planned: Plan, registry: RegistryName) -> Permanent | None:
    """An error if what is desired fits AWS's limits, but not together with the foreign elements there."""
    found = SETTINGS[planned.setting].lint_composed(planned.target, registry)
    if not found or not planned.foreign:
        return None
    return Permanent(
        f"{planned.setting}: with {len(planned.foreign)} foreign elements it exceeds what AWS allows: "
        f"{found[0].description}; remove some of them, or set foreign_elements to PRUNE",
        reason="FOREIGN_ELEMENTS_IN_THE_WAY",
        grpc_code="RESOURCE_EXHAUSTED",
    )
