"""Derive conditions and delays; pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary, is_terminal
from ecrkeeper_server.store.state_parts import Condition
from ecrkeeper_server.store.text_limits import cut

_FIRST_DELAY = 1.0
_MAX_DELAY = 300.0
# No request can be signed for the account without these.
_OF_ACCOUNT = ("AssumeRole", "GetCallerIdentity")


class Status(Struct, frozen=True):
    """The status of a resource at the end of an attempt.

    `error` is the one to show. If it is terminal, `retry` is an error beside it
    that is retried sooner.
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
        """The error to retry before the next resync."""
        return self.retry or (self.error if isinstance(self.error, Temporary) else None)

    @property
    def blocked(self) -> bool:
        """Whether the error to show is terminal."""
        return self.error is not None and is_terminal(self.error)

    @property
    def terminal(self) -> bool:
        """Whether neither the error to show nor another one is retryable."""
        return self.blocked and (self.retry is None or is_terminal(self.retry))

    @property
    def ready(self) -> bool:
        """Whether AWS matches the desired state and nothing prevents keeping it so."""
        return self.synced and self.error is None and not self.degraded

    @property
    def ready_reason(self) -> str:
        """The reason of `Ready`."""
        if self.error is not None:
            return self.error.reason
        return self.degraded_reason if self.degraded else self.reason or ("IN_SYNC" if self.ready else "OUT_OF_SYNC")

    @property
    def ready_message(self) -> str:
        """The message of `Ready`."""
        if self.error is not None:
            return self.error.message
        return self.degraded or self.message or ("" if self.ready else "AWS does not match the desired state")


PAUSED = Status(False, reason="PAUSED", message="the mode is PAUSED: AWS is neither read nor written")


def conditions(before: Sequence[Condition], status: Status, now: int) -> list[Condition]:
    """Return `Ready`, `Synced`, `Blocked` and `Degraded` with their transition times."""
    ready_reason, ready_message = status.ready_reason, status.ready_message
    rows = {
        "Ready": (status.ready, ready_reason, ready_message),
        "Synced": (status.synced, "IN_SYNC" if status.synced else ready_reason, "" if status.synced else ready_message),
        "Blocked": (status.blocked, *((ready_reason, ready_message) if status.blocked else ("NOT_BLOCKED", ""))),
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
        result.append(Condition(kind, holding, reason, cut(message), since))
    return result


def backoff(failures: int, jitter: float) -> float:
    """Return the seconds to wait after consecutive failures; `jitter` is from 0 to 1."""
    longest = min(_MAX_DELAY, _FIRST_DELAY * 2.0 ** min(failures - 1, 16))
    return longest * (0.5 + jitter / 2)


def delay_after(status: Status, failures: int, resync: float, jitter: float) -> float:
    """Return the seconds until the next attempt after an error.

    A terminal error is still retried with every resync, because AWS does not
    notify ecrkeeper when somebody resolves the cause.
    """
    retryable = status.retryable
    return resync if retryable is None else max(backoff(failures, jitter), retryable.after or 0.0)


def is_of_account(status: Status) -> bool:
    """Return whether every Region of the account would meet the same error."""
    error = status.retryable
    return error is not None and (error.operation in _OF_ACCOUNT or error.reason == "AWS_NO_CREDENTIALS")


def worst_first(errors: Sequence[AwsError]) -> list[AwsError]:
    """Return errors by importance: permanent, terminal, retryable."""
    return sorted(errors, key=lambda error: (not isinstance(error, Permanent), not is_terminal(error)))


def soonest(errors: Sequence[AwsError]) -> Temporary | None:
    """Return the error to retry first: a retryable one, or else a terminal one."""
    retried = [error for error in errors if isinstance(error, Temporary)]
    return min(retried, key=is_terminal, default=None)
