"""Changes that AWS has refused: kept with the registry, so that they hold up nothing else and are tried again in time.

A change is known by its value: a declaration that says something else is tried anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary
from ecrkeeper_server.settings.elements import Change, Elements, Plan, Value
from ecrkeeper_server.settings.json_text import dump

# IAM is eventually consistent: a principal that was just made may be unknown for a while.
RETRIED = frozenset({"PRINCIPAL_NOT_FOUND"})
_MICROS = 1_000_000
RETRY_MICROS = 120 * _MICROS
_DELAYS = (2, 4, 8, 16, 30)
# Shorter than the resync, so that each resync tries once.
_SLOW_MICROS = 600 * _MICROS


@dataclass(frozen=True, slots=True)
class Suspect:
    """Changes that AWS refuses together; `values` are digests by key. Times are in microseconds.

    `lasting`: they are blocked, and only slow retries are left. `degrades`: AWS had the elements as they are
    declared, and no longer takes them. `base`: the digest of what AWS has and refuses itself, so that the changes
    may be without fault; empty where they are at fault.
    """

    values: Mapping[str, str]
    code: str
    reason: str
    message: str
    aws_code: str
    operation: str
    first: int
    next: int
    tries: int
    lasting: bool
    degrades: bool = False
    base: str = ""
    aws_request_id: str = ""

    def error(self, now: int) -> AwsError:
        """The refusal, as lasting as it is by now."""
        facts: dict[str, Any] = {"reason": self.reason, "aws_code": self.aws_code, "operation": self.operation}
        after = max(0.0, (self.next - now) / _MICROS)
        error: AwsError = (
            Permanent(self.message, grpc_code=self.code, **facts)
            if self.lasting
            else Temporary(self.message, grpc_code=self.code, after=after, **facts)
        )
        error.aws_request_id = self.aws_request_id
        return error


Suspects = dict[str, list[Suspect]]
"""By setting."""


def refused(
    before: Suspect | None, changes: Sequence[Change], error: AwsError, now: int, *, degrades: bool, base: str = ""
) -> Suspect:
    """The suspect that a refusal makes of changes; `before` is the one that they were when they were tried again."""
    first, tries = (before.first, before.tries + 1) if before is not None else (now, 1)
    ends = first + RETRY_MICROS
    passing = error.reason in RETRIED and now < ends and not base
    delay = _DELAYS[min(tries, len(_DELAYS)) - 1] * _MICROS
    return Suspect(
        {change.key: digest(change.after) for change in changes},
        error.grpc_code, error.reason, error.message, error.aws_code, error.operation, first,
        min(now + delay, ends) if passing else now + _SLOW_MICROS, tries, not passing, degrades, base,
        error.aws_request_id,
    )  # fmt: skip


def digest(value: Value | None) -> str:
    """The value of a change, in short."""
    return hashlib.sha256(dump(value).encode()).hexdigest()[:16]


def load(
    stored: Mapping[str, Sequence[Mapping[str, Any]]], plans: Mapping[str, Plan], observed: Mapping[str, Elements]
) -> Suspects:
    """The stored suspects that are still to be written as they were; of settings without a plan all."""
    known = {each.name for each in fields(Suspect)}
    found: Suspects = {}
    for name, rows in stored.items():
        suspects = [Suspect(**{k: v for k, v in row.items() if k in known}) for row in rows]
        if name in plans:
            pending = {c.key: digest(c.after) for c in plans[name].changes if c.after is not None}
            # What AWS could not take may go with these.
            removing = any(c.after is None for c in plans[name].changes)
            suspects = [
                replace(one, values={key: value for key, value in one.values.items() if pending.get(key) == value})
                for one in suspects
                if not one.base or (not removing and one.base == digest(dict(observed[name])))
            ]
        found[name] = [one for one in suspects if one.values]
    return found


def dumped(suspects: Suspects) -> dict[str, list[dict[str, Any]]]:
    """Suspects as they are stored."""
    return {name: [asdict(one) for one in found] for name, found in suspects.items() if found}


def keys_of(suspects: Iterable[Suspect]) -> set[str]:
    """The keys of suspects."""
    return {key for one in suspects for key in one.values}


def with_any(suspects: Iterable[Suspect], keys: Iterable[str]) -> list[Suspect]:
    """The suspects that have any of the keys."""
    wanted = set(keys)
    return [one for one in suspects if not wanted.isdisjoint(one.values)]


def without(suspects: Iterable[Suspect], keys: Iterable[str]) -> list[Suspect]:
    """The other suspects."""
    gone = set(keys)
    return [one for one in suspects if gone.isdisjoint(one.values)]


def next_retry(suspects: Suspects, now: int) -> float | None:
    """Seconds until the next of the suspects that may pass soon is to be tried; None if there is none."""
    times = [one.next for found in suspects.values() for one in found if not one.lasting]
    return max(0.0, (min(times) - now) / _MICROS) if times else None
