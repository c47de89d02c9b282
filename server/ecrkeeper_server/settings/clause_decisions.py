"""Decisions of the clauses of a policy about an action, with their causes."""

from __future__ import annotations

from collections.abc import Set

from msgspec import Struct

from ecrkeeper_server.settings.replication_clauses import PRINCIPAL, Answer, Clause


class Cause(Struct, frozen=True, order=True):
    """Reason why images may not arrive.

    `action` is the ECR action concerned; `key` is the key of the statement or
    template that decides.
    """

    reason: str
    action: str
    key: str = ""


def decide(action: str, clauses: tuple[Clause, ...], matched: Set[str]) -> tuple[Answer, list[Cause]]:
    """Return whether the clauses allow an action, with the causes if they may not.

    An action is denied if a statement denies it or no statement allows it.
    """
    answers = [(clause, clause.covers(matched)) for clause in clauses]
    denied = _strongest([(clause, answer) for clause, answer in answers if clause.denies])
    allowed = _strongest([(clause, answer) for clause, answer in answers if not clause.denies])
    if denied is not None and denied[1] is Answer.YES:
        return Answer.NO, [Cause(reason="DESTINATION_POLICY_DENIES", action=action, key=denied[0].key)]
    if allowed is None:
        return Answer.NO, [_nothing_allows(action, clauses)]
    uncertain = [clause for clause, answer in filter(None, (allowed, denied)) if answer is Answer.UNCERTAIN]
    return (Answer.UNCERTAIN if uncertain else Answer.YES), [_doubt(action, clause) for clause in uncertain]


def _strongest(answers: list[tuple[Clause, Answer]]) -> tuple[Clause, Answer] | None:
    return max((one for one in answers if one[1] is not Answer.NO), key=lambda one: one[1], default=None)


def _doubt(action: str, clause: Clause) -> Cause:
    if clause.doubt == PRINCIPAL:
        return Cause(reason="DESTINATION_POLICY_PRINCIPAL_UNCERTAIN", action=action, key=clause.key)
    return Cause(reason="DESTINATION_POLICY_CONDITIONAL", action=action, key=clause.key)


def _nothing_allows(action: str, clauses: tuple[Clause, ...]) -> Cause:
    allowing = [clause for clause in clauses if not clause.denies]
    reaching = [clause for clause in allowing if clause.reaches]
    if reaching:
        return Cause(reason="DESTINATION_POLICY_OTHER_REPOSITORIES", action=action, key=reaching[0].key)
    if allowing:
        return Cause(reason="DESTINATION_POLICY_WRONG_RESOURCE", action=action, key=allowing[0].key)
    return Cause(reason="DESTINATION_POLICY_NOT_ALLOWED", action=action)
