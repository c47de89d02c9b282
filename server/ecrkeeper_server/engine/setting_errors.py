"""Errors of an attempt on a registry, with their elements and owners; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.engine.conditions import worst_first
from ecrkeeper_server.errors import PreconditionViolation
from ecrkeeper_server.settings.algebra import Composition
from ecrkeeper_server.settings.element_sets import NO_KEYS, brief, changed_keys, first_keys
from ecrkeeper_server.settings.elements import Change, Elements, Keys, alike, first_of, keys_of
from ecrkeeper_server.settings.table import SETTINGS

# A message names at most this many, and an error has at most this many violations.
_MAX_NAMED, _LISTED, _OWNERS = 5, 20, 20


class SettingError(Struct, frozen=True):
    """The reason why a setting, or some of its elements, cannot be synced.

    Without `keys`, it concerns the whole setting. `owners` are the owners
    concerned; None for all who declare the setting. If `degraded`, AWS has the
    elements as declared and no longer accepts them.
    """

    setting: str
    error: AwsError
    keys: Keys | None = None
    owners: frozenset[str] | None = None
    degraded: bool = False

    def covers_any(self, keys: Keys) -> bool:
        """Return whether the error explains a difference of any of these elements."""
        return self.keys is None or bool(self.keys & keys)

    def beyond(self, keys: Keys) -> Keys:
        """Return the elements whose difference the error does not explain."""
        return NO_KEYS if self.keys is None else keys - self.keys


def of_changes(composition: Composition, setting: str, changes: Iterable[Change], error: AwsError) -> SettingError:
    """Return an error that prevents valid changes."""
    keys = changed_keys(changes)
    return SettingError(setting, error, keys, composition.owners_of_any(setting, keys))


def of_elements(
    composition: Composition,
    setting: str,
    elements: Elements,
    error: AwsError,
    *,
    owners: frozenset[str] | None = None,
    degraded: bool = False,
) -> SettingError:
    """Return an error that names its elements, their owners and references."""
    keys = keys_of(elements)
    concerned = composition.owners_of_any(setting, keys) if owners is None else owners
    named: dict[str, str] = {}
    for alike_keys, (value,) in reversed(list(alike(elements))):
        named |= SETTINGS[setting].names(first_of(alike_keys), value)
    facts = {"owner": brief(concerned, _OWNERS), **named}
    details = "; ".join(f"{label} {detail}" for label, detail in facts.items() if detail and label != "sid")
    detail = f"({details}): {error.message}" if details else error.message
    shown = f"{setting} {brief(keys)}".strip()
    text = f"{shown} {detail}" if details else f"{shown}: {detail}"
    metadata = {"setting": setting, "key": brief(keys), **facts}
    described = error.about(text, _violations(setting, keys, error, detail), metadata)
    return SettingError(setting, described, keys, concerned, degraded)


def of_withheld(composition: Composition, setting: str, changes: Iterable[Change], error: AwsError) -> SettingError:
    """Return an error that names the changes that are not sent."""
    keys = changed_keys(changes)
    owners = composition.owners_of_any(setting, keys)
    metadata = {"setting": setting, "key": brief(keys), "owner": brief(owners, _OWNERS)}
    violations = error.preconditions or ([] if error.quotas else _violations(setting, keys, error, error.message))
    return SettingError(setting, error.about(error.message, violations, metadata), keys, owners)


def _violations(setting: str, keys: Keys, error: AwsError, detail: str) -> list[PreconditionViolation]:
    return [PreconditionViolation(error.reason, f"{setting}/{key}", detail) for key in first_keys(keys, _LISTED)]


def combined(errors: Sequence[SettingError]) -> AwsError | None:
    """Return the error to show, with all elements in error; terminal ones first."""
    ordered = worst_first([each.error for each in errors])
    first = next(iter(ordered), None)
    if first is None:
        return None
    others = [error for error in ordered if error is not first and error.preconditions]
    if not others:
        return first
    more = f"; and {len(others) + 1 - _MAX_NAMED} more" if len(others) >= _MAX_NAMED else ""
    text = "; ".join(error.message for error in [first, *others][:_MAX_NAMED]) + more
    return first.about(text, [v for error in (first, *others) for v in error.preconditions], {})
