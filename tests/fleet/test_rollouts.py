"""Rollouts from end to end, on both databases."""

from __future__ import annotations

import time
from typing import Any

import grpc
import pytest
from ecrkeeper.v1.fleet_pb2 import Rollout

from tests import harness
from tests.e2e.live import Live, rejection
from tests.fleet.fleets import Fleet, exclusion


@pytest.fixture
def fleet(either: Live) -> Fleet:
    return Fleet(either)


@pytest.fixture(autouse=True)
def _no_faults(either: Live) -> Any:
    yield
    either.aws.control("DELETE", "faults")


def waves(*waves: dict[str, Any]) -> dict[str, Any]:
    return {"waves": list(waves)}


CANARY = waves(
    {"count": 2, "failureTolerance": {"count": 1}},
    {"percent": 50, "failureTolerance": {"count": 1}, "maxConcurrent": {"count": 5}},
    {"rest": True, "failureTolerance": {"count": 1}},
)


def break_accounts(fleet: Fleet, *accounts: str) -> None:
    """Let AWS reject exclusions in some accounts."""
    fleet.live.aws.control(
        "POST",
        "faults",
        [
            {
                "kind": "error", "service": "ecr", "operation": "RegisterPullTimeUpdateExclusion", "account": account,
                "code": "ValidationException", "message": "rejected by the test", "status": 400,
            }
            for account in accounts
        ],
    )  # fmt: skip


def writes(fleet: Fleet, since: int) -> set[str]:
    """The accounts of the fleet that AWS was written to."""
    return {each["account"] for each in fleet.live.aws.writes(since)} & set(fleet.accounts)


def test_failures_beyond_the_tolerance_halt_before_the_next_wave(fleet: Fleet) -> None:
    fleet.add(6, enabledRegions=["us-east-1"])
    accounts, since = fleet.accounts, fleet.live.aws.position()
    break_accounts(fleet, *accounts[2:5])
    fleet.create(exclusion("scanner"), strategy=CANARY)
    halted = fleet.ended("HALTED")
    assert halted.wave == 1
    assert [each.succeeded_count for each in halted.waves] == [2, 0, 0, 0]
    assert halted.waves[1].failed_count == 2, "tolerance plus one"
    assert halted.waves[2].pending_count == 1
    assert accounts[5] not in writes(fleet, since)
    failed = fleet.targets(filter="state = FAILED")
    assert {each.reason for each in failed} == {"AWS_REJECTED"}
    fleet.live.aws.control("DELETE", "faults")
    fleet.client.resume_rollout(halted.name)
    done = fleet.ended()
    assert [each.succeeded_count for each in done.waves] == [2, 3, 1, 0]
    fleet_has(fleet, "scanner")


def fleet_has(fleet: Fleet, *names: str) -> None:
    exclusions = {account: roles for (account, region), roles in fleet.excluded().items() if region == "us-east-1"}
    assert exclusions == {account: sorted(names) for account in fleet.accounts}


def test_roll_back_returns_every_changed_target(fleet: Fleet) -> None:
    fleet.add(6, enabledRegions=["us-east-1"])
    accounts = fleet.accounts
    fleet.create(exclusion("old"))
    fleet.ended()
    others = f"accounts/{accounts[0]}/registries/us-east-1/settings/other"
    fleet.client.apply_registry_settings(
        others, {"pullTimeUpdateExclusions": {"principalArns": [f"arn:aws:iam::{accounts[0]}:role/others"]}}
    )
    break_accounts(fleet, *accounts[2:5])
    new = {"pullTimeUpdateExclusions": {"principalArns": [
        f"arn:aws:iam::${{account}}:role/{name}" for name in ("new", "old")
    ]}}  # fmt: skip
    fleet.update(settings=new, strategy=CANARY)
    halted = fleet.ended("HALTED", number=2)
    fleet.live.aws.control("DELETE", "faults")
    fleet.client.roll_back_rollout(halted.name)
    back = fleet.ended("ROLLED_BACK", number=2)
    assert [each.rolled_back for each in fleet.targets(2)].count(True) == 4
    assert all(each.state == each.SUCCEEDED for each in fleet.targets(2) if each.rolled_back)
    assert back.end_time.seconds
    exclusions = {account: roles for (account, region), roles in fleet.excluded().items() if region == "us-east-1"}
    assert exclusions == {account: ["old", "others"] if account == accounts[0] else ["old"] for account in accounts}
    assert fleet.client.get_registry_set(fleet.set_name).current_revision == 1


def test_roll_back_of_the_first_revision_removes_it(fleet: Fleet) -> None:
    fleet.add(2)
    fleet.create(exclusion("scanner"))
    fleet.ended()
    fleet.client.roll_back_rollout(f"{fleet.set_name}/rollouts/1")
    fleet.ended("ROLLED_BACK")
    assert fleet.has()
    assert fleet.client.get_registry_set(fleet.set_name).current_revision == 0


