"""Determine which replicated repositories a destination accepts; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from enum import StrEnum

from cachetools import LRUCache
from msgspec import Struct

from ecrkeeper_server.settings import globs
from ecrkeeper_server.settings.clause_decisions import Cause, decide
from ecrkeeper_server.settings.prefixes import ROOT
from ecrkeeper_server.settings.replication_clauses import Answer, Clause
from ecrkeeper_server.settings.repository_sets import Budget, Patterns
from ecrkeeper_server.turns import Steps

REPLICATE, CREATE = "ecr:ReplicateImage", "ecr:CreateRepository"

# Bounds one survey to about 30 ms.
_WORK = 20_000
# Of all patterns together.
_CHARACTERS = 20_480
# Surveys of more filters are large. A few of them are cached, because a registry mostly replicates the same filters
# to destinations with the same policy.
_FEW_FILTERS, _CACHED, _CACHED_LARGE = 100, 512, 8
# Filters of a step.
_AT_ONCE = 50
# Patterns of a step; a name has up to 256 characters, and each is compared.
_FEW_PATTERNS = 10


class Outcome(StrEnum):
    """Outcome for the images of a repository at a destination."""

    ARRIVES = "ARRIVES"
    ARRIVES_IF_REPOSITORY_EXISTS = "ARRIVES_IF_REPOSITORY_EXISTS"
    DOES_NOT_ARRIVE = "DOES_NOT_ARRIVE"
    UNKNOWN = "UNKNOWN"


class Access(Struct, frozen=True):
    """The policy and the templates of a destination.

    `templates` are its replication templates, the most specific first, each with
    whether ECR can create a repository from it.
    """

    replicate: tuple[Clause, ...]
    create: tuple[Clause, ...]
    templates: tuple[tuple[str, bool], ...] = ()

    def patterns(self) -> tuple[str, ...]:
        """Return all patterns that the outcome depends on."""
        both = (*self.replicate, *self.create)
        named = [pattern for clause in both for pattern in (*clause.patterns, *clause.variable)]
        return tuple(dict.fromkeys([*named, *(_under(prefix) for prefix, _ in self.templates)]))


class Verdict(Struct, frozen=True):
    """Outcome for a repository, with its reasons."""

    outcome: Outcome
    causes: tuple[Cause, ...]


class Arrival(Struct, frozen=True):
    """One outcome, the filters that have it, and an example repository.

    All repositories of the filters in `whole` have the outcome, and some of those
    in `partial`.
    """

    outcome: Outcome
    whole: tuple[str, ...]
    partial: tuple[str, ...]
    example: str


class Survey(Struct, frozen=True):
    """All outcomes that occur, and each cause with an affected repository."""

    arrivals: tuple[Arrival, ...]
    causes: Mapping[Cause, str]


EVERYTHING = Clause("", denies=False, doubt="", inverted=True, patterns=())
"""The access to all repositories that an account has in its own registries."""


def relevant_templates(usable: Mapping[str, bool]) -> tuple[tuple[str, bool], ...]:
    """Return the templates that can prevent a creation, and their alternatives."""
    broken = [prefix for prefix, works in usable.items() if not works]
    chosen = [prefix for prefix in usable if any(p in (prefix, ROOT) or prefix.startswith(f"{p}/") for p in broken)]
    return tuple((prefix, usable[prefix]) for prefix in sorted(chosen, key=lambda p: (p == ROOT, -len(p), p)))


def judge(repository: str, access: Access) -> Steps[Verdict]:
    """Return the outcome for the images of one repository, in steps."""
    matched = set()
    for at, pattern in enumerate(access.patterns()):
        if at % _FEW_PATTERNS == 0:
            yield
        if globs.matches(pattern, repository, single=True):
            matched.add(pattern)
    yield
    return _verdict(matched, access)


def surveying(filters: Iterable[str], access: Access) -> Steps[Survey]:
    """Return the outcomes for repositories under the filters, in steps.

    An empty filter matches every repository.
    """
    outermost = _outermost(set(filters))
    yield
    cache = _few if len(outermost) <= _FEW_FILTERS else _large
    survey = cache.get((outermost, access))
    if survey is None:
        survey = cache[outermost, access] = yield from _surveyed(outermost, access)
    return survey


def _outermost(filters: Collection[str]) -> tuple[str, ...]:
    """Return the filters that no other filter includes, in order."""
    outermost: list[str] = []
    for text in sorted(filters):
        # In this order, a filter directly follows the filters that include it.
        if not outermost or not text.startswith(outermost[-1]):
            outermost.append(text)
    return tuple(outermost)


_Cache = LRUCache[tuple[tuple[str, ...], Access], Survey]
_few: _Cache = LRUCache(_CACHED)
_large: _Cache = LRUCache(_CACHED_LARGE)


def _surveyed(filters: tuple[str, ...], access: Access) -> Steps[Survey]:
    texts, budget = access.patterns(), Budget(_WORK)
    if sum(map(len, texts)) > _CHARACTERS:
        # AWS accepts policies of half the length.
        arrival = Arrival(Outcome.UNKNOWN, filters, (), "")
        return Survey((arrival,), {Cause(reason="DESTINATION_POLICY_TOO_COMPLEX", action=""): filters[0]})
    patterns = Patterns(texts)
    yield
    verdicts: dict[frozenset[str], Verdict] = {}
    whole: dict[Outcome, list[str]] = {outcome: [] for outcome in Outcome}
    partial: dict[Outcome, list[str]] = {outcome: [] for outcome in Outcome}
    examples: dict[Outcome, str] = {}
    causes: dict[Cause, str] = {}
    for at, text in enumerate(filters):
        if at % _AT_ONCE == _AT_ONCE - 1:
            yield
        sets = yield from patterns.finding_sets(text, budget)
        if sets is None:
            whole[Outcome.UNKNOWN].append(text)
            causes.setdefault(Cause(reason="DESTINATION_POLICY_TOO_COMPLEX", action=""), text)
            continue
        outcomes: dict[Outcome, str] = {}
        for matched, name in sets.items():
            if matched not in verdicts:
                yield
                verdicts[matched] = _verdict(matched, access)
            verdict = verdicts[matched]
            outcomes.setdefault(verdict.outcome, name)
            for cause in verdict.causes:
                causes.setdefault(cause, name)
        for outcome, name in outcomes.items():
            (whole if len(outcomes) == 1 else partial)[outcome].append(text)
            examples.setdefault(outcome, name)
    arrivals = tuple(
        Arrival(outcome, tuple(whole[outcome]), tuple(partial[outcome]), examples.get(outcome, ""))
        for outcome in Outcome
        if whole[outcome] or partial[outcome]
    )
    return Survey(arrivals, causes)


def _under(prefix: str) -> str:
    return "*" if prefix == ROOT else f"{prefix}/*"


def _verdict(matched: Set[str], access: Access) -> Verdict:
    """Return the outcome for repositories whose names match exactly these patterns."""
    replicate, causes = decide(REPLICATE, access.replicate, matched)
    create, more = decide(CREATE, access.create, matched)
    template = next((prefix for prefix, _ in access.templates if _under(prefix) in matched), None)
    if template is not None and not dict(access.templates)[template]:
        create, more = Answer.NO, [*more, Cause(reason="DESTINATION_TEMPLATE_UNUSABLE", action=CREATE, key=template)]
    if replicate is Answer.YES:
        by_creation = {
            Answer.YES: Outcome.ARRIVES,
            Answer.NO: Outcome.ARRIVES_IF_REPOSITORY_EXISTS,
            Answer.UNCERTAIN: Outcome.UNKNOWN,
        }
        outcome = by_creation[create]
    else:
        outcome = Outcome.DOES_NOT_ARRIVE if replicate is Answer.NO else Outcome.UNKNOWN
    return Verdict(outcome, (*causes, *more))
