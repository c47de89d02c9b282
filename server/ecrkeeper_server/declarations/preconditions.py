"""Preconditions of a declaration: checks of all owners' elements together."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
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
from ecrkeeper_server.settings.codec import settings_from_aws
from ecrkeeper_server.settings.element_sets import brief, only, union
from ecrkeeper_server.settings.elements import Elements, Keys, keys_of
from ecrkeeper_server.settings.setting import Quota, over_quota
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.rows import Declaration
from ecrkeeper_server.store.tables import json_text
from ecrkeeper_server.store.unit_of_work import Manager

MAX_DECLARATION_BYTES = 2**20
MAX_REGISTRY_BYTES = 16 * 2**20
"""The limit on the JSON of all declarations of a registry, which every attempt and most calls read."""
FEW_OWNERS = 4
"""The number of declarations that cannot exceed this limit together."""


def presence_error(name: SettingsName, present: Declaration | None) -> StatusError:
    """Return the error of a call that creates what exists, or changes what does not."""
    if present is None:
        return NotFound("RegistrySettings", str(name), "create it, or set allow_missing")
    return AlreadyExists(
        f"{name} exists; update it instead", reason="ALREADY_EXISTS", resource=("RegistrySettings", str(name))
    )


def check_manager(present: Declaration | None, manager: Manager | None) -> None:
    """Reject a change of a set's declaration by anyone but the set.

    A set's change of a declaration that it did not make is rejected, too.
    """
    if present is None:
        return
    owning = present.managed_by or ""
    if owning == (manager.name if manager is not None else ""):
        return
    if owning:
        raise FailedPrecondition(
            f"{present.name} is declared by {owning}, and only the set changes it; change the set, or exclude the"
            " registry from it",
            reason="MANAGED_BY_SET",
            metadata={"registry_set": owning},
        )
    raise FailedPrecondition(
        f"{present.name} was declared by a call and not by {manager.name if manager else ''}; delete it with"
        " `deletion_policy: ABANDON` first, or give the set another id",
        reason="DECLARED_BY_CALL",
    )


def check_size(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Reject settings that exceed the size limit of a declaration.

    A stored declaration that exceeds it may shrink.
    """
    size = _size(after)
    if size > MAX_DECLARATION_BYTES and (before is None or size > _size(before)):
        text = (
            f"must be at most {MAX_DECLARATION_BYTES:,} bytes as a message, got {size:,} bytes;"
            " declare less, or split the settings over several owners"
        )
        raise InvalidArgument([Violation("registry_settings.settings", text)], reason="DECLARATION_TOO_LARGE")


def check_registry_size(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]) -> None:
    """Reject settings that exceed the limit of all declarations of a registry, by owner.

    Declarations that exceed it may shrink.
    """
    size = _json_size(after)
    if size > MAX_REGISTRY_BYTES and size > _json_size(before):
        text = (
            f"all declarations of a registry must have at most {MAX_REGISTRY_BYTES:,} bytes as JSON, and with this one"
            f" they have {size:,}; declare less, or elements that other owners declare only once"
        )
        raise QuotaExceeded([QuotaViolation("registry_settings.settings", text)])


def _json_size(settings: Mapping[str, Mapping[str, Any]]) -> int:
    return sum(len(json_text(each) or "") for each in settings.values())


def _size(settings: Mapping[str, Any]) -> int:
    return settings_from_aws(settings).ByteSize()


def conflict_of(name: SettingsName, conflicts: tuple[Conflict, ...], remedy: str) -> FailedPrecondition:
    """Return the error that names each element with another value of another owner."""
    rows = []
    for conflict in conflicts:
        others = {owner: value for owner, value in conflict.owners.items() if owner != name.owner}
        others_values = "; ".join(f"{owner} declares {_brief(value)}" for owner, value in others.items())
        own = _brief(conflict.owners[name.owner])
        rows.append(
            PreconditionViolation(
                "OWNER_CONFLICT",
                f"{conflict.setting} {brief(conflict.keys)}",
                f"{others_values}; this call declares {own}",
            )
        )
    first = rows[0]
    return FailedPrecondition(
        f"{first.subject}: {first.description}; agree on one value, or {remedy}",
        reason="OWNER_CONFLICT",
        metadata={"owners": ",".join(sorted({o for c in conflicts for o in c.owners if o != name.owner}))},
        preconditions=rows,
    )