def test_pause_stops_new_targets_and_cancel_ends(fleet: Fleet) -> None:
    fleet.add(12, enabledRegions=["us-east-1"])
    slow = waves({"rest": True, "maxConcurrent": {"count": 1}, "bake": "1s"})
    fleet.create(exclusion("scanner"), strategy=slow)
    harness.eventually(lambda: fleet.rollout().waves and fleet.rollout().waves[0].succeeded_count)
    paused = fleet.client.pause_rollout(fleet.rollout().name)
    assert paused.state == Rollout.PAUSED
    since = fleet.live.aws.position()
    time.sleep(2.5)
    now = fleet.rollout()
    assert now.waves[0].pending_count == paused.waves[0].pending_count
    assert len(writes(fleet, since)) <= 1, "no more than the target under way"
    assert now.waves[0].running_count + now.waves[0].baking_count == 0, "targets under way go on"
    error = rejection(grpc.StatusCode.FAILED_PRECONDITION, fleet.client.pause_rollout, now.name)
    assert error.reason == "ROLLOUT_STATE"
    fleet.client.resume_rollout(now.name)
    harness.eventually(lambda: fleet.rollout().waves[0].pending_count < now.waves[0].pending_count)
    cancelled = fleet.client.cancel_rollout(now.name)
    assert cancelled.state == Rollout.CANCELLED
    since = fleet.live.aws.position()
    time.sleep(1)
    assert len(writes(fleet, since)) <= 1
    assert fleet.rollout().waves[0].pending_count == cancelled.waves[0].pending_count
    rejection(grpc.StatusCode.FAILED_PRECONDITION, fleet.client.resume_rollout, now.name)


def test_new_revision_is_queued_and_superseded(fleet: Fleet) -> None:
    fleet.add(4, enabledRegions=["us-east-1"])
    slow = waves({"rest": True, "maxConcurrent": {"count": 1}, "bake": "2s"})
    fleet.create(exclusion("one"), strategy=slow)
    two = fleet.update(settings=exclusion("two"), strategy=slow, options={"allow_removals": 4})
    assert two.queued_rollout == f"{fleet.set_name}/rollouts/2"
    error = rejection(grpc.StatusCode.FAILED_PRECONDITION, fleet.update, settings=exclusion("three"))
    assert error.reason == "ROLLOUT_QUEUED"
    three = fleet.update({"supersede": True}, settings=exclusion("three"), strategy={"waves": [{"rest": True}]})
    assert three.queued_rollout == f"{fleet.set_name}/rollouts/3"
    assert fleet.rollout(2).state == Rollout.SUPERSEDED
    fleet.client.cancel_rollout(f"{fleet.set_name}/rollouts/3")
    four = fleet.update({"supersede": True}, settings=exclusion("four"), strategy={"waves": [{"rest": True}]})
    assert four.active_rollout == f"{fleet.set_name}/rollouts/4"
    assert fleet.rollout(1).state == Rollout.CANCELLED
    fleet.ended(number=4)
    fleet_has(fleet, "four")


def test_unreachable_account_is_skipped_and_tried_again(fleet: Fleet) -> None:
    away, *_ = fleet.add(3, denied=1, enabledRegions=["us-east-1"])
    fleet.create(exclusion("scanner"), strategy=waves({"count": 1}, {"rest": True}))
    done = fleet.ended(number=1)
    (skipped,) = fleet.targets(1, "state = SKIPPED")
    assert skipped.registry.startswith(f"accounts/{away}/")
    assert skipped.wave == 2, "it was tried again at the end"
    assert [each.succeeded_count for each in done.waves] == [0, 2, 0]


def test_targets_that_replicate_into_each_other_do_not_halt(fleet: Fleet) -> None:
    one, two = fleet.add(2, enabledRegions=["us-east-1"])
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Sid": "Replicate", "Effect": "Allow", "Principal": {"AWS": "'
        'arn:aws:iam::${label:peer}:root"}, "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"], "Resource": '
        '"arn:aws:ecr:${region}:${account}:repository/*"}]}'
    )
    for account, peer in ((one, two), (two, one)):
        fleet.client.update_account(
            {"name": f"accounts/{account}", "labels": {"fleet": fleet.label, "peer": peer}}, ["labels"]
        )
    settings = {
        "registryPolicy": {"policyText": policy},
        "replicationConfiguration": {"rules": [{"destinations": [{"region": "us-east-1", "registryId": one}]}]},
    }
    other = {
        "replicationConfiguration": {"rules": [{"destinations": [{"region": "us-east-1", "registryId": two}]}]},
    }
    overrides = [{"selector": {"accounts": f"account = {one}"}, "settings": other}]
    fleet.create(settings, overrides=overrides, strategy=waves({"count": 1}, {"rest": True}))
    done = fleet.ended()
    assert [each.succeeded_count for each in done.waves] == [1, 1, 0]


def test_watch_ends_with_the_rollout(fleet: Fleet) -> None:
    fleet.add(2)
    fleet.create(exclusion("scanner"), strategy=waves({"count": 1}, {"rest": True}))
    received = [step.rollout for step in fleet.client.watch_rollout(f"{fleet.set_name}/rollouts/1", timeout=60)]
    assert received[-1].state == Rollout.SUCCEEDED
    assert len(received) > 2
    assert max(each.wave for each in received) == 2
    assert all(sum(w.running_count + w.baking_count for w in each.waves) <= 1 for each in received)


def test_approval_needs_another_principal(fleet: Fleet) -> None:
    fleet.add(2, enabledRegions=["us-east-1"])
    fleet.create(exclusion("scanner"), strategy=waves({"count": 1}, {"rest": True, "gate": "APPROVAL"}))
    waiting = fleet.ended("AWAITING_APPROVAL")
    assert [each.succeeded_count for each in waiting.waves] == [1, 0, 0]
    error = rejection(grpc.StatusCode.FAILED_PRECONDITION, fleet.client.approve_rollout, waiting.name)
    assert error.reason == "SELF_APPROVAL"
    fleet.client.cancel_rollout(waiting.name)
