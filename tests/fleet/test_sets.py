"""Registry sets from end to end, on both databases."""

from __future__ import annotations

import ecrkeeper
import grpc
import pytest

from tests import harness
from tests.e2e.live import Live, fresh_account, rejection
from tests.fleet.fleets import REGIONS, Fleet, exclusion


@pytest.fixture
def fleet(either: Live) -> Fleet:
    return Fleet(either)


def settings_name(fleet: Fleet, account: str, region: str = "us-east-1", owner: str = "") -> str:
    return f"accounts/{account}/registries/{region}/settings/{owner or fleet.label}"


def arns(account: str, *names: str) -> dict[str, dict[str, list[str]]]:
    return {"pullTimeUpdateExclusions": {"principalArns": [f"arn:aws:iam::{account}:role/{name}" for name in names]}}


def test_set_reaches_every_registry_and_changes_with_it(fleet: Fleet) -> None:
    fleet.add(3)
    created = fleet.create(exclusion("scanner"))
    assert (created.generation, created.active_rollout) == (1, f"{fleet.set_name}/rollouts/1")
    done = fleet.ended()
    assert done.waves[0].succeeded_count == 6
    assert fleet.has("scanner"), fleet.excluded()
    stored = fleet.client.get_registry_set(fleet.set_name)
    assert (stored.current_revision, stored.active_rollout) == (1, "")
    changed = fleet.update(settings=exclusion("auditor"), options={"allow_removals": 6})
    assert changed.generation == 2
    assert fleet.ended(number=2).revision == 2
    assert fleet.has("auditor"), fleet.excluded()
    same = fleet.update(settings=exclusion("auditor"))
    assert (same.generation, same.etag) == (2, changed.etag), "a call that changes nothing adds no revision"
    revisions = list(fleet.client.list_registry_set_revisions(fleet.set_name))
    assert [each.revision for each in revisions] == [2, 1]
    listed = list(fleet.client.list_registry_set_targets(fleet.set_name))
    assert [(each.matched, each.revision, each.ready) for each in listed] == [(True, 2, True)] * 6


def test_deleted_set_releases_its_targets_and_disappears(fleet: Fleet) -> None:
    fleet.add(2)
    fleet.create(exclusion("scanner"))
    fleet.ended()
    error = rejection(grpc.StatusCode.FAILED_PRECONDITION, fleet.client.delete_account, f"accounts/{fleet.accounts[0]}")
    assert error.reason == "ACCOUNT_IN_USE"
    deleting = fleet.client.delete_registry_set(fleet.set_name, allow_removals=4)
    assert deleting.deleting
    assert harness.eventually(lambda: is_deleted(fleet))
    assert fleet.has()
    assert fleet.rollout(2).state == ecrkeeper.Rollout.SUCCEEDED
    fleet.client.delete_account(f"accounts/{fleet.accounts[0]}")


def is_deleted(fleet: Fleet) -> bool:
    try:
        fleet.client.get_registry_set(fleet.set_name)
    except ecrkeeper.NotFound:
        return True
    return False


def test_abandoned_elements_stay(fleet: Fleet) -> None:
    fleet.add(1)
    fleet.create(exclusion("scanner"), deletionPolicy="ABANDON")
    fleet.ended()
    fleet.client.delete_registry_set(fleet.set_name)
    assert harness.eventually(lambda: is_deleted(fleet))
    assert fleet.has("scanner")


def test_only_the_set_changes_its_declarations(fleet: Fleet) -> None:
    (account,) = fleet.add(1)
    fleet.create(exclusion("scanner"))
    fleet.ended()
    name = settings_name(fleet, account)
    assert fleet.client.get_registry_settings(name).managed_by == fleet.set_name
    calls = {
        "apply": lambda: fleet.client.apply_registry_settings(name, arns(account, "other")),
        "delete": lambda: fleet.client.delete_registry_settings(name),
        "rollback": lambda: fleet.client.rollback_registry_settings(name, 0),
    }
    for kind, call in calls.items():
        error = rejection(grpc.StatusCode.FAILED_PRECONDITION, call)
        assert error.reason == "MANAGED_BY_SET", kind
        assert fleet.set_name in str(error), kind
    assert fleet.has("scanner")


