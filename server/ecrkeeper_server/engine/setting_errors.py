"""Errors of an attempt on a registry, with the elements and the owners that they concern; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.engine.conditions import worst_first
from ecrkeeper_server.errors import PreconditionViolation
from ecrkeeper_server.settings.algebra import Composition
from ecrkeeper_server.settings.elements import Change, Value
from ecrkeeper_server.settings.table import SETTINGS

# So many are named in one message, and so many have a violation each: an answer has room for no more.
_NAMED, _LISTED = 5, 20


@dataclass(frozen=True, slots=True)
class SettingError:
    """Why a setting, or some of its elements, cannot be brought into sync.

    Without `keys` it is the whole setting. `owners` are those whom it concerns, None for all who declare the
    setting. `degraded`: AWS had the elements as they are declared, and no longer takes them.
    """

    setting: str
    error: AwsError
    keys: frozenset[str] | None = None
    owners: frozenset[str] | None = None
    degraded: bool = False

    def covers(self, key: str) -> bool:
        """Whether the error is why an element of its setting differs."""
        return self.keys is None or key in self.keys


def of_changes(composition: Composition, setting: str, changes: Iterable[Change], error: AwsError) -> SettingError:
    """An error that keeps changes from being made, and is not their fault."""
    keys = frozenset(change.key for change in changes)
    return SettingError(setting, error, keys, owners_of(composition, setting, keys))


def of_elements(
    composition: Composition,
    setting: str,
    elements: Mapping[str, Value],
    error: AwsError,
    *,
    owners: frozenset[str] | None = None,
    degraded: bool = False,
) -> SettingError:
    """An error that names its elements, their owners and what they refer to."""
    keys = frozenset(elements)
    concerned = owners_of(composition, setting, keys) if owners is None else owners
    named: dict[str, str] = {}
    for key, value in sorted(elements.items(), reverse=True):
        named |= SETTINGS[setting].names(key, value)
    facts = {"owner": ", ".join(sorted(concerned)), **named}
    details = "; ".join(f"{what} {said}" for what, said in facts.items() if said and what != "sid")
    said = f"({details}): {error.message}" if details else error.message
    shown = f"{setting} {_shown(keys)}".strip()
    text = f"{shown} {said}" if details else f"{shown}: {said}"
    metadata = {"setting": setting, "key": _shown(keys), **facts}
    told = error.about(text, _violations(setting, keys, error, said), metadata)
    return SettingError(setting, told, keys, concerned, degraded)


def of_withheld(composition: Composition, setting: str, changes: Iterable[Change], error: AwsError) -> SettingError:
    """An error that says itself which changes are not sent."""
    keys = frozenset(change.key for change in changes)
    owners = owners_of(composition, setting, keys)
    metadata = {"setting": setting, "key": _shown(keys), "owner": ", ".join(sorted(owners))}
    violations = error.preconditions or ([] if error.quotas else _violations(setting, keys, error, error.message))
    return SettingError(setting, error.about(error.message, violations, metadata), keys, owners)


def _shown(keys: Iterable[str]) -> str:
    listed = sorted(keys)
    return ", ".join(listed[:_NAMED]) + (f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else "")


def _violations(setting: str, keys: Iterable[str], error: AwsError, said: str) -> list[PreconditionViolation]:
    return [PreconditionViolation(error.reason, f"{setting}/{key}", said) for key in sorted(keys)[:_LISTED]]


def owners_of(composition: Composition, setting: str, keys: Iterable[str]) -> frozenset[str]:
    """Who declares any of the elements."""
    return frozenset(owner for key in keys for owner in composition.owners.get((setting, key), ()))


def combined(errors: Sequence[SettingError]) -> AwsError | None:
    """The error to show, with all elements at fault: what waiting does not resolve matters more than what passes."""
    found = worst_first([each.error for each in errors])
    first = next(iter(found), None)
    if first is None:
        return None
    others = [error for error in found if error is not first and error.preconditions]
    if not others:
        return first
    more = f"; and {len(others) + 1 - _NAMED} more" if len(others) >= _NAMED else ""
    text = "; ".join(error.message for error in [first, *others][:_NAMED]) + more
    return first.about(text, [v for error in (first, *others) for v in error.preconditions], {})
