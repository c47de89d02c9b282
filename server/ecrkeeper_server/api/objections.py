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


def conflict_of(name: SettingsName, conflicts: tuple[Conflict, ...], way_out: str) -> FailedPrecondition:
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
        f"{first.subject}: {first.description}; agree on one value, or {way_out}",
        reason="OWNER_CONFLICT",
        metadata={"owners": ",".join(sorted({o for c in conflicts for o in c.owners if o != name.owner}))},
        preconditions=rows,
    )


def _brief(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= 150 else text[:147] + "..."


def check_together(registry: RegistryName, composition: Composition) -> None:
    """Refuse what exceeds AWS's limits over all owners."""
    violations = _faults(registry, composition)
    if violations:
        raise InvalidArgument(
            [Violation(f"registry_settings.settings.{v.field}", v.description, v.reason) for v in violations]
        )


def check_left(name: SettingsName, before: Composition, left: Composition) -> None:
    """Refuse a deletion that leaves the other owners with what AWS would not take; names those who need it.

    What was at fault before may stay so: deleting is a way out of it.
    """
    known = set(map(_kind, _faults(name.registry, before)))
    caused = [fault for fault in _faults(name.registry, left) if _kind(fault) not in known]
    if not caused:
        return
    needing = [_needing(name.registry, left, fault) for fault in caused]
    rows = [
        PreconditionViolation("STILL_NEEDED", fault.field, f"{', '.join(owners)}: {fault.description}")
        for fault, owners in zip(caused, needing, strict=True)
    ]
    owners = ",".join(sorted({owner for some in needing for owner in some}))
    raise FailedPrecondition(
        f"{rows[0].subject}: without {name}, what other owners declare does not hold: {rows[0].description};"
        " change or delete their declarations first",
        reason="STILL_NEEDED",
        metadata={"owners": owners},
        preconditions=rows,
    )


def _faults(registry: RegistryName, composition: Composition) -> list[Violation]:
    return [
        found
        for setting, elements in composition.desired.items()
        for found in SETTINGS[setting].lint_composed(elements, registry)
    ]


def _kind(fault: Violation) -> tuple[str, str]:
    # The same quota is the same fault, however far it is exceeded.
    return fault.field, fault.description.partition(":")[0] if fault.reason == "QUOTA_EXCEEDED" else fault.description


def _needing(registry: RegistryName, left: Composition, fault: Violation) -> list[str]:
    """Who declares what is at fault: those whose own elements show it, or else all who declare the setting."""
    setting = fault.field.partition(".")[0]
    mine: dict[str, dict[str, Any]] = {}
    for (of, key), owners in left.owners.items():
        for owner in owners if of == setting else ():
            mine.setdefault(owner, {})[key] = left.desired[setting][key]
    alone = [o for o, elements in mine.items() if fault in SETTINGS[setting].lint_composed(elements, registry)]
    return sorted(alone or mine)
