"""Turn rejections of document elements into errors of their owners; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary
from ecrkeeper_server.engine.setting_errors import SettingError, of_elements, owners_of
from ecrkeeper_server.engine.write_ahead import Progress
from ecrkeeper_server.settings import suspects
from ecrkeeper_server.settings.elements import Change
from ecrkeeper_server.settings.isolation import Keys, needs
from ecrkeeper_server.settings.suspects import Suspect
from ecrkeeper_server.settings.table import SETTINGS


def owners_by_key(progress: Progress, name: str) -> dict[str, Sequence[str]]:
    """Return the declarers of each element of a setting.

    A denial that nobody declares any more has its former owners.
    """
    declared = {key: who for (setting, key), who in progress.composition.owners.items() if setting == name}
    return {**progress.denials.get(name, {}), **declared}


def held(progress: Progress, name: str) -> dict[str, Keys]:
    """Return the changes that must not precede a rejected denial, with those denials."""
    refused = suspects.keys_of(progress.suspects.get(name, ()))
    if not refused:
        return {}
    needed = needs(SETTINGS[name], progress.plans[name].changes, owners_by_key(progress, name))
    return {key: keys & refused for key, keys in needed.items() if keys & refused and key not in refused}


def refusals(progress: Progress, name: str, now: int) -> list[SettingError]:
    """Return an error for each rejected group, and for each that waits for a denial."""
    found = progress.suspects.get(name, [])
    if not found:
        return []
    changes = {change.key: change for change in progress.plans[name].changes}
    errors = [_refusal(progress, name, one, changes, now) for one in found]
    lasting = {key for one in found if one.lasting for key in one.values}
    waiting = held(progress, name)
    return errors + [
        _held(progress, name, changes[key], denials, bool(denials & lasting)) for key, denials in waiting.items()
    ]


def _refusal(progress: Progress, name: str, suspect: Suspect, changes: Mapping[str, Change], now: int) -> SettingError:
    keys, error = frozenset(suspect.values), suspect.error(now)
    if suspect.base:
        return _of_what_is_there(progress, name, keys, error)
    elements = {key: changes[key].after for key in keys}
    return of_elements(progress.composition, name, elements, error, degraded=suspect.degrades)


def _of_what_is_there(progress: Progress, name: str, keys: Keys, error: AwsError) -> SettingError:
    """Return the error of a document that AWS rejects as it has it.

    Nothing is removed, nothing can be added, and no change is in error.
    """
    text = f"AWS rejects this setting even unchanged, so it is not written: {error.message}"
    facts: dict[str, Any] = {"aws_code": error.aws_code, "operation": error.operation}
    unwritable = Permanent(text, reason="NOT_WRITABLE", **facts)
    seen = progress.observed[name].elements
    gone = {key: value for key, value in seen.items() if SETTINGS[name].vanished(value)}
    owners = owners_of(progress.composition, name, keys | gone.keys())
    return replace(of_elements(progress.composition, name, gone, unwritable, owners=owners, degraded=True), keys=keys)


def _held(progress: Progress, name: str, change: Change, denials: Keys, lasting: bool) -> SettingError:
    what = "its removal" if change.after is None else "it"
    text = f"{what} waits for {', '.join(sorted(denials))}, a denial that AWS rejects"
    error = Permanent(text, reason="DENY_NOT_IN_PLACE") if lasting else Temporary(text, reason="DENY_NOT_IN_PLACE")
    # Nobody declares an element that is to be removed: it waits for the owners of the denial.
    owners = owners_of(progress.composition, name, denials if change.after is None else {change.key})
    value = change.before if change.after is None else change.after
    return of_elements(progress.composition, name, {change.key: value}, error, owners=owners)
