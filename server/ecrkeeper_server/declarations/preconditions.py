"""Why a declaration is refused, beyond what its settings say by themselves."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ecrkeeper_server.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PreconditionViolation,
    QuotaExceeded,
    QuotaViolation,
    StatusError,
    Violation,
)
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.settings.algebra import Composition, Conflict
from ecrkeeper_server.settings.setting import Quota, over_quota
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.rows import Declaration


def presence_error(name: SettingsName, present: Declaration | None) -> StatusError:
    """Return the error of a call that creates what exists, or changes what does not."""
    if present is None:
        return NotFound("RegistrySettings", str(name), "create it, or set allow_missing")
    return AlreadyExists(
        f"{name} exists; update it instead", reason="ALREADY_EXISTS", resource=("RegistrySettings", str(name))
    )


def conflict_of(name: SettingsName, conflicts: tuple[Conflict, ...], way_out: str) -> FailedPrecondition:
    """Return the refusal of elements that other owners declare with other values; it names each of them."""
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


@dataclass(frozen=True, slots=True)
class _Fault:
    """What AWS would not take of all owners' elements of a setting: elements that contradict, or a quota."""

    setting: str
    description: str
    keys: tuple[str, ...] = ()
    quota: str = ""
    used: int = 0

    @property
    def kind(self) -> tuple[str, str]:
        """What makes two faults the same: a quota is the same, however far it is exceeded."""
        return self.setting, self.quota or self.description


def _together(registry: RegistryName, composition: Composition) -> list[_Fault]:
    """What AWS would not take of what all owners declare together."""
    return _contradictions(registry, composition) + _quotas(composition)


def _contradictions(registry: RegistryName, composition: Composition) -> list[_Fault]:
    return [
        _Fault(setting, found.description, found.keys)
        for setting, elements in composition.desired.items()
        for found in SETTINGS[setting].contradictions(elements, registry)
    ]


def _quotas(composition: Composition) -> list[_Fault]:
    return [
        _Fault(
            setting,
            over_quota(found.quota, _usage(setting, found, composition), found.limit),
            (),
            found.quota,
            found.used,
        )
        for setting, elements in composition.desired.items()
        for found in SETTINGS[setting].exceeded(elements)
    ]


def _usage(setting: str, exceeded: Quota, composition: Composition) -> str:
    """How much of a quota is used, and by whom."""
    shown = ", ".join(
        f"{owner} {each.used}"
        for owner, elements in sorted(_by_owner(setting, composition).items())
        for each in SETTINGS[setting].quota(elements)
        if each.quota == exceeded.quota and each.used
    )
    return f"{exceeded.used} over all owners ({shown})"


def _by_owner(setting: str, composition: Composition) -> dict[str, dict[str, Any]]:
    elements: dict[str, dict[str, Any]] = {}
    for (of, key), owners in composition.owners.items():
        for owner in owners if of == setting else ():
            elements.setdefault(owner, {})[key] = composition.desired[setting][key]
    return elements


def check_own(name: SettingsName, composition: Composition) -> None:
    """Refuse elements of the caller that contradict each other whatever the others declare."""
    wrong = [
        Violation(f"registry_settings.settings.{fault.setting}", fault.description)
        for fault in _contradictions(name.registry, composition)
        if _owners(fault, composition) == {name.owner}
    ]
    if wrong:
        raise InvalidArgument(wrong, _quota_violations(_quotas(composition)))


def check_together(name: SettingsName, composition: Composition, before: Callable[[], Composition]) -> None:
    """Refuse what contradicts the other owners' elements, and what exceeds AWS's quotas over all owners.

    A quota that was exceeded `before` is no objection to a declaration that does not use more of it.
    """
    quotas = _quota_violations(_newly_exceeded(composition, before))
    faults = _contradictions(name.registry, composition)
    if faults:
        others = [sorted(_owners(fault, composition) - {name.owner}) for fault in faults]
        rows = [
            PreconditionViolation("OWNER_CONFLICT", fault.setting, f"{', '.join(owners)}: {fault.description}")
            for fault, owners in zip(faults, others, strict=True)
        ]
        raise FailedPrecondition(
            f"{rows[0].subject}: it contradicts what other owners declare: {rows[0].description};"
            " declare something else, or have them change theirs",
            reason="OWNER_CONFLICT",
            metadata={"owners": ",".join(sorted({owner for some in others for owner in some}))},
            preconditions=rows,
            quotas=quotas,
        )
    if quotas:
        raise QuotaExceeded(quotas)


def _newly_exceeded(composition: Composition, before: Callable[[], Composition]) -> list[_Fault]:
    exceeded = _quotas(composition)
    if not exceeded:
        return []
    used = {
        (setting, found.quota): found.used
        for setting, elements in before().desired.items()
        for found in SETTINGS[setting].exceeded(elements)
    }
    return [fault for fault in exceeded if fault.used > used.get((fault.setting, fault.quota), 0)]


def _quota_violations(faults: Sequence[_Fault]) -> list[QuotaViolation]:
    return [QuotaViolation(f"registry_settings.settings.{fault.setting}", fault.description) for fault in faults]


def _owners(fault: _Fault, composition: Composition) -> set[str]:
    """Who declares the elements that are at fault."""
    return {owner for key in fault.keys for owner in composition.owners.get((fault.setting, key), ())}


def check_left(name: SettingsName, before: Composition, left: Composition) -> None:
    """Refuse a deletion that leaves the other owners with what AWS would not take; names those who need it.

    What was at fault before may stay so: deleting is a way out of it.
    """
    known = {fault.kind for fault in _together(name.registry, before)}
    caused = [fault for fault in _together(name.registry, left) if fault.kind not in known]
    if not caused:
        return
    # Of a quota, all who declare the setting have their part.
    needing = [sorted(_owners(fault, left) or _by_owner(fault.setting, left)) for fault in caused]
    rows = [
        PreconditionViolation("STILL_NEEDED", fault.setting, f"{', '.join(owners)}: {fault.description}")
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
