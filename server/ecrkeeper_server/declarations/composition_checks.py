"""Checks of all owners' elements together: contradictions and quotas."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from ecrkeeper_server.errors import (
    FailedPrecondition,
    InvalidArgument,
    PreconditionViolation,
    QuotaExceeded,
    QuotaViolation,
    Violation,
)
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.settings.algebra import Composition
from ecrkeeper_server.settings.element_sets import only, union
from ecrkeeper_server.settings.elements import Elements, Keys, keys_of
from ecrkeeper_server.settings.setting import Quota, over_quota
from ecrkeeper_server.settings.table import SETTINGS


class _Problem(Struct, frozen=True):
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
    return {owner: only(desired, union(parts)) for owner, parts in by_owner.items()}


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
