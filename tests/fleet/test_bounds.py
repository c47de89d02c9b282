"""A set reaches no further than its author could by single calls."""

from __future__ import annotations

from collections.abc import Iterator

import ecrkeeper
import grpc
import pytest
import trustme

from tests import harness
from tests.e2e.live import Live, rejection
from tests.e2e.secured import Secured, secured
from tests.fleet.fleets import Fleet, exclusion

MINE, OTHER = "111111111111", "222222222222"
POLICY = f"""
rules:
  - {{name: platform, principals: [platform.example], verbs: ["*"]}}
  - {{name: team, principals: [team.example], verbs: [read, write], accounts: ["{MINE}"], owners: [team-set]}}
  - {{name: boss, principals: [boss.example], verbs: [read, approve], owners: [team-set]}}
"""
DENIED = grpc.StatusCode.PERMISSION_DENIED
SELECTOR = {"accounts": "labels.fleet = team-set"}


@pytest.fixture(scope="module")
def served(simulated_aws: harness.Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder, authority = tmp_path_factory.mktemp("server"), trustme.CA()
    (folder / "policy.yaml").write_text(POLICY)
    authority.cert_pem.write_to_path(folder / "clients.pem")
    simulated_aws.control("POST", "reset")
    with secured(
        folder, simulated_aws, authority,
        tls_client_ca_file=folder / "clients.pem", policy_file=folder / "policy.yaml", reflection="false",
    ) as server:  # fmt: skip
        yield server


@pytest.fixture(scope="module")
def clients(served: Secured) -> Iterator[dict[str, ecrkeeper.Client]]:
    by_name = {
        name: served.client(certificate=served.authority.issue_cert(f"{name}.example"))
        for name in ("platform", "team", "boss")
    }
    yield by_name
    for client in by_name.values():
        client.close()


def test_set_stays_within_the_bounds_of_its_author(
    served: Secured, clients: dict[str, ecrkeeper.Client], simulated_aws: harness.Simulator
) -> None:
    platform, team, boss = clients["platform"], clients["team"], clients["boss"]
    account = {"labels": {"fleet": "team-set"}, "enabledRegions": ["us-east-1"]}
    rejection(DENIED, team.create_account, MINE, account)
    platform.create_account(MINE, account)
    platform.create_account(OTHER, {**account, "labels": {"unit": "hidden value"}})
    gated = {"waves": [{"rest": True, "gate": "APPROVAL"}]}
    content = {"selector": SELECTOR, "settings": exclusion("scanner"), "strategy": gated}
    wide = {**content, "selector": {}}
    error = rejection(DENIED, team.create_registry_set, "team-set", wide)
    assert f"accounts/{OTHER}/registries/us-east-1/settings/team-set" in str(error)
    for settings in (exclusion("${label:unit}"), exclusion("${label:missing}")):
        # Without the bounds, the rejected settings would show the label.
        hidden = {**content, "selector": {"accounts": f"account = {OTHER}"}, "settings": settings}
        error = rejection(DENIED, team.create_registry_set, "team-set", hidden)
        assert "hidden value" not in str(error)
    platform.update_account({"name": f"accounts/{OTHER}", "state": "SUSPENDED"}, ["state"])
    rejection(DENIED, team.create_registry_set, "team-set", wide, validate_only=True)
    platform.update_account({"name": f"accounts/{OTHER}", "state": "ACTIVE"}, ["state"])
    rejection(DENIED, team.create_registry_set, "another-set", content)
    rejection(DENIED, boss.create_registry_set, "team-set", content)
    team.create_registry_set("team-set", content)
    fleet = Fleet(Live(served.server, simulated_aws, platform), "team-set", [MINE])
    waiting = fleet.ended("AWAITING_APPROVAL")
    assert waiting.principal == "team.example"
    rejection(DENIED, team.approve_rollout, waiting.name)
    rejection(DENIED, boss.pause_rollout, waiting.name)
    boss.approve_rollout(waiting.name)
    fleet.ended()
    rejection(DENIED, team.update_registry_set, {"name": fleet.set_name, "selector": {}}, ["selector"])
    approvals = platform.list_audit_events('method = ApproveRollout AND principal = "boss.example"')
    assert [event.resource for event in approvals] == [waiting.name]


def test_growth_beyond_the_bounds_fails(
    served: Secured, clients: dict[str, ecrkeeper.Client], simulated_aws: harness.Simulator
) -> None:
    platform = clients["platform"]
    since = simulated_aws.position()
    platform.update_account({"name": f"accounts/{OTHER}", "labels": {"fleet": "team-set"}}, ["labels"])
    fleet = Fleet(Live(served.server, simulated_aws, platform), "team-set", [MINE])
    fleet.ended("HALTED", number=2)
    (target,) = fleet.targets(2)
    assert (target.registry, target.reason) == (f"accounts/{OTHER}/registries/us-east-1", "ACCESS_DENIED")
    assert OTHER not in {call["account"] for call in simulated_aws.writes(since)}
    targets = [each.registry for each in clients["team"].list_registry_set_targets(fleet.set_name)]
    assert targets == [f"accounts/{MINE}/registries/us-east-1"], "nobody sees targets that it may not read"
    verbs = clients["boss"].who_am_i("registrySets/team-set").verbs
    assert sorted(verbs) == ["approve", "read"]