def rule(url: str) -> dict[str, object]:
    return {"pullThroughCacheRules": {"rules": [{"ecrRepositoryPrefix": "mirror", "upstreamRegistryUrl": url}]}}


def test_force_takes_nothing_from_a_set(fleet: Fleet) -> None:
    (account,) = fleet.add(1)
    fleet.create(rule("public.ecr.aws"))
    fleet.ended()
    other = settings_name(fleet, account, owner="other")
    error = rejection(
        grpc.StatusCode.FAILED_PRECONDITION,
        lambda: fleet.client.apply_registry_settings(other, rule("quay.io"), force=True),
    )
    assert error.reason == "MANAGED_BY_SET"
    assert fleet.set_name in str(error)


def test_conflict_fails_the_target_with_the_owner(fleet: Fleet) -> None:
    taken, free = fleet.add(2)
    fleet.client.apply_registry_settings(settings_name(fleet, taken, owner="other"), rule("quay.io"))
    plan = fleet.client.create_registry_set(fleet.label, fleet.content(rule("public.ecr.aws")), validate_only=True).plan
    assert (plan.target_count, plan.changing_count, plan.failing_count) == (4, 3, 1)
    assert [(each.reason, each.registry) for each in plan.problems] == [
        ("OWNER_CONFLICT", f"accounts/{taken}/registries/us-east-1")
    ]
    assert "other" in plan.problems[0].message
    assert plan.groups[0].summary == "3 registries: add pull_through_cache_rules mirror"
    fleet.create(rule("public.ecr.aws"))
    fleet.ended(number=1)
    (failed,) = fleet.targets(1, "state = FAILED")
    assert (failed.registry, failed.reason) == (f"accounts/{taken}/registries/us-east-1", "OWNER_CONFLICT")
    assert "other" in failed.message
    assert fleet.client.get_registry_settings(settings_name(fleet, free)).managed_by == fleet.set_name


def test_declaration_made_by_a_call_is_not_taken(fleet: Fleet) -> None:
    (account,) = fleet.add(1)
    fleet.client.apply_registry_settings(settings_name(fleet, account), arns(account, "mine"))
    fleet.create(exclusion("scanner"))
    fleet.ended(number=1)
    (failed,) = fleet.targets(1, "state = FAILED")
    assert failed.reason == "DECLARED_BY_CALL"


def test_missing_label_fails_its_target_only(fleet: Fleet) -> None:
    (lacking,) = fleet.add(1)
    fleet.add(1, labels={"team": "a"})
    fleet.create(exclusion("${label:team}"))
    fleet.ended(number=1)
    failed = fleet.targets(1, "state = FAILED")
    assert [each.registry for each in failed] == [
        f"accounts/{lacking}/registries/{region}" for region in sorted(REGIONS)
    ]
    assert {each.reason for each in failed} == {"LABEL_MISSING"}
    exclusions = fleet.excluded()
    assert {place: names for place, names in exclusions.items() if names} == {
        (account, region): ["a"] for account, region in fleet.registries() if account != lacking
    }


def test_removals_beyond_the_guard_need_their_number(fleet: Fleet) -> None:
    fleet.add(4)
    fleet.create(exclusion("scanner"))
    fleet.ended()
    for reason, fields in {
        "an empty template": {"settings": {}},
        "an empty template within the limit": {"settings": {}, "maxRemovals": {"count": 50}},
        "another template": {"settings": exclusion("other")},
        "a selector that matches nothing": {"selector": {"accounts": "labels.fleet = nothing"}},
    }.items():
        error = rejection(grpc.StatusCode.FAILED_PRECONDITION, fleet.update, **fields)
        assert error.reason == "TOO_MANY_REMOVALS", reason
        assert "8 registries" in str(error), reason
        rejection(grpc.StatusCode.FAILED_PRECONDITION, fleet.update, {"allow_removals": 7}, **fields)
    error = rejection(
        grpc.StatusCode.INVALID_ARGUMENT, fleet.client.update_registry_set, {"name": fleet.set_name}, ["*"]
    )
    assert fleet.has("scanner")
    fleet.update({"allow_removals": 8}, settings={})
    fleet.ended(number=2)
    assert fleet.has()