def _brief(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= 150 else text[:147] + "..."


@dataclass(frozen=True, slots=True)
class _Problem:
    """A contradiction or an exceeded quota among all owners' elements of a setting."""

    setting: str
    description: str
    keys: tuple[str, ...] = ()
    quota: str = ""
    used: int = 0

    @property
    def kind(self) -> tuple[str, str]:
        """The identity of a problem: a quota is one problem however far it is exceeded."""
        return self.setting, self.quota or self.description


def _together(registry: RegistryName, composition: Composition) -> list[_Problem]:
    """Return the contradictions and exceeded quotas of all owners' elements."""
    return _contradictions(registry, composition) + _quotas(composition)


def _contradictions(registry: RegistryName, composition: Composition) -> list[_Problem]:
    return [
        _Problem(setting, contradiction.description, contradiction.keys)
        for setting, elements in composition.desired.items()
        for contradiction in SETTINGS[setting].contradictions(elements, registry)
    ]


def _quotas(composition: Composition) -> list[_Problem]:
    return [
        _Problem(
            setting,
            over_quota(excess.quota, _usage(setting, excess, composition), excess.limit),
            (),
            excess.quota,
            excess.used,
        )
        for setting, elements in composition.desired.items()
        for excess in SETTINGS[setting].exceeded(elements)
    ]


def _usage(setting: str, exceeded: Quota, composition: Composition) -> str:
    """Return the text that names each owner's use of a quota."""
    shown = ", ".join(
        f"{owner} {each.used}"
        for owner, elements in sorted(_by_owner(setting, composition).items())
        for each in SETTINGS[setting].quota(elements)
        if each.quota == exceeded.quota and each.used
    )
    return f"{exceeded.used} over all owners ({shown})"


def _by_owner(setting: str, composition: Composition) -> dict[str, Elements]:
    desired, by_owner = composition.desired.get(setting, {}), dict[str, list[Keys]]()
    for keys, owners in composition.by_owners(setting, keys_of(desired)):
        for owner in owners:
            by_owner.setdefault(owner, []).append(keys)
    return {owner: only(desired, union(found)) for owner, found in by_owner.items()}


def check_own(name: SettingsName, composition: Composition) -> None:
    """Reject the caller's elements if they contradict each other."""
    wrong = [
        Violation(f"registry_settings.settings.{problem.setting}", problem.description)
        for problem in _contradictions(name.registry, composition)
        if _owners(problem, composition) == {name.owner}
    ]
    if wrong:
        raise InvalidArgument(wrong, _quota_violations(_quotas(composition)))


def check_together(name: SettingsName, composition: Composition, before: Callable[[], Composition]) -> None:
    """Reject elements that contradict other owners' elements or exceed quotas.

    A quota that was exceeded `before` does not block a declaration that does not
    increase its use.
    """
    quotas = _quota_violations(_newly_exceeded(composition, before))
    problems = _contradictions(name.registry, composition)
    if problems:
        others = [sorted(_owners(problem, composition) - {name.owner}) for problem in problems]
        rows = [
            PreconditionViolation("OWNER_CONFLICT", problem.setting, f"{', '.join(owners)}: {problem.description}")
            for problem, owners in zip(problems, others, strict=True)
        ]
        raise FailedPrecondition(
            f"{rows[0].subject}: it contradicts what other owners declare: {rows[0].description};"
            " change this declaration, or ask them to change theirs",
            reason="OWNER_CONFLICT",
            metadata={"owners": ",".join(sorted({owner for some in others for owner in some}))},
            preconditions=rows,
            quotas=quotas,
        )
    if quotas:
        raise QuotaExceeded(quotas)


def _newly_exceeded(composition: Composition, before: Callable[[], Composition]) -> list[_Problem]:
    exceeded = _quotas(composition)
    if not exceeded:
        return []
    used = {
        (setting, excess.quota): excess.used
        for setting, elements in before().desired.items()
        for excess in SETTINGS[setting].exceeded(elements)
    }
    return [problem for problem in exceeded if problem.used > used.get((problem.setting, problem.quota), 0)]


def _quota_violations(problems: Sequence[_Problem]) -> list[QuotaViolation]:
    return [
        QuotaViolation(f"registry_settings.settings.{problem.setting}", problem.description) for problem in problems
    ]


def _owners(problem: _Problem, composition: Composition) -> set[str]:
    """Return the owners of the elements of a problem."""
    return {owner for key in problem.keys for owner in composition.owners_of(problem.setting, key)}


def check_remaining(name: SettingsName, before: Composition, remaining: Composition) -> None:
    """Reject a deletion that makes the other owners' elements invalid.

    The error names the owners who need the declaration. Problems that exist before
    the deletion do not block it: the deletion may solve them.
    """
    known = {problem.kind for problem in _together(name.registry, before)}
    caused = [problem for problem in _together(name.registry, remaining) if problem.kind not in known]
    if not caused:
        return
    # All owners of the setting share its quota.
    needing = [sorted(_owners(problem, remaining) or _by_owner(problem.setting, remaining)) for problem in caused]
    rows = [
        PreconditionViolation("STILL_NEEDED", problem.setting, f"{', '.join(owners)}: {problem.description}")
        for problem, owners in zip(caused, needing, strict=True)
    ]
    owners = ",".join(sorted({owner for some in needing for owner in some}))
    raise FailedPrecondition(
        f"{rows[0].subject}: without {name}, the other owners' declarations are invalid: {rows[0].description};"
        " change or delete their declarations first",
        reason="STILL_NEEDED",
        metadata={"owners": owners},
        preconditions=rows,
    )
