"""Plans that are not carried out, although AWS might do as they say."""

from __future__ import annotations

from collections.abc import Collection

from ecrkeeper_server.errors import Permanent
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.algebra import Composition, Plan
from ecrkeeper_server.settings.elements import ChangeKind
from ecrkeeper_server.settings.table import SETTINGS


def withheld(
    planned: Plan, registry: RegistryName, composition: Composition, allowing: Collection[str]
) -> Permanent | None:
    """Why a plan is not carried out, or None; `allowing` are the owners who allow replacements."""
    return _replacement(planned, composition, allowing) or _too_much(planned, registry)


def _replacement(planned: Plan, composition: Composition, allowing: Collection[str]) -> Permanent | None:
    """An error if an element must be deleted and created again and no owner of it allows that."""
    keys = [
        change.key
        for change in planned.changes
        if change.kind is ChangeKind.REPLACE
        and set(allowing).isdisjoint(composition.owners.get((planned.setting, change.key), ()))
    ]
    if not keys:
        return None
    return Permanent(
        f"{planned.setting}: ECR cannot change {', '.join(keys)} in place, only delete and create again; "
        "set allow_replacement in the declaration to allow that",
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
