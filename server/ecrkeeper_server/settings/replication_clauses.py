"""The statements of a destination's registry policy, reduced to what they say about replication from one registry.

Facts: "Registry permissions" in the ECR user guide (the principal is the
source account's root); "IAM JSON policy elements reference" in the IAM user guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings import arns, globs, statements
from ecrkeeper_server.settings.elements import Elements, Value

CONDITION, PRINCIPAL = "condition", "principal"

_VARIABLE = re.compile(r"\$\{[^}]*\}?")
_UNIQUE_ID = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,124}")
_REPLICATION_ROLE = "AWSServiceRoleForECRReplication"
_SERVICES = frozenset({"*", "ecr.amazonaws.com", "replication.ecr.amazonaws.com"})


class Answer(IntEnum):
    """Truth of a statement, as far as the policy alone determines it."""

    NO = 0
    UNCERTAIN = 1
    YES = 2


@dataclass(frozen=True, slots=True)
class Clause:
    """One statement's say about one action: the patterns of repository names that it is about.

    `variable` are patterns with a policy variable, widened to `*`. An inverted
    clause is about all other repositories. `doubt` says why the clause is not
    certain to count at all; it is empty if it is.
    """

    key: str
    denies: bool
    doubt: str
    inverted: bool
    patterns: tuple[str, ...]
    variable: tuple[str, ...] = ()

    @property
    def reaches(self) -> bool:
        """Return whether the clause is about any repository of the destination."""
        return self.inverted or bool(self.patterns or self.variable)

    def covers(self, matched: Set[str]) -> Answer:
        """Return whether the clause is about a repository whose name matches exactly these of the patterns."""
        surely = not matched.isdisjoint(self.patterns)
        perhaps = not matched.isdisjoint(self.variable)
        if self.inverted:
            answer = Answer.NO if surely else Answer.UNCERTAIN if perhaps else Answer.YES
        else:
            answer = Answer.YES if surely else Answer.UNCERTAIN if perhaps else Answer.NO
        return min(answer, Answer.UNCERTAIN) if self.doubt else answer


def clauses(action: str, source: RegistryName, destination: RegistryName, policy: Elements) -> tuple[Clause, ...]:
    """Clauses of a destination's policy about one action of ECR for a source."""
    return tuple(
        _clause(key, value, who, destination)
        for key, value in sorted(policy.items())
        if (who := _concerns(value, source)) is not Answer.NO and statements.allows_action(value, action)
    )


def _clause(key: str, value: Value, who: Answer, destination: RegistryName) -> Clause:
    place = f"arn:{destination.partition}:ecr:{destination.region}:{destination.account}:repository/"
    inverted = "NotResource" in value
    resources = [str(text) for text in value.get("NotResource" if inverted else "Resource", ["*"])]
    doubt = CONDITION if "Condition" in value else PRINCIPAL if who is Answer.UNCERTAIN else ""
    return Clause(
        key,
        denies=value.get("Effect") != "Allow",
        doubt=doubt,
        inverted=inverted,
        patterns=_rests(place, (text for text in resources if "${" not in text)),
        variable=_rests(place, (_VARIABLE.sub("*", text) for text in resources if "${" in text)),
    )


def _rests(place: str, resources: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rest for text in resources for rest in globs.rests(text, place)))


def _concerns(value: Value, source: RegistryName) -> Answer:
    """Return whether a statement is about the principal as which ECR replicates from a source."""
    account = {"*", source.account}
    if "NotPrincipal" in value:
        excepted = _named(value["NotPrincipal"], "AWS")
        if account & excepted:
            return Answer.NO
        return Answer.UNCERTAIN if any(_is_replication_role(who, source) for who in excepted) else Answer.YES
    named = _named(value.get("Principal"), "AWS")
    if account & named:
        return Answer.YES
    # AWS documents the account's root only. A grant to one of its roles may work;
    # a denial to one concerns replication only if it is ECR's own role.
    about = _is_of if value.get("Effect") == "Allow" else _is_replication_role
    services = _SERVICES & _named(value.get("Principal"), "Service")
    return Answer.UNCERTAIN if services or any(about(who, source) for who in named) else Answer.NO


def _named(principals: Any, kind: str) -> set[str]:
    return {str(who) for who in (principals or {}).get(kind, ())}


def _is_of(who: str, source: RegistryName) -> bool:
    """Return whether a principal is of the source's account, or may be: a unique id does not say whose it is."""
    arn = arns.parse(who)
    return arn.account == source.account if arn is not None else _UNIQUE_ID.fullmatch(who) is not None


def _is_replication_role(who: str, source: RegistryName) -> bool:
    arn = arns.parse(who)
    return arn is not None and arn.account == source.account and _REPLICATION_ROLE in arn.resource
