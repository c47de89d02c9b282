"""One attempt on one registry: observe, plan, write, re-read, report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.ecr.answer_limit import TOO_LARGE
from ecrkeeper_server.ecr.checks import check_replication, try_elements
from ecrkeeper_server.ecr.observe import Reading, observed_in, try_read
from ecrkeeper_server.engine import contests
from ecrkeeper_server.engine.attempt import Attempt, AttemptResult
from ecrkeeper_server.engine.backfills import follow
from ecrkeeper_server.engine.conditions import PAUSED, Status
from ecrkeeper_server.engine.probe import probe
from ecrkeeper_server.engine.registry_result import resulting
from ecrkeeper_server.engine.registry_writes import reconcile_requested, write_settings
from ecrkeeper_server.engine.setting_errors import SettingError
from ecrkeeper_server.engine.statuses import status_of
from ecrkeeper_server.engine.suspended import is_suspended
from ecrkeeper_server.engine.write_ahead import Progress, originals_of
from ecrkeeper_server.settings import suspects
from ecrkeeper_server.settings.elements import Elements, cost_of_all, keys_of
from ecrkeeper_server.settings.ownership import composing, managed, owned_elements, planning, verified
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.findings import Findings
from ecrkeeper_server.store.replication_checks import StoredCheck
from ecrkeeper_server.store.specs import Mode, UnmanagedElements
from ecrkeeper_server.store.state_members import RegistryMembers
from ecrkeeper_server.store.states import RegistryState
from ecrkeeper_server.turns import work

# State that a registry without declarations does not keep.
_NOTHING_OBSERVED: RegistryMembers = {
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


class _Answers(Struct, frozen=True):
    """The answers of AWS for the managed settings."""

    readings: Mapping[str, Reading]
    errors: Mapping[str, AwsError]


async def reconcile_registry(attempt: Attempt) -> AttemptResult:
    """Reconcile one registry; docs/architecture.md describes the steps."""
    row, mode = attempt.claimed, attempt.claimed.mode
    attempt.elements = cost_of_all(each.settings for each in attempt.desired.declared)
    if mode is Mode.PAUSED:
        await follow(attempt, attempt.desired.pending)
        return AttemptResult(row.registry_state, PAUSED, observed=False, converged=False)
    answers = await _read_first(attempt)
    digest = await _digest(attempt, answers)
    if digest is not None and attempt.unchanged.knows(digest):
        return await _completed(attempt, _in_sync(attempt), row.registry_state.settled)
    progress = await _composed(attempt)
    if not (names := managed(progress.composition.desired, progress.applied)):
        state = row.registry_state.changed(**_NOTHING_OBSERVED).changed(applied=progress.applied)
        poll_in = await follow(attempt, attempt.desired.pending)
        return AttemptResult(state, Status(True, reason="UNMANAGED"), observed=False, converged=True, poll_in=poll_in)
    await _observe(attempt, progress, answers or await _read(attempt, names))
    await _plan(attempt, progress)
    changing = mode is Mode.ENFORCE and any(p.changes for p in progress.plans.values())
    if changing and not await is_suspended(attempt, progress):
        await write_settings(attempt, progress)
        await _plan_changes(attempt, progress)
    if progress.originals:
        await attempt.keep(progress.originals)
    result = await work().run(resulting(attempt, progress, mode), attempt.elements)
    if digest is not None and _may_skip_plan(attempt, progress, result):
        attempt.unchanged.remember(digest)
    polls = (
        suspects.next_retry(progress.suspects, attempt.now),
        contests.next_observation(progress.contests, attempt.now, attempt.contest_window),
        progress.retry_in,
    )
    result = await _completed(attempt, result, progress.composition.desired, polls)
    if attempt.probes and mode is Mode.ENFORCE and result.status.ready:
        return replace(result, state=await probe(attempt, progress, RegistryState(result.state.stored)))
    return result


async def _read_first(attempt: Attempt) -> _Answers | None:
    """Read the managed settings before anything is composed.

    Return None if that has to come first: times determine how to go on with contests, suspects and
    probes, so these need a plan each time.
    """
    row = attempt.claimed
    state = row.registry_state
    if attempt.probes or row.registry_spec.abandoned or state.contests or state.suspects:
        return None
    names = managed({name for each in attempt.desired.declared for name in each.settings}, state.applied)
    return await _read(attempt, names) if names else None


async def _read(attempt: Attempt, names: Sequence[str]) -> _Answers:
    readings, errors = await try_read(attempt.aws, attempt.claimed.registry, names, attempt.home_region)
    attempt.elements += sum(reading.size for reading in readings.values())
    return _Answers(readings, errors)


async def _digest(attempt: Attempt, answers: _Answers | None) -> bytes | None:
    """Return the digest of all inputs; None if the attempt has to plan."""
    if answers is None or answers.errors:
        return None
    inputs = (attempt.claimed, attempt.desired.declared, {name: each.shape for name, each in answers.readings.items()})
    return await work().run(attempt.unchanged.digesting(*inputs), attempt.elements)


def _in_sync(attempt: Attempt) -> AttemptResult:
    """Return the result of an attempt that found nothing to do."""
    row = attempt.claimed
    return AttemptResult(row.registry_state, status_of(row.mode, (), (), {}), observed=True, converged=True)


def _may_skip_plan(attempt: Attempt, progress: Progress, result: AttemptResult) -> bool:
    """Return whether an attempt with the same inputs may skip the plan.

    The state then also has all desired elements, as those that are settled.
    """
    acted = attempt.saved or attempt.writes or progress.originals or progress.retry_in is not None
    desired = {name: elements for name, elements in progress.composition.desired.items() if elements}
    return not acted and result == _in_sync(attempt) and desired == attempt.claimed.registry_state.settled


async def _composed(attempt: Attempt) -> Progress:
    row, declared = attempt.claimed, attempt.desired.declared
    composition = await work().run(composing(declared), attempt.elements)
    owned = owned_elements(row.registry_state.applied, row.registry_spec.abandoned, composition.desired)
    return Progress(composition, declared, owned)


async def _observe(attempt: Attempt, progress: Progress, answers: _Answers) -> None:
    progress.observed = await observed_in(answers.readings)
    progress.errors = {
        name: [SettingError(name, error, degraded=error.reason == TOO_LARGE)] for name, error in answers.errors.items()
    }
    progress.applied, progress.unconfirmed = await work().step(
        verified, progress.applied, attempt.claimed.registry_state.unconfirmed, progress.elements(),
        elements=attempt.elements,
    )  # fmt: skip


async def _plan(attempt: Attempt, progress: Progress) -> None:
    """Plan the changes, and find those that are not to be written now."""
    row, state = attempt.claimed, attempt.claimed.registry_state
    await _plan_changes(attempt, progress)
    progress.originals = await work().run(originals_of(progress, row.registry), attempt.elements)
    progress.denials = state.denials
    progress.contests = contests.attributed(state.contests, Findings.from_json(row.events))
    if progress.contests and not reconcile_requested(attempt):
        progress.withheld = contests.withheld(
            progress.contests, progress.plans, progress.composition.desired, state.settled,
            attempt.now, attempt.contest_window,
        )  # fmt: skip
    progress.suspects = suspects.pending(state.suspects, progress.plans, progress.elements())


async def _plan_changes(attempt: Attempt, progress: Progress) -> None:
    prune = attempt.claimed.registry_spec.unmanaged_elements is UnmanagedElements.PRUNE
    planned = planning(progress.composition.desired, progress.applied, progress.elements(), prune=prune)
    progress.plans = await work().run(planned, attempt.elements)


async def _completed(
    attempt: Attempt, result: AttemptResult, desired: Mapping[str, Elements], polls: Iterable[float | None] = ()
) -> AttemptResult:
    """Return the result with replication checks, trials and the next poll."""
    checks = await _checks(attempt, desired)
    # A trial makes ECR use a secret, so it is not made in mode OBSERVE.
    enforced = attempt.claimed.mode is Mode.ENFORCE and result.converged
    problems = await _problems(attempt, desired) if enforced else {}
    followed = await follow(attempt, attempt.desired.pending)
    state = RegistryState(result.state.stored).changed(checks=checks, problems=problems)
    poll_in = min((each for each in (followed, *polls) if each is not None), default=None)
    return replace(result, state=state, poll_in=poll_in)


async def _problems(attempt: Attempt, desired: Mapping[str, Elements]) -> dict[str, dict[str, str]]:
    """Return why ECR cannot use existing elements, by setting and key."""
    before, results = attempt.claimed.registry_state.problems, {}
    for name, elements in desired.items():
        known = before.get(name, {})
        results[name] = await try_elements(attempt.aws, attempt.claimed.registry, SETTINGS[name], elements, known)
    return {name: problems for name, problems in results.items() if problems}


async def _checks(attempt: Attempt, desired: Mapping[str, Elements]) -> list[StoredCheck]:
    """Return whether images can arrive at each destination.

    An unchanged result keeps its time, so that nothing is rewritten.
    """
    pairs = keys_of(desired.get("replication_configuration", {}))
    if not pairs:
        return []
    checks = await check_replication(attempt.aws, attempt.claimed.registry, pairs, attempt.now)
    before = {each.destination: each for each in attempt.claimed.registry_state.checks}
    return [each.unless_same(before.get(each.destination)) for each in checks]
