"""One step on one registry: observe, plan, act, read again, and say how it stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ecrkeeper_server.ecr.checks import check_cache_rules, check_replication
from ecrkeeper_server.ecr.observe import look
from ecrkeeper_server.engine.attempt import AttemptResult, Step
from ecrkeeper_server.engine.backfills import follow
from ecrkeeper_server.engine.conditions import PAUSED, Status
from ecrkeeper_server.engine.registry_writes import act
from ecrkeeper_server.engine.setting_errors import SettingError, of_changes
from ecrkeeper_server.engine.statuses import status_of, statuses_of
from ecrkeeper_server.engine.write_ahead import Run, originals_of, record
from ecrkeeper_server.errors import Temporary
from ecrkeeper_server.settings import suspects
from ecrkeeper_server.settings.elements import Elements, Plan, Value
from ecrkeeper_server.settings.ownership import composition_of, confirmed, managed, ours, plans
from ecrkeeper_server.settings.setting import nothing_denied
from ecrkeeper_server.settings.table import SETTINGS

# What a registry that nobody declares anything for any more was found to be.
_NOTHING_FOUND: Mapping[str, Any] = {
    "drift": [],
    "error": None,
    "observed": {},
    "degraded": {},
    "checks": [],
    "problems": {},
    "settled": {},
    "suspects": {},
    "denials": {},
}


async def reconcile_registry(step: Step) -> AttemptResult:
    """Bring one registry closer to what is desired; "Reconciling a registry" in docs/architecture.md says how."""
    row, desired = step.claimed, step.desired
    composition = composition_of(desired.declared)
    run = Run(composition, desired.declared, ours(row.state, row.spec, composition.desired))
    mode, names = row.spec.get("mode", "ENFORCE"), managed(composition.desired, run.applied)
    if mode == "PAUSED":
        await follow(step, desired.pending)
        return AttemptResult(row.state, PAUSED, observed=False, settled=False)
    if not names:
        state = {**row.state, "applied": run.applied, **_NOTHING_FOUND}
        poll_in = await follow(step, desired.pending)
        return AttemptResult(state, Status(True, reason="UNMANAGED"), observed=False, settled=True, poll_in=poll_in)
    run.observed, unread = await look(step.aws, row.registry, names, step.home_region)
    run.errors = {name: [SettingError(name, error)] for name, error in unread.items()}
    run.applied, run.unconfirmed = confirmed(run.applied, row.state.get("unconfirmed", {}), run.elements())
    run.plans = plans(row.spec, composition.desired, run.applied, run.elements())
    run.originals = originals_of(run, row.registry)
    run.denials = row.state.get("denials", {})
    run.suspects = suspects.load(row.state.get("suspects", {}), run.plans, run.elements())
    if mode == "ENFORCE" and any(p.changes for p in run.plans.values()):
        await act(step, run)
        run.plans = plans(row.spec, composition.desired, run.applied, run.elements())
    if run.originals:
        await step.db.write(lambda tx: record(tx, run.originals))
    result = _result(step, run, mode)
    result.state["checks"] = await _checks(step, run)
    rules = run.composition.desired.get("pull_through_cache_rules", {})
    # Validating makes ECR read the secret: not a thing for a mode that only looks.
    problems = {}
    if mode == "ENFORCE" and result.settled:
        before = row.state.get("problems", {}).get("pull_through_cache_rules", {})
        problems = await check_cache_rules(step.aws, row.registry, rules, before)
    result.state["problems"] = {"pull_through_cache_rules": problems} if problems else {}
    polls = (await follow(step, desired.pending), suspects.next_retry(run.suspects, step.now), run.again_in)
    return replace(result, poll_in=min((each for each in polls if each is not None), default=None))


async def _checks(step: Step, run: Run) -> list[dict[str, Any]]:
    """Whether images can arrive at each destination; an unchanged finding keeps its time, so nothing is rewritten."""
    pairs = run.composition.desired.get("replication_configuration", {})
    before = {_place(check): check for check in step.claimed.state.get("checks", [])}
    checks = await check_replication(step.aws, step.claimed.registry, pairs, step.now) if pairs else []
    return [old if (old := before.get(_place(new))) and {**old, "time": new["time"]} == new else new for new in checks]


def _place(check: Mapping[str, Any]) -> tuple[str, str]:
    return check["destination"]["registryId"], check["destination"]["region"]


def _result(step: Step, run: Run, mode: str) -> AttemptResult:
    drift = [d.to_json() for p in run.plans.values() for d in p.drift]
    degraded = {name: seen.unknown for name, seen in run.observed.items() if seen.unknown}
    state = _state(step, run, mode, drift, degraded)
    if mode == "ENFORCE":
        _add_unshown(run, drift, degraded)
    errors = [error for of_setting in run.errors.values() for error in of_setting]
    standing = status_of(mode, drift, errors, degraded)
    owners = {} if standing.ready else statuses_of(run, mode, drift, errors, degraded)
    return AttemptResult(state, standing, observed=True, settled=standing.synced, owners=owners)


def _add_unshown(run: Run, drift: Sequence[Mapping[str, Any]], degraded: Collection[str]) -> None:
    """Where elements differ without a reason, AWS was written and does not show it."""
    for name, planned in run.plans.items():
        known = run.errors.get(name, [])
        unshown = [c for c in planned.changes if not any(error.covers(c.key) for error in known)]
        if drift and unshown and name not in degraded:
            error = Temporary("AWS does not show the change yet", reason="NOT_VISIBLE_YET", after=1.0)
            run.errors[name] = [*known, of_changes(run.composition, name, unshown, error)]


def _state(
    step: Step, run: Run, mode: str, drift: list[dict[str, Any]], degraded: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    before, desired = step.claimed.state, run.composition.desired
    in_place = {name: _in_place(desired.get(name, {}), planned) for name, planned in run.plans.items()}
    done = {name for name, planned in run.plans.items() if not planned.drift and name not in run.errors}
    # An element that was found as desired is ours from now on, too; not in a mode that leaves AWS to others.
    if mode == "ENFORCE":
        mine = {name: {**({} if name in done else run.applied.get(name, {})), **in_place[name]} for name in in_place}
        applied = {**run.applied, **mine}
    else:
        applied = {**run.applied, **_left(run)}
    settled = {**before.get("settled", {}), **{name: _settled(before, run, name, in_place[name]) for name in in_place}}
    unread = {
        name: shape
        for name, shape in before.get("observed", {}).items()
        if name in run.errors and name not in run.observed
    }
    state = {
        **before,
        "applied": {name: elements for name, elements in applied.items() if elements},
        "unconfirmed": {name: keys for name, keys in run.unconfirmed.items() if keys},
        "settled": {name: elements for name, elements in settled.items() if elements},
        "observed": {**unread, **{name: seen.shape for name, seen in run.observed.items()}},
        "degraded": degraded,
        "drift": drift,
    }
    seldom = {
        "unconfirmed": state["unconfirmed"],
        "suspects": suspects.dumped(run.suspects),
        "denials": {name: denials for name in run.plans if (denials := _denials(run, name))},
    }
    for what, found in seldom.items():
        # Nearly always there are none, and then they are not worth a place in every row.
        state[what] = found
        if not found:
            del state[what]
    if run.remediated:
        state["remediation"] = {"time": step.now, "drift": run.remediated}
    return state


def _in_place(desired: Elements, planned: Plan) -> dict[str, Value]:
    """What AWS has as it is desired."""
    differing = {drift.key for drift in planned.drift}
    return {key: value for key, value in desired.items() if key not in differing} if differing else dict(desired)


def _settled(before: Mapping[str, Any], run: Run, name: str, in_place: Elements) -> dict[str, Value]:
    """What was in place, by now or before: what differs from that was changed behind our back."""
    desired = run.composition.desired.get(name, {})
    if len(in_place) == len(desired):
        return dict(in_place)
    settled = before.get("settled", {}).get(name, {})
    kept = {key: value for key, value in settled.items() if key in desired and key not in in_place}
    return {**kept, **in_place}


def _denials(run: Run, name: str) -> dict[str, list[str]]:
    """The elements in AWS that deny something and have or had owners, with those."""
    setting, known = SETTINGS[name], run.denials.get(name, {})
    if setting.denies is nothing_denied:
        return {}
    found = {
        key: list(run.composition.owners.get((name, key)) or known.get(key, ()))
        for key, value in run.observed[name].elements.items()
        if setting.denies(value)
    }
    return {key: owners for key, owners in found.items() if owners}


def _left(run: Run) -> dict[str, dict[str, Any]]:
    """What of ours AWS still shows, or may show yet: who makes anew what has gone makes it theirs."""
    return {
        name: {
            key: value
            for key, value in run.applied.get(name, {}).items()
            if key in seen.elements or key in run.unconfirmed.get(name, ())
        }
        for name, seen in run.observed.items()
    }
