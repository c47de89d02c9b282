"""Sets follow their accounts: new, moved and suspended ones.

The tests run on both databases.
"""

from __future__ import annotations

import ecrkeeper
import pytest

from tests import harness
from tests.e2e.live import Live
from tests.fleet.fleets import REGIONS, Fleet, exclusion


@pytest.fixture
def fleet(either: Live) -> Fleet:
    return Fleet(either)


def test_new_account_and_region_follow_the_set(fleet: Fleet) -> None:
    fleet.add(1)
    fleet.create(exclusion("scanner"))
    fleet.ended()
    (added,) = fleet.add(1, enabledRegions=["us-east-1"])
    grown = fleet.ended(number=2)
    assert grown.cause == grown.GROWTH
    assert [each.registry for each in fleet.targets(2)] == [f"accounts/{added}/registries/us-east-1"]
    fleet.client.update_account({"name": f"accounts/{added}", "enabledRegions": list(REGIONS)}, ["enabledRegions"])
    fleet.ended(number=3)
    assert fleet.has("scanner"), fleet.excluded()


def relabel(fleet: Fleet, account: str, label: str) -> None:
    fleet.client.update_account({"name": f"accounts/{account}", "labels": {"fleet": label}}, ["labels"])


def test_account_that_moves_between_sets_keeps_its_elements(fleet: Fleet) -> None:
    (moving,) = fleet.add(1)
    fleet.add(1)
    other = Fleet(fleet.live)
    other.add(1)
    for each in (fleet, other):
        each.create(exclusion("scanner"))
        each.ended()
    since = fleet.live.aws.position()
    relabel(fleet, moving, other.label)
    other.accounts.append(moving)
    released = fleet.ended(number=2)
    assert [(each.action, each.state) for each in fleet.targets(2)] == [
        (each.RELEASE, each.SUCCEEDED) for each in fleet.targets(2)
    ]
    assert released.waves[0].succeeded_count == len(REGIONS)
    other.ended(number=2)
    assert other.has("scanner"), other.excluded()
    operations = {each["operation"] for each in fleet.live.aws.writes(since) if each["account"] == moving}
    assert not operations, "nothing is removed, so nothing is made again"
    name = f"accounts/{moving}/registries/us-east-1/settings"
    assert fleet.client.get_registry_settings(f"{name}/{other.label}").managed_by == other.set_name
    with pytest.raises(ecrkeeper.NotFound):
        fleet.client.get_registry_settings(f"{name}/{fleet.label}")


def test_suspended_account_is_held_and_the_others_go_on(fleet: Fleet) -> None:
    held, *_ = fleet.add(3, enabledRegions=["us-east-1"])
    fleet.client.update_account({"name": f"accounts/{held}", "state": "SUSPENDED"}, ["state"])
    since = fleet.live.aws.position()
    fleet.create(exclusion("scanner"))
    done = fleet.ended()
    assert (done.waves[0].held_count, done.waves[0].succeeded_count) == (1, 2)
    (target,) = fleet.targets(filter="state = HELD")
    assert (target.registry, target.reason) == (f"accounts/{held}/registries/us-east-1", "ACCOUNT_SUSPENDED")
    assert held not in {each["account"] for each in fleet.live.aws.writes(since)}
    fleet.client.update_account({"name": f"accounts/{held}", "state": "ACTIVE"}, ["state"])
    fleet.ended(number=2)
    assert fleet.excluded()[held, "us-east-1"] == ["scanner"]
    # Somebody changes AWS while the account is suspended again.
    fleet.client.update_account({"name": f"accounts/{held}", "state": "SUSPENDED"}, ["state"])
    fleet.live.aws.seed({"exclusions": []}, "us-east-1", held)
    registry = f"accounts/{held}/registries/us-east-1"
    with pytest.raises(ecrkeeper.OperationFailed, match="is SUSPENDED"):
        fleet.client.reconcile_registry(registry).result(30)
    assert fleet.excluded()[held, "us-east-1"] == []
    conditions = {each.type: each for each in fleet.client.get_registry(registry).conditions}
    assert conditions["Ready"].reason == "ACCOUNT_SUSPENDED"
    fleet.client.update_account({"name": f"accounts/{held}", "state": "ACTIVE"}, ["state"])
    harness.eventually(lambda: fleet.excluded()[held, "us-east-1"] == ["scanner"])


def test_releases_beyond_the_guard_are_held_back(fleet: Fleet) -> None:
    leaving, staying = fleet.add(2, enabledRegions=["us-east-1"])
    fleet.create(exclusion("scanner"), maxRemovals={"count": 0})
    fleet.ended()
    relabel(fleet, leaving, "nowhere")
    harness.eventually(lambda: fleet.client.get_registry_set(fleet.set_name).held_removals == 1)
    assert fleet.excluded()[leaving, "us-east-1"] == ["scanner"]
    assert fleet.rollout().name == f"{fleet.set_name}/rollouts/1", "nothing has begun"
    fleet.update({"allow_removals": 1}, settings=exclusion("scanner"))
    fleet.ended(number=2)
    assert fleet.excluded()[leaving, "us-east-1"] == []
    assert fleet.excluded()[staying, "us-east-1"] == ["scanner"]
    assert fleet.client.get_registry_set(fleet.set_name).held_removals == 0


def test_fleet_counts_problems(fleet: Fleet) -> None:
    fleet.add(1, denied=1, enabledRegions=["us-east-1"])
    before = fleet.client.get_fleet()
    fleet.create(exclusion("scanner"))
    fleet.ended()
    overview = fleet.client.get_fleet()
    assert overview.registry_count == before.registry_count + 1
    assert overview.ready_registry_count <= before.ready_registry_count + 0
    assert "AWS_ACCESS_DENIED" in {each.reason for each in overview.registry_reasons}
    problems = {each.resource: each for each in overview.worst_problems}
    assert all(each.message and each.since.seconds for each in problems.values())
    assert overview.account_count >= 1
