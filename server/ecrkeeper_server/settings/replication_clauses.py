"""Reduce a destination's registry policy to its effect on one source.

Facts: "Registry permissions" in the ECR user guide (the principal is the
source account's root); "IAM JSON policy elements reference" in the IAM user guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from enum import IntEnum
from operator import itemgetter
from typing import Any

from msgspec import Struct

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings import arns, globs, statements
from ecrkeeper_server.settings.elements import Elements, Value
from ecrkeeper_server.turns import Steps

CONDITION, PRINCIPAL = "condition", "principal"
# Resources of a step.
_AT_ONCE = 20

_VARIABLE = re.compile(r"\$\{[^}]*\}?")
_UNIQUE_ID = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,124}")
_REPLICATION_ROLE = "AWSServiceRoleForECRReplication"
_SERVICES = frozenset({"*", "ecr.amazonaws.com", "replication.ecr.amazonaws.com"})


class Answer(IntEnum):
    """Whether a statement holds, as far as the policy alone determines it."""

    NO = 0
    UNCERTAIN = 1
    YES = 2


class Clause(Struct, frozen=True):
    """The effect of one statement on one action, for patterns of repository names.

    `variable` are patterns with a policy variable, widened to `*`. An inverted
    clause applies to all other repositories. `doubt` is the reason why the clause
    may not apply at all; empty if it certainly does.
    """

    key: str
    denies: bool
    doubt: str
    inverted: bool
    patterns: tuple[str, ...]
    variable: tuple[str, ...] = ()

    @property
    def reaches(self) -> bool:
        """Whether the clause applies to any repository of the destination."""
        return self.inverted or bool(self.patterns or self.variable)

    def covers(self, matched: Set[str]) -> Answer:
        """Return whether the clause applies to a repository that matches these patterns.

        `matched` are all patterns that the name matches.
        """
        surely = not matched.isdisjoint(self.patterns)
        perhaps = not matched.isdisjoint(self.variable)
        if self.inverted:
            answer = Answer.NO if surely else Answer.UNCERTAIN if perhaps else Answer.YES
        else:
            answer = Answer.YES if surely else Answer.UNCERTAIN if perhaps else Answer.NO
        return min(answer, Answer.UNCERTAIN) if self.doubt else answer


def clauses(
    action: str, source: RegistryName, destination: RegistryName, policy: Elements
) -> Steps[tuple[Clause, ...]]:
    """Return the clauses of a destination's policy on one ECR action for a source.

    A step is one statement.
    """
    result = []
    for key, value in sorted(policy.items(), key=itemgetter(0)):
        yield
        concerned = _concerns(value, source)
        if concerned is not Answer.NO and statements.allows_action(value, action):
            result.append((yield from _clause(key, value, concerned, destination)))
    return tuple(result)


def _clause(key: str, value: Value, concerned: Answer, destination: RegistryName) -> Steps[Clause]:
    arn_prefix = f"arn:{destination.partition}:ecr:{destination.region}:{destination.account}:repository/"
    inverted = "NotResource" in value
    resources = [str(text) for text in value.get("NotResource" if inverted else "Resource", ["*"])]
    doubt = CONDITION if "Condition" in value else PRINCIPAL if concerned is Answer.UNCERTAIN else ""
    return Clause(
        key,
        denies=value.get("Effect") != "Allow",
        doubt=doubt,
        inverted=inverted,
        patterns=(yield from _rests(arn_prefix, (text for text in resources if "${" not in text))),
        variable=(yield from _rests(arn_prefix, (_VARIABLE.sub("*", text) for text in resources if "${" in text))),
    )


def _rests(arn_prefix: str, resources: Iterator[str]) -> Steps[tuple[str, ...]]:
    rests: dict[str, None] = {}
    for at, text in enumerate(resources):
        if at % _AT_ONCE == _AT_ONCE - 1:
            yield
        rests |= dict.fromkeys(globs.rests(text, arn_prefix))
    return tuple(rests)


def _concerns(value: Value, source: RegistryName) -> Answer:
    """Return whether a statement names the principal that ECR replicates as."""
    account = {"*", source.account}
    if "NotPrincipal" in value:
        excepted = _named(value["NotPrincipal"], "AWS")
        if account & excepted:
            return Answer.NO
        return (
            Answer.UNCERTAIN if any(_is_replication_role(principal, source) for principal in excepted) else Answer.YES
        )
    named = _named(value.get("Principal"), "AWS")
    if account & named:
        return Answer.YES
    # AWS documents only the account's root. A grant to one of its roles may work, too. A denial
    # to a role matters only if it is ECR's own role.
    about = _is_of if value.get("Effect") == "Allow" else _is_replication_role
    services = _SERVICES & _named(value.get("Principal"), "Service")
    return Answer.UNCERTAIN if services or any(about(principal, source) for principal in named) else Answer.NO


def _named(principals: Any, kind: str) -> set[str]:
    return {str(principal) for principal in (principals or {}).get(kind, ())}


def _is_of(principal: str, source: RegistryName) -> bool:
    """Return whether a principal belongs to the source's account, or may.

    A unique id does not show its account.
    """
    arn = arns.parse(principal)
    return arn.account == source.account if arn is not None else _UNIQUE_ID.fullmatch(principal) is not None


def _is_replication_role(principal: str, source: RegistryName) -> bool:
    arn = arns.parse(principal)
    return arn is not None and arn.account == source.account and _REPLICATION_ROLE in arn.resource
