"""Changes that AWS rejected.

They are stored with the registry, so that they do not delay other changes and
are retried in time. A suspect refers to a change by its value: if a
declaration changes the value, the new value is not a suspect.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import asdict, replace

from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.settings import elements
from ecrkeeper_server.settings.element_sets import differing, union, without
from ecrkeeper_server.settings.elements import Change, Elements, Keys, Value, gather
from ecrkeeper_server.settings.json_text import dump
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.stored_elements import elements_json, elements_of

# IAM is eventually consistent: a principal that was just created may be unknown for a while.
RETRIED = frozenset({"PRINCIPAL_NOT_FOUND"})
_MICROS = 1_000_000
RETRY_MICROS = 120 * _MICROS
_DELAYS = (2, 4, 8, 16, 30)
# Shorter than the resync interval, so that each resync retries once.
_SLOW_MICROS = 600 * _MICROS


class Suspect(Struct, frozen=True):
    """Changes that AWS rejects together; `values` are digests by key.

    Times are in microseconds. If `lasting`, the changes are blocked and retried
    slowly. If `degrades`, AWS has the elements as declared and no longer accepts
    them. `base` is the digest of a document that AWS has and rejects itself, so
    that the changes may be valid; empty if the changes are in error.
    """

    values: Elements
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

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored suspect; unknown members are ignored."""
        members = {name: stored[name] for name in cls.__struct_fields__ if name in stored}
        return cls(**{**members, "values": elements_of(stored["values"])})

    def to_json(self) -> Json:
        """Return the stored form."""
        return {**asdict(replace(self, values={})), "values": elements_json(self.values)}

    def error(self, now: int) -> AwsError:
        """Return the rejection as an error, terminal or retryable as of `now`."""
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
"""The suspects of each setting."""


def rejected(
    before: Suspect | None, changes: Sequence[Change], error: AwsError, now: int, *, degrades: bool, base: str = ""
) -> Suspect:
    """Return the suspect for rejected changes.

    `before` is the suspect that was retried with these changes, if any.
    """
    first, tries = (before.first, before.tries + 1) if before is not None else (now, 1)
    ends = first + RETRY_MICROS
    retryable = error.reason in RETRIED and now < ends and not base
    delay = _DELAYS[min(tries, len(_DELAYS)) - 1] * _MICROS
    return Suspect(
        values_of(changes),
        error.grpc_code, error.reason, error.message, error.aws_code, error.operation, first,
        min(now + delay, ends) if retryable else now + _SLOW_MICROS, tries, not retryable, degrades, base,
        error.aws_request_id,
    )  # fmt: skip


def values_of(changes: Iterable[Change]) -> Elements:
    """The values of changes, in short, by key."""
    return gather((change.keys, digest(change.after)) for change in changes)


def fingerprint(elements: Elements) -> str:
    """The elements of a setting, in short."""
    return digest(elements_json(elements))


def digest(value: Value | None) -> str:
    """Return a short digest of the value of a change."""
    return hashlib.sha256(dump(value).encode()).hexdigest()[:16]


def load_suspects(stored: Mapping[str, Sequence[Mapping[str, Any]]]) -> Suspects:
    """Read stored suspects."""
    return {name: [Suspect.from_json(row) for row in rows] for name, rows in stored.items()}


def dump_suspects(suspects: Mapping[str, Sequence[Suspect]]) -> Json:
    """Return suspects as they are stored, without settings that have none."""
    return {name: [one.to_json() for one in some] for name, some in suspects.items() if some}


def pending(known: Suspects, plans: Mapping[str, Plan], observed: Mapping[str, Elements]) -> Suspects:
    """Return the suspects that the plans would still write unchanged.

    All suspects of settings without a plan are returned.
    """
    still: Suspects = {}
    for name, suspects in known.items():
        current: Iterable[Suspect] = suspects
        if name in plans:
            planned = values_of(c for c in plans[name].changes if c.after is not None)
            # A removal may remove the part that AWS rejected.
            removing = any(c.after is None for c in plans[name].changes)
            current = [
                replace(one, values=without(one.values, differing(one.values, planned)))
                for one in suspects
                if not one.base or (not removing and one.base == fingerprint(observed[name]))
            ]
        still[name] = [one for one in current if one.values]
    return still


def keys_of(suspects: Iterable[Suspect]) -> Keys:
    """Return the keys of suspects."""
    return union(elements.keys_of(one.values) for one in suspects)


def with_any(suspects: Iterable[Suspect], keys: Keys) -> list[Suspect]:
    """Return the suspects that have any of the keys."""
    return [one for one in suspects if elements.keys_of(one.values) & keys]


def without_any(suspects: Iterable[Suspect], keys: Keys) -> list[Suspect]:
    """Return the suspects that have none of the keys."""
    return [one for one in suspects if not elements.keys_of(one.values) & keys]


def next_retry(suspects: Suspects, now: int) -> float | None:
    """Return the seconds until the next retry of a retryable suspect, or None."""
    times = [one.next for loaded in suspects.values() for one in loaded if not one.lasting]
    return max(0.0, (min(times) - now) / _MICROS) if times else None
