"""Why a declaration is refused, beyond what its settings say by themselves."""

from __future__ import annotations

import json
from typing import Any

from ecrkeeper_server.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PreconditionViolation,
    Violation,
)
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.settings.algebra import Composition, Conflict
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.rows import Declaration


def check_presence(name: SettingsName, present: Declaration | None, *, create: bool, update: bool) -> None:
    """Refuse to make what is there, and to change what is not."""
    if present is None and not create:
        raise NotFound("RegistrySettings", str(name), "create it, or set allow_missing")
    if present is not None and not update:
        raise AlreadyExists(
            f"{name} exists; update it instead", reason="ALREADY_EXISTS", resource=("RegistrySettings", str(name))
        )


def conflict_of(name: SettingsName, conflicts: tuple[Conflict, ...]) -> FailedPrecondition:
    """The refusal of elements that other owners declare with other values; it names each of them."""
    rows = []
    for conflict in conflicts:
        others = {owner: value for owner, value in conflict.owners.items() if owner != name.owner}
        theirs = "; ".join(f"{owner} declares {_brief(value)}" for owner, value in others.items())
        mine = _brief(conflict.owners[name.owner])
        rows.append(
            PreconditionViolation(
                "OWNER_CONFLICT", f"{conflict.setting} {conflict.key}", f"{theirs}; this call declares {mine}"
            )
        )
    first = rows[0]
    return FailedPrecondition(
        f"{first.subject}: {first.description}; agree on one value, or set force to take it over",
        reason="OWNER_CONFLICT",
        metadata={"owners": ",".join(sorted({o for c in conflicts for o in c.owners if o != name.owner}))},
        preconditions=rows,
    )


def _brief(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= 150 else text[:147] + "..."


def check_together(registry: RegistryName, composition: Composition) -> None:
    """Refuse what exceeds AWS's limits over all owners."""
    violations: list[Violation] = []
    for setting, elements in composition.desired.items():
        for found in SETTINGS[setting].lint_composed(elements, registry):
            path = f"registry_settings.settings.{found.field}"
            violations.append(Violation(path, found.description, found.reason))
    if violations:
        raise InvalidArgument(violations)