def test_invalid_sets_are_rejected_with_every_violation(fleet: Fleet) -> None:
    (account,) = fleet.add(1)
    content = {
        "selector": {"accounts": "owner = a", "regions": ["mars-1"]},
        "settings": exclusion("$oops"),
        "strategy": {"waves": [{"rest": True}, {"rest": True}]},
    }
    error = rejection(grpc.StatusCode.INVALID_ARGUMENT, fleet.client.create_registry_set, fleet.label, content)
    assert {each.field for each in error.violations} == {
        "registry_set.selector.accounts",
        "registry_set.selector.regions[0]",
        "registry_set.settings.pull_time_update_exclusions.principalArns[0]",
        "registry_set.strategy.waves[1]",
    }
    invalid = fleet.content({"pullTimeUpdateExclusions": {"principalArns": ["role-of-${account}"]}})
    error = rejection(grpc.StatusCode.INVALID_ARGUMENT, fleet.client.create_registry_set, fleet.label, invalid)
    assert account in str(error), "the first rendered target is checked"
    few = fleet.content(exclusion("a"), strategy={"waves": [{"count": 1}]})
    error = rejection(grpc.StatusCode.INVALID_ARGUMENT, fleet.client.create_registry_set, fleet.label, few)
    assert [each.field for each in error.violations] == ["registry_set.strategy.waves"]
    assert is_deleted(fleet)


def test_set_without_targets_is_planned_with_a_warning(fleet: Fleet) -> None:
    planned = fleet.client.create_registry_set(fleet.label, fleet.content(exclusion("a")), validate_only=True)
    assert [each.reason for each in planned.plan.warnings] == ["NO_TARGETS"]
    assert is_deleted(fleet)
    fleet.create(exclusion("a"))
    assert fleet.ended().message == "it has no targets"


def test_repeated_request_has_one_effect(fleet: Fleet) -> None:
    fleet.add(1)
    request_id = "12345678-1234-1234-1234-" + fleet.label[1:].rjust(12, "0")
    content = fleet.content(exclusion("a"))
    first = fleet.client.create_registry_set(fleet.label, content, request_id=request_id)
    repeated = fleet.client.create_registry_set(fleet.label, content, request_id=request_id)
    assert (first.uid, first.generation) == (repeated.uid, repeated.generation)
    rejection(grpc.StatusCode.ALREADY_EXISTS, fleet.client.create_registry_set, fleet.label, content)
    rejection(
        grpc.StatusCode.ABORTED,
        fleet.client.update_registry_set,
        {"name": fleet.set_name, "etag": "old", "settings": exclusion("b")},
    )


def test_accounts_are_kept_and_listed(fleet: Fleet) -> None:
    account, other = fleet.add(2, displayName="shop", organizationalUnit="/workloads/prod")
    stored = fleet.client.get_account(f"accounts/{account}")
    assert (stored.display_name, stored.state, stored.source) == ("shop", stored.ACTIVE, stored.DECLARED)
    listed = list(fleet.client.list_accounts(f'labels.fleet = {fleet.label} AND organizational_unit:"/workloads/"'))
    assert [each.name for each in listed] == [f"accounts/{account}", f"accounts/{other}"]
    changed = fleet.client.update_account({"name": stored.name, "labels": {}, "etag": stored.etag}, ["labels"])
    assert (dict(changed.labels), changed.display_name) == ({}, "shop")
    rejection(grpc.StatusCode.ABORTED, fleet.client.update_account, {"name": stored.name, "etag": stored.etag}, ["*"])
    rejection(grpc.StatusCode.ALREADY_EXISTS, fleet.client.create_account, account)
    rejection(
        grpc.StatusCode.INVALID_ARGUMENT, fleet.client.create_account, fresh_account(), {"enabledRegions": ["mars-1"]}
    )
    rejection(grpc.StatusCode.INVALID_ARGUMENT, fleet.client.create_account, fresh_account(), {"labels": {"a": '"'}})
    fleet.client.delete_account(stored.name)
    rejection(grpc.StatusCode.NOT_FOUND, fleet.client.get_account, stored.name)
    rejection(grpc.StatusCode.NOT_FOUND, fleet.client.delete_account, stored.name)
    fleet.client.delete_account(stored.name, allow_missing=True)
