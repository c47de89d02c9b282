"""Conditions and delays; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary, is_terminal
from ecrkeeper_server.store.state_parts import Condition

_FIRST_DELAY = 1.0
_LONGEST_DELAY = 300.0
# Without these nothing is signed for the account.
_OF_ACCOUNT = ("AssumeRole", "GetCallerIdentity")


@dataclass(frozen=True, slots=True)
class Status:
    """How a resource stands at the end of an attempt.

    `error` is the one to show. Where that one lasts, `retry` is one of those beside it that is tried again sooner.
    """

    synced: bool
    error: AwsError | None = None
    degraded: str = ""
    reason: str = ""
    message: str = ""
    retry: Temporary | None = None
    degraded_reason: str = "UNKNOWN_MEMBERS"

    @property
    def retryable(self) -> Temporary | None:
        """What is to be tried again before the next resync."""
        return self.retry or (self.error if isinstance(self.error, Temporary) else None)

    @property
    def blocked(self) -> bool:
        """Whether the error to show is one that waiting does not resolve."""
        return self.error is not None and is_terminal(self.error)

    @property
    def terminal(self) -> bool:
        """Whether trying again soon would change nothing: neither the error to show nor another one will pass."""
        return self.blocked and (self.retry is None or is_terminal(self.retry))

    @property
    def ready(self) -> bool:
        """Whether AWS is as desired, and nothing is in the way of keeping it so."""
        return self.synced and self.error is None and not self.degraded

    @property
    def why(self) -> str:
        """Why it is ready or is not, as one word."""
        if self.error is not None:
            return self.error.reason
        return self.degraded_reason if self.degraded else self.reason or ("IN_SYNC" if self.ready else "OUT_OF_SYNC")

    @property
    def text(self) -> str:
        """The same for people."""
        if self.error is not None:
            return self.error.message
        return self.degraded or self.message or ("" if self.ready else "AWS does not match what is desired")


PAUSED = Status(False, reason="PAUSED", message="the mode is PAUSED: AWS is neither read nor written")


def conditions(before: Sequence[Condition], status: Status, now: int) -> list[Condition]:
    """`Ready`, `Synced`, `Blocked` and `Degraded`, with the time of each one's last transition."""
    why, text = status.why, status.text
    rows = {
        "Ready": (status.ready, why, text),
        "Synced": (status.synced, "IN_SYNC" if status.synced else why, "" if status.synced else text),
        "Blocked": (status.blocked, *((why, text) if status.blocked else ("NOT_BLOCKED", ""))),
        "Degraded": (
            bool(status.degraded),
            status.degraded_reason if status.degraded else "NOT_DEGRADED",
            status.degraded,
        ),
    }
    old = {each.type: each for each in before}
    result = []
    for kind, (holds, reason, message) in rows.items():
        holding = "TRUE" if holds else "FALSE"
        since = old[kind].since if kind in old and old[kind].status == holding else now
        result.append(Condition(kind, holding, reason, message, since))
    return result


def backoff(failures: int, jitter: float) -> float:
    """Seconds to wait after so many failures in a row; `jitter` is from 0 to 1."""
    longest = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(failures - 1, 16))
    return longest * (0.5 + jitter / 2)


def delay_after(status: Status, failures: int, resync: float, jitter: float) -> float:
    """Seconds until the next attempt after an error.

    What is blocked for good is still looked at with every resync: whoever
    unblocks it in AWS does not tell us.
    """
    retryable = status.retryable
    return resync if retryable is None else max(backoff(failures, jitter), retryable.after or 0.0)


def is_of_account(status: Status) -> bool:
    """Whether every Region of the account would meet the same fault: nobody gets in at all."""
    error = status.retryable
    return error is not None and (error.operation in _OF_ACCOUNT or error.reason == "AWS_NO_CREDENTIALS")


def worst_first(errors: Sequence[AwsError]) -> list[AwsError]:
    """The errors in the order in which they matter: refused for good, waiting for somebody, retryable."""
    return sorted(errors, key=lambda error: (not isinstance(error, Permanent), not is_terminal(error)))


def soonest(errors: Sequence[AwsError]) -> Temporary | None:
    """The error that is tried again first: one that passes by itself, or else one that somebody may resolve."""
    retried = [error for error in errors if isinstance(error, Temporary)]
    return min(retried, key=is_terminal, default=None)
