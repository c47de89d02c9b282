"""Whether a target of a rollout is in order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ecrkeeper_server.fleet.judging import (
    LONGEST_SECONDS,
    PATIENCE_SECONDS,
    failing_destinations,
    judge,
    needs_settings,
)
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.setting import Warning
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.long_json import LONG as LONG_TEXT
from ecrkeeper_server.store.long_json import LongJson
from ecrkeeper_server.store.replication_checks import StoredCheck
from ecrkeeper_server.store.rollout_pages import Observed
from ecrkeeper_server.store.rollout_rows import Action, TargetRow
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.turns import Steps, finish
from msgspec.structs import replace

from tests.unit.test_slices import longest

HERE, PEER = RegistryName("111111111111", "us-east-1"), RegistryName("222222222222", "eu-west-1")
NOW = 10_000 * MICROSECONDS
TARGET = TargetRow(
    set_id="quay", number=1, account=HERE.account, region=HERE.region, wave=0, since=NOW, generation=3,
    registry_generation=7, before_revision=2, changed=True, state="RUNNING",
)  # fmt: skip
RULES = {"rules": [{"destinations": [{"region": PEER.region, "registryId": PEER.account}]}]}
CACHE = {"rules": [{"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}]}


def conditions(**holding: bool) -> list[dict[str, Any]]:
    states = {"Ready": True, "Synced": True, "Blocked": False, "Degraded": False, **holding}
    return [
        {"type": kind, "status": "TRUE" if on else "FALSE", "reason": "AWS_REJECTED", "message": "no", "since": 1}
        for kind, on in states.items()
    ]


def error(reason: str, operation: str = "PutRegistryPolicy") -> dict[str, Any]:
    return {"code": "UNAVAILABLE", "reason": reason, "message": "no", "metadata": {"operation": operation}}


def check(result: str) -> dict[str, Any]:
    return StoredCheck(PEER, result, (Warning("X", str(PEER), "denied"),), (), 1).to_json()


def observed_target(
    state: dict[str, Any], target: TargetRow = TARGET, *, observed: int = 7, generation: int = 3
) -> Observed:
    settings = {"replication_configuration": RULES, "pull_through_cache_rules": CACHE}
    declared = Declaration(
        HERE.account, HERE.region, "quay", "uid", settings, "REMOVE", False, generation, generation, 7, 1, 1
    )
    row = replace(Resource.new(HERE, {}, 1, uid="u", generation=7), observed_generation=observed, state=state)
    return Observed(target, declared, row)


OWN = {"conditions": conditions(), "owners": {"other": {"conditions": conditions(Ready=False, Blocked=True)}}}
BLOCKED = {"conditions": conditions(Ready=False, Blocked=True), "error": error("AWS_REJECTED")}
DENIED = {**BLOCKED, "error": error("AWS_ACCESS_DENIED", "AssumeRole")}
THROTTLED = {"conditions": conditions(Ready=False), "error": error("AWS_THROTTLED")}
AWAY = {"conditions": conditions(Ready=False), "error": error("AWS_UNREACHABLE")}
GOOD = {"conditions": conditions()}
LONG_AGO = replace(TARGET, since=NOW - PATIENCE_SECONDS * MICROSECONDS)
TOO_LONG_AGO = replace(TARGET, since=NOW - LONGEST_SECONDS * MICROSECONDS)
ROWS = [
    (observed_target(GOOD), "SUCCEEDED", "", "in order"),
    (observed_target({**OWN, "owners": {**OWN["owners"], "quay": {"conditions": conditions()}}}), "SUCCEEDED", "", "others do not count"),
    (observed_target(GOOD, observed=6), "RUNNING", "", "the generation is not observed yet"),
    (observed_target(GOOD, generation=4), "FAILED", "DECLARATION_LOST", "somebody changed the declaration"),
    (observed_target(BLOCKED), "FAILED", "AWS_REJECTED", "AWS rejects it"),
    (observed_target(DENIED), "SKIPPED", "AWS_REJECTED", "the account cannot be reached"),
    (
        observed_target({**BLOCKED, "error": error("ACCOUNT_SUSPENDED", "")}),
        "HELD", "AWS_REJECTED", "its account was suspended meanwhile",
    ),
    (observed_target(THROTTLED), "RUNNING", "AWS_REJECTED", "an error that passes is waited for"),
    (observed_target(AWAY), "RUNNING", "AWS_REJECTED", "an endpoint that does not answer is waited for"),
    (observed_target(AWAY, LONG_AGO), "SKIPPED", "AWS_REJECTED", "and then skipped"),
    (observed_target({**GOOD, "error": error("AWS_UNREACHABLE")}, LONG_AGO, observed=6), "SKIPPED", "AWS_UNREACHABLE", "at the first attempt, too"),
    (observed_target(THROTTLED, TOO_LONG_AGO), "FAILED", "AWS_REJECTED", "nothing is waited for without an end"),
    (observed_target(GOOD, TOO_LONG_AGO, observed=6), "FAILED", "ROLLOUT_TIMEOUT", "nor is an attempt that never ends"),
    (observed_target({**GOOD, "checks": [check("BROKEN")]}), "FAILED", "REPLICATION_BROKEN", "no image arrives"),
    (observed_target({**GOOD, "checks": [check("CONDITIONAL")]}), "SUCCEEDED", "", "some images arrive"),
    (observed_target({**GOOD, "checks": [check("UNKNOWN")]}), "RUNNING", "REPLICATION_UNKNOWN", "unknown is waited for"),
    (observed_target({**GOOD, "checks": [check("UNKNOWN")]}, LONG_AGO), "SKIPPED", "REPLICATION_UNKNOWN", "and then skipped"),
    (
        observed_target({**GOOD, "problems": {"pull_through_cache_rules": {"quay": "login failed"}}}),
        "FAILED", "ELEMENT_PROBLEM", "ECR cannot log in",
    ),
    (
        observed_target({**GOOD, "problems": {"pull_through_cache_rules": {"hub": "login failed"}}}),
        "SUCCEEDED", "", "a rule of another owner does not count",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("observed", "state", "message", "reason"), ROWS, ids=[row[3] for row in ROWS])
def test_target_is_judged_by_its_own_declaration(observed: Observed, state: str, message: str, reason: str) -> None:
    judged = judge(observed, NOW, 0, ())
    assert (judged.state, judged.reason) == (state, message), reason


def test_destination_of_a_later_wave_does_not_count() -> None:
    assert judge(observed_target({**GOOD, "checks": [check("BROKEN")]}), NOW, 0, {PEER}).state == "SUCCEEDED"


def test_target_bakes_before_it_succeeds() -> None:
    baking = judge(observed_target(GOOD), NOW, 60, ())
    assert (baking.state, baking.since) == ("BAKING", NOW)
    later = NOW + 59 * MICROSECONDS
    assert judge(observed_target(GOOD, baking), later, 60, ()) is baking
    assert judge(observed_target(GOOD, baking), NOW + 60 * MICROSECONDS, 60, ()).state == "SUCCEEDED"
    assert judge(observed_target(BLOCKED, baking), later, 60, ()).state == "FAILED"
    judged = judge(observed_target(THROTTLED, baking), later, 60, ())
    assert (judged.state, judged.since) == ("RUNNING", later), "the baking restarts"
    assert judge(observed_target(GOOD, replace(TARGET, undo=True)), NOW, 60, ()).state == "SUCCEEDED", (
        "going back does not bake"
    )


def drift(kind: str) -> dict[str, Any]:
    return {"setting": "signing", "key": "a", "kind": kind, "desired": None, "observed": {}}


RELEASED = replace(TARGET, action=Action.RELEASE)
APPLIED = {"applied": {"registry_policy": {"fleet": "{}"}}}
UNREAD = {**BLOCKED, **APPLIED, "error": error("AWS_ACCESS_DENIED", "GetRegistryPolicy")}
OTHERS = {**BLOCKED, **APPLIED, "error": error("AWS_ACCESS_DENIED", "DescribePullThroughCacheRules")}
RELEASES = [
    (observed_target(GOOD, RELEASED, observed=6), "RUNNING", "AWS was not observed yet"),
    (observed_target(GOOD, RELEASED), "SUCCEEDED", "nothing is left"),
    (
        observed_target({**GOOD, "drift": [drift("UNEXPECTED")]}, RELEASED),
        "RUNNING",
        "elements are still to be removed",
    ),
    (
        observed_target({**BLOCKED, "drift": [drift("UNEXPECTED")]}, RELEASED),
        "FAILED",
        "AWS does not let them be removed",
    ),
    (
        observed_target({**BLOCKED, "drift": [drift("MISSING")]}, RELEASED),
        "SUCCEEDED",
        "drift of others does not count",
    ),
    (observed_target(GOOD, replace(TARGET, undo=True, before_revision=0)), "SUCCEEDED", "going back to no declaration"),
    (replace(observed_target(GOOD, RELEASED), registry=None), "SUCCEEDED", "the registry was forgotten"),
    (observed_target({**DENIED, **APPLIED}, RELEASED), "SKIPPED", "the account cannot be reached"),
    (observed_target(DENIED, RELEASED), "SUCCEEDED", "nothing was written that AWS could still have"),
    (observed_target(UNREAD, RELEASED), "FAILED", "nobody sees what is left"),
    (observed_target(OTHERS, RELEASED), "SUCCEEDED", "a setting without own elements does not count"),
    (
        observed_target({"error": error("AWS_UNREACHABLE")}, replace(LONG_AGO, action=Action.RELEASE), observed=6),
        "SKIPPED",
        "an endpoint does not answer",
    ),
]


@pytest.mark.parametrize(("observed", "state", "reason"), RELEASES, ids=[row[2] for row in RELEASES])
def test_release_ends_when_nothing_is_left(observed: Observed, state: str, reason: str) -> None:
    assert judge(observed, NOW, 0, ()).state == state, reason


LONG = {"observed": {"registry_policy": {"policyText": "x" * LONG_TEXT}}, "applied": {}, "drift": []}
LONG_STATES = [
    (observed_target({}), {**GOOD, "checks": [check("BROKEN")], **LONG}, "FAILED"),
    (observed_target({}, RELEASED), {**GOOD, **LONG}, "SUCCEEDED"),
]


@pytest.mark.parametrize(("observed", "state", "judged"), LONG_STATES)
def test_long_state_is_judged_by_a_few_members(observed: Observed, state: dict[str, Any], judged: str) -> None:
    stored = LongJson(json.dumps(state))
    assert observed.registry is not None
    observed = replace(observed, registry=replace(observed.registry, state=stored))
    assert judge(observed, NOW, 0, ()).state == judged
    assert isinstance(stored.stored, str), "the whole state is not parsed"
    assert "observed" not in finish(stored.reading_members(())), "nor its longest member"


def test_only_failing_destinations_are_looked_up() -> None:
    assert failing_destinations(observed_target({**GOOD, "checks": [check("UNKNOWN")]})) == {PEER}
    assert failing_destinations(observed_target({**GOOD, "checks": [check("CONDITIONAL")]})) == set()
    assert failing_destinations(observed_target({**GOOD, "checks": [check("BROKEN")]}, RELEASED)) == set()


def test_settings_are_needed_for_problems_that_may_be_of_others() -> None:
    problem = {**GOOD, "problems": {"pull_through_cache_rules": {"quay": "login failed"}}}
    needing = [{**GOOD, "checks": [check("BROKEN")]}, {**GOOD, "checks": [check("UNKNOWN")]}, problem]
    assert all(needs_settings(observed_target(state)) for state in needing)
    assert not any(
        needs_settings(observed_target(state)) for state in (GOOD, {**GOOD, "checks": [check("OK")]}, BLOCKED)
    )
    assert not needs_settings(observed_target(problem, RELEASED))


@pytest.mark.parametrize("result", ["OK", "BROKEN"])
def test_judging_does_not_iterate_pairs(result: str) -> None:
    peers = [{"registryId": f"{number:012}", "region": PEER.region} for number in range(25)]
    filters = [{"filter": f"team-{number}/", "filterType": "PREFIX_MATCH"} for number in range(2_500)]
    rules = [{"destinations": peers, "repositoryFilters": filters[at : at + 100]} for at in range(0, 2_500, 100)]
    observed = observed_target({**GOOD, "checks": [check(result)]})
    assert observed.declared is not None
    settings = {"replication_configuration": {"rules": rules}}
    observed = replace(observed, declared=replace(observed.declared, settings=settings))

    def judging() -> Steps[None]:
        yield
        assert judge(observed, NOW, 0, failing_destinations(observed)).state == "SUCCEEDED"

    assert longest(judging()) < 40_000, "fewer lines than the 62,500 pairs"
