"""The audit events of the calls that change a fleet."""

from __future__ import annotations

import ecrkeeper
import pytest

from tests.audit.test_calls import FLEET_CALLS
from tests.e2e.live import Live
from tests.fleet.fleets import Fleet, exclusion

GATED = {"waves": [{"rest": True, "gate": "APPROVAL"}]}


def test_every_change_of_a_fleet_records_one_event(either: Live) -> None:
    fleet = Fleet(either)
    (account,) = fleet.add(1, enabledRegions=["us-east-1"])
    client, rollouts = fleet.client, f"{fleet.set_name}/rollouts"
    client.update_account({"name": f"accounts/{account}", "display_name": "Payments"}, ["display_name"])
    fleet.create(exclusion("first"))
    fleet.ended()
    fleet.update(settings=exclusion("second"), strategy=GATED, options={"allow_removals": 1})
    waiting = fleet.ended("AWAITING_APPROVAL", number=2)
    client.pause_rollout(waiting.name)
    client.resume_rollout(waiting.name)
    fleet.ended("AWAITING_APPROVAL", number=2)
    client.cancel_rollout(waiting.name)
    fleet.ended("CANCELLED", number=2)
    client.roll_back_rollout(waiting.name)
    fleet.ended("ROLLED_BACK", number=2)
    client.delete_registry_set(fleet.set_name, allow_removals=1)
    expected = {
        "CreateAccount": f"accounts/{account}",
        "UpdateAccount": f"accounts/{account}",
        "CreateRegistrySet": fleet.set_name,
        "UpdateRegistrySet": fleet.set_name,
        "PauseRollout": f"{rollouts}/2",
        "ResumeRollout": f"{rollouts}/2",
        "CancelRollout": f"{rollouts}/2",
        "RollBackRollout": f"{rollouts}/2",
        "DeleteRegistrySet": fleet.set_name,
    }
    for method, resource in expected.items():
        recorded = [each for each in client.list_audit_events(f'method = {method} AND resource = "{resource}"')]
        assert len(recorded) == 1, (method, recorded)
    # `ApproveRollout` needs a second principal: test_bounds.py. `DeleteAccount` has a test of its own.
    assert {*expected, "ApproveRollout", "DeleteAccount"} == FLEET_CALLS


def test_deletion_of_an_account_records_an_event(either: Live) -> None:
    fleet = Fleet(either)
    (account,) = fleet.add(1)
    fleet.client.delete_account(f"accounts/{account}")
    with pytest.raises(ecrkeeper.NotFound):
        fleet.client.delete_account(f"accounts/{account}")
    recorded = list(fleet.client.list_audit_events(f"method = DeleteAccount AND account = {account}"))
    assert [event.resource for event in recorded] == [f"accounts/{account}"]
