"""Checks of all owners' elements together: contradictions and quotas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

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
from ecrkeeper_server.settings.elements import Elements, Keys, grouping
from ecrkeeper_server.settings.setting import Quota, over_quota
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.turns import STEP, Steps

_Excess = tuple[str, Quota]


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


def validating(registry: RegistryName, composition: Composition) -> Steps[bool]:
    """Return whether AWS accepts all owners' elements together, in steps."""
    return not (yield from _contradicting(registry, composition)) and not (yield from _exceeding(composition))


def _judging(registry: RegistryName, composition: Composition) -> Steps[list[_Problem]]:
    """Return the contradictions and exceeded quotas of all owners' elements."""
    contradictions = yield from _contradicting(registry, composition)
    return contradictions + (yield from _explaining(composition, (yield from _exceeding(composition))))


def _contradicting(registry: RegistryName, composition: Composition) -> Steps[list[_Problem]]:
    problems: list[_Problem] = []
    for setting, elements in composition.desired.items():
        yield
        problems += [
            _Problem(setting, contradiction.description, contradiction.keys)
            for contradiction in SETTINGS[setting].contradictions(elements, registry)
        ]
    return problems


def _exceeding(composition: Composition) -> Steps[list[_Excess]]:
    """Return the exceeded quotas with their settings."""
    exceeded: list[_Excess] = []
    for setting, elements in composition.desired.items():
        yield
        quotas = yield from SETTINGS[setting].measuring(elements)
        exceeded += [(setting, quota) for quota in quotas if quota.used > quota.limit]
    return exceeded


def _explaining(composition: Composition, exceeded: Iterable[_Excess]) -> Steps[list[_Problem]]:
    problems = []
    for setting, excess in exceeded:
        usage = yield from _usage(setting, excess, composition)
        description = over_quota(excess.quota, usage, excess.limit)
        problems.append(_Problem(setting, description, (), excess.quota, excess.used))
    return problems


def _usage(setting: str, exceeded: Quota, composition: Composition) -> Steps[str]:
    """Return the text that names each owner's use of a quota."""
    shown = []
    for owner, elements in sorted((yield from _dividing(setting, composition)).items()):
        yield
        quotas = yield from SETTINGS[setting].measuring(elements)
        shown += [f"{owner} {each.used}" for each in quotas if each.quota == exceeded.quota and each.used]
    return f"{exceeded.used} over all owners ({', '.join(shown)})"


def _dividing(setting: str, composition: Composition) -> Steps[dict[str, Elements]]:
    """Return the elements of each owner."""
    desired, by_owner = composition.desired.get(setting, {}), dict[str, list[Keys]]()
    groups = yield from grouping(composition.owners.get(setting, {}))
    for at, (keys, (owners,)) in enumerate(groups):
        if at % STEP == STEP - 1:
            yield
        for owner in owners or ():
            by_owner.setdefault(owner, []).append(keys)
    divided = {}
    for owner, parts in by_owner.items():
        yield
        divided[owner] = only(desired, union(parts))
    return divided


def checking_own(name: SettingsName, composition: Composition) -> Steps[None]:
    """Reject the caller's elements if they contradict each other."""
    wrong = [
        Violation(f"registry_settings.settings.{problem.setting}", problem.description)
        for problem in (yield from _contradicting(name.registry, composition))
        if _owners(problem, composition) == {name.owner}
    ]
    if wrong:
        exceeded = yield from _exceeding(composition)
        raise InvalidArgument(wrong, _quota_violations((yield from _explaining(composition, exceeded))))


def checking_together(
    name: SettingsName, composition: Composition, before: Callable[[], Steps[Composition]]
) -> Steps[None]:
    """Reject elements that contradict other owners' elements or exceed quotas.

    A quota that was exceeded `before` does not block a declaration that does not
    increase its use.
    """
    quotas = _quota_violations((yield from _newly_exceeding(composition, before)))
    problems = yield from _contradicting(name.registry, composition)
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


def _newly_exceeding(composition: Composition, before: Callable[[], Steps[Composition]]) -> Steps[list[_Problem]]:
    exceeded = yield from _exceeding(composition)
    if not exceeded:
        return []
    exceeded_before = yield from _exceeding((yield from before()))
    used = {(setting, excess.quota): excess.used for setting, excess in exceeded_before}
    more = [(setting, excess) for setting, excess in exceeded if excess.used > used.get((setting, excess.quota), 0)]
    return (yield from _explaining(composition, more))


def _quota_violations(problems: Sequence[_Problem]) -> list[QuotaViolation]:
    return [
        QuotaViolation(f"registry_settings.settings.{problem.setting}", problem.description) for problem in problems
    ]


def _owners(problem: _Problem, composition: Composition) -> set[str]:
    """Return the owners of the elements of a problem."""
    return {owner for key in problem.keys for owner in composition.owners_of(problem.setting, key)}


def checking_remaining(name: SettingsName, before: Composition, remaining: Composition) -> Steps[None]:
    """Reject a deletion that makes the other owners' elements invalid.

    The error names the owners who need the declaration. Problems that exist before
    the deletion do not block it: the deletion may solve them.
    """
    known = {problem.kind for problem in (yield from _judging(name.registry, before))}
    caused = [problem for problem in (yield from _judging(name.registry, remaining)) if problem.kind not in known]
    if not caused:
        return
    needing = []
    for problem in caused:
        # All owners of the setting share its quota.
        needing.append(sorted(_owners(problem, remaining) or (yield from _dividing(problem.setting, remaining))))
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
