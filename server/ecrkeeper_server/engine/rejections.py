"""Turn rejections of document elements into errors of their owners; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary
from ecrkeeper_server.engine.setting_errors import SettingError, of_elements
from ecrkeeper_server.engine.write_ahead import Progress
from ecrkeeper_server.settings import suspects
from ecrkeeper_server.settings.element_sets import merged, restricted
from ecrkeeper_server.settings.elements import Change, Elements, Keys, alike, gather, keys_of
from ecrkeeper_server.settings.isolation import needs
from ecrkeeper_server.settings.suspects import Suspect
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.turns import Steps


def owners_by_key(progress: Progress, name: str) -> Elements:
    """Return the declarers of each element of a setting.

    A denial that nobody declares any more has its former owners.
    """
    return merged(progress.denials.get(name, {}), progress.composition.owners.get(name, {}))


def held(progress: Progress, name: str) -> dict[str, Keys]:
    """Return the changes that must not precede a rejected denial, with those denials."""
    rejected = suspects.keys_of(progress.suspects.get(name, ()))
    if not rejected:
        return {}
    needed = needs(SETTINGS[name], progress.plans[name].changes, owners_by_key(progress, name))
    return {key: keys & rejected for key, keys in needed.items() if keys & rejected and key not in rejected}


def finding_rejections(progress: Progress, name: str, now: int) -> Steps[list[SettingError]]:
    """Return an error for each rejected group, in steps.

    And one for each that waits for a denial.
    """
    rejected = progress.suspects.get(name, [])
    if not rejected:
        return []
    changes = progress.plans[name].changes
    errors = []
    for one in rejected:
        yield
        errors.append(_rejection_error(progress, name, one, changes, now))
    yield
    lasting = suspects.keys_of(one for one in rejected if one.lasting)
    waiting = held(progress, name)
    by_key = {change.key: change for change in changes} if waiting else {}
    return errors + [
        _held(progress, name, by_key[key], denials, bool(denials & lasting)) for key, denials in waiting.items()
    ]


def _rejection_error(
    progress: Progress, name: str, suspect: Suspect, changes: Sequence[Change], now: int
) -> SettingError:
    keys, error = keys_of(suspect.values), suspect.error(now)
    if suspect.base:
        return _of_observed(progress, name, keys, error)
    elements = gather((change.keys, change.after) for change in restricted(changes, keys))
    return of_elements(progress.composition, name, elements, error, degraded=suspect.degrades)


def _of_observed(progress: Progress, name: str, keys: Keys, error: AwsError) -> SettingError:
    """Return the error of a document that AWS rejects as it has it.

    Nothing is removed, nothing can be added, and no change is in error.
    """
    text = f"AWS rejects this setting even unchanged, so it is not written: {error.message}"
    facts: dict[str, Any] = {"aws_code": error.aws_code, "operation": error.operation}
    unwritable = Permanent(text, reason="NOT_WRITABLE", **facts)
    observed = progress.observed[name].elements
    vanished = gather((alike_keys, value) for alike_keys, (value,) in alike(observed) if SETTINGS[name].vanished(value))
    owners = progress.composition.owners_of_any(name, keys | keys_of(vanished))
    return replace(
        of_elements(progress.composition, name, vanished, unwritable, owners=owners, degraded=True), keys=keys
    )


def _held(progress: Progress, name: str, change: Change, denials: Keys, lasting: bool) -> SettingError:
    subject = "its removal" if change.after is None else "it"
    text = f"{subject} waits for {', '.join(sorted(denials))}, a denial that AWS rejects"
    error = Permanent(text, reason="DENY_NOT_IN_PLACE") if lasting else Temporary(text, reason="DENY_NOT_IN_PLACE")
    # Nobody declares an element that is to be removed: it waits for the owners of the denial.
    owners = progress.composition.owners_of_any(name, denials if change.after is None else change.keys)
    value = change.before if change.after is None else change.after
    return of_elements(progress.composition, name, {change.key: value}, error, owners=owners)
