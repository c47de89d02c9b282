"""Contested elements: somebody else changes them again and again; pure.

They are reported, and written with backoff instead of at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from ecrkeeper_server.settings.element_sets import changed_keys, differing, union
from ecrkeeper_server.settings.elements import Elements, Keys, keys_of
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.store.causes import StoredCause
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.contests import Contest, Contests
from ecrkeeper_server.store.findings import Findings
from ecrkeeper_server.store.state_parts import Condition
from ecrkeeper_server.store.states import State
from ecrkeeper_server.store.stored_drift import StoredDrift

_MAX_NAMED = 5
# Stands for all elements of a setting if one attempt remediated more than `_MAX_KEYS` of them.
ALL, _MAX_KEYS = "*", 200


def attributed(contests: Contests, findings: Findings) -> dict[str, dict[str, Contest]]:
    """Return contests with the actors that became known.

    Another actor begins a new contest.
    """
    return {
        setting: {key: _attributed(each, findings.cause(setting, key, each.last)) for key, each in elements.items()}
        for setting, elements in contests.items()
    }


def _attributed(contest: Contest, cause: StoredCause | None) -> Contest:
    if cause is None:
        return contest
    actor = cause.principal
    named = replace(contest, actor=actor, installation=cause.installation)
    return named if contest.actor in ("", actor) else replace(named, count=1, first=contest.last)


def withheld(
    contests: Contests,
    plans: Mapping[str, Plan],
    desired: Mapping[str, Elements],
    settled: Mapping[str, Elements],
    now: int,
    window: float,
) -> dict[str, Keys]:
    """Return the elements that are not to be written yet, by setting.

    `settled` holds the elements that were last in place. Only a change that restores one of
    them is withheld: a newly declared change is written at once.
    """
    result: dict[str, Keys] = {}
    for setting in contests.keys() & plans.keys():
        waiting = {key for key, each in contests[setting].items() if each.waits(now, window)}
        if not waiting:
            continue
        changed = changed_keys(plans[setting].changes)
        wanted, before = desired.get(setting, {}), settled.get(setting, {})
        restored = (changed & keys_of(wanted) & keys_of(before)) - differing(wanted, before)
        keys = restored if ALL in waiting else restored & waiting
        if keys:
            result[setting] = keys
    return result


def retry_in(elements: Mapping[str, Contest], now: int, window: float) -> float:
    """Return the seconds until a withheld element of a setting is written again."""
    times = [each.next_try(window) for each in elements.values() if each.waits(now, window)]
    return max(1.0, (min(times, default=now) - now) / MICROSECONDS)


def after(
    contests: Contests,
    remediated: Iterable[StoredDrift],
    in_place: Mapping[str, Elements],
    desired: Mapping[str, Elements],
    now: int,
    window: float,
) -> dict[str, dict[str, Contest]]:
    """Return the contests after an attempt.

    An element that stayed in place for a window, or is not desired, has no contest.
    """
    kept: dict[str, dict[str, Contest]] = {}
    quiet = now - int(window * MICROSECONDS)
    for setting, elements in contests.items():
        for key, each in elements.items():
            wanted, present = desired.get(setting, {}), in_place.get(setting, {})
            complete = len(present) == len(wanted) if key == ALL else key in present
            if (key == ALL or key in wanted) and not (complete and each.last <= quiet):
                kept.setdefault(setting, {})[key] = each
    for setting, keys in _by_setting(remediated).items():
        for key in keys:
            before = contests.get(setting, {}).get(key)
            contest = Contest(1, now, now) if before is None else replace(before, count=before.count + 1, last=now)
            kept.setdefault(setting, {})[key] = contest
    return kept


def _by_setting(remediated: Iterable[StoredDrift]) -> dict[str, Sequence[str]]:
    """Return the keys of remediated elements.

    `ALL` stands for very many elements of a setting.
    """
    grouped: dict[str, list[Keys]] = {}
    for drift in remediated:
        grouped.setdefault(drift.setting, []).append(drift.keys)
    united = {setting: union(groups) for setting, groups in grouped.items()}
    return {setting: [ALL] if len(keys) > _MAX_KEYS else sorted(keys) for setting, keys in united.items()}


def next_observation(contests: Contests, now: int, window: float) -> float | None:
    """Return the seconds until a contested element is to be observed again.

    It is then written, or its contest ends because it is still in place.
    """
    times = [
        min(at for at in (each.last + int(window * MICROSECONDS), each.next_try(window)) if at > now)
        for elements in contests.values()
        for each in elements.values()
        if each.waits(now, window)
    ]
    return (min(times) - now) / MICROSECONDS if times else None


def explain(contests: Contests) -> tuple[str, str]:
    """Return the reason and the message for the contested elements; empty without any."""
    contested = [
        (setting, key, each) for setting, elements in contests.items() for key, each in elements.items()
        if each.contested
    ]  # fmt: skip
    if not contested:
        return "", ""
    other = next((each.installation for _, _, each in contested if each.installation), "")
    texts = [
        f"{setting} {key}: {each.actor or 'somebody'} changed it {each.count} times in"
        f" {max(1, (each.last - each.first) // MICROSECONDS)} s"
        for setting, key, each in contested[:_MAX_NAMED]
    ]
    more = f"; and {len(contested) - _MAX_NAMED} more" if len(contested) > _MAX_NAMED else ""
    text = "; ".join(texts) + more
    reason = "SECOND_KEEPER" if other else "CONTESTED"
    return reason, f"{text}; the installation {other} of ecrkeeper keeps it, too" if other else text


def condition(contests: Contests, before: State, now: int) -> Condition | None:
    """Return the condition `Contested`; None if no element is."""
    reason, message = explain(contests)
    if not reason:
        return None
    since = next((each.since for each in before.conditions if each.type == "Contested"), now)
    return Condition("Contested", "TRUE", reason, message, since)
