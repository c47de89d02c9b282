"""Registry sets, accounts and rollouts on the command line."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Command
from tests.e2e.live import fresh_account


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path / "fleet")


class Fleet:
    """Files with a set of its own, and an account that only it matches."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.path = str(folder)
        self.id = f"s{uuid.uuid4().hex[:10]}"
        self.account = fresh_account()

    def write_account(self, *regions: str) -> None:
        self._write("account", {"kind": "Account", "name": f"accounts/{self.account}",
                                "labels": {"set": self.id}, "enabledRegions": ["us-east-1", *regions]})  # fmt: skip

    def write_set(self, *prefixes: str, **more: object) -> None:
        rules = [{"ecrRepositoryPrefix": each, "upstreamRegistryUrl": "quay.io"} for each in prefixes]
        self._write("set", {"kind": "RegistrySet", "name": f"registrySets/{self.id}",
                            "selector": {"accounts": f"labels.set = {self.id}"},
                            "settings": {"pullThroughCacheRules": rules}, **more})  # fmt: skip

    def _write(self, name: str, document: dict[str, object]) -> None:
        (self.folder / f"{name}.yaml").write_text(yaml.safe_dump({"apiVersion": "ecrkeeper/v1", **document}))


def test_set_is_applied_rolled_out_and_read_back(cli: Command, fleet: Fleet) -> None:
    fleet.write_account()
    assert cli("apply", "-f", fleet.path).status == 0
    fleet.write_set("quay")
    planned = cli("plan", "-f", fleet.path)
    assert planned.status == 2
    assert f"+ registrySets/{fleet.id} (RegistrySet)" in planned.out
    assert "    1 registry: add pull_through_cache_rules quay\n" in planned.out
    applied = cli("apply", "-f", fleet.path, "--reason", "first")
    assert applied.status == 0, applied
    follow = f"ecrkeeper rollout watch {fleet.id}/1"
    assert f"rolling out; to follow it: {follow}\n" in applied.out
    watched = cli("rollout", "watch", fleet.id, "--timeout", "60")
    assert (watched.status, "SUCCEEDED  wave 4 of 4  1 succeeded" in watched.out) == (0, True), watched
    again = cli("plan", "-f", fleet.path)
    assert (again.status, again.out) == (0, "No changes in 2 documents: AWS has what is declared.\n")
    shown = cli("set", "get", fleet.id, "-o", "yaml")
    (fleet.folder / "set.yaml").write_text(shown.out)
    assert cli("plan", "-f", fleet.path).status == 0, shown
    assert f"{fleet.account}/us-east-1  1         yes      yes\n" in cli("set", "targets", fleet.id).out
    assert "first" in cli("set", "history", fleet.id).out
    listed = json.loads(cli("rollout", "list", fleet.id, "-o", "json").out)
    assert [each["state"] for each in listed] == ["SUCCEEDED"]
    assert f"registrySets/{fleet.id}\n" in cli("set", "list", "-o", "name").out
    assert f"{fleet.account}/us-east-1" in cli("rollout", "targets", f"{fleet.id}/1").out


def test_rollout_is_paused_resumed_and_rolled_back(cli: Command, fleet: Fleet) -> None:
    fleet.write_account()
    waves = {"waves": [{"rest": True, "bake": "3600s"}]}
    fleet.write_set("quay", strategy=waves)
    assert cli("apply", "-f", str(fleet.folder / "account.yaml")).status == 0
    assert cli("set", "apply", "-f", fleet.path).status == 0
    paused = cli("rollout", "pause", f"{fleet.id}/1", "--reason", "wait")
    assert (paused.status, "PAUSED" in paused.out) == (0, True), paused
    assert "PAUSED" in cli("rollout", "get", fleet.id).out
    assert cli("rollout", "resume", fleet.id).status == 0
    refused = cli("rollout", "approve", fleet.id)
    assert (refused.status, "ROLLOUT_STATE" in refused.err or "approv" in refused.err) == (1, True), refused
    assert cli("rollout", "roll-back", fleet.id).status == 0
    assert cli("rollout", "watch", fleet.id, "--timeout", "60").status == 1, "it has not succeeded"
    assert "ROLLED_BACK" in cli("rollout", "get", fleet.id, "-o", "json").out


def test_set_that_changes_and_is_deleted(cli: Command, fleet: Fleet) -> None:
    fleet.write_account()
    assert cli("apply", "-f", fleet.path).status == 0
    fleet.write_set("quay")
    assert cli("set", "apply", "-f", fleet.path).status == 0
    assert cli("rollout", "watch", fleet.id, "--timeout", "60").status == 0
    saved = str(fleet.folder / "plan.out")
    fleet.write_set("quay", "more", maxRemovals={"count": 0})
    planned = cli("plan", "-f", fleet.path, "--out", saved)
    assert "    ~ settings: a template -> another template\n" in planned.out
    assert "    1 registry: add pull_through_cache_rules more\n" in planned.out
    assert cli("apply", saved).status == 0
    stale = cli("apply", saved)
    assert (stale.status, "the plan is stale: it has changed since" in stale.err) == (1, True), stale
    assert cli("rollout", "watch", fleet.id, "--timeout", "60").status == 0
    fleet.write_set("quay", maxRemovals={"count": 0})
    refused = cli("set", "apply", "-f", fleet.path)
    assert (refused.status, "set `allow_removals` to 1" in refused.err) == (1, True), refused
    assert cli("set", "apply", "-f", fleet.path, "--allow-removals", "1").status == 0
    assert cli("rollout", "watch", fleet.id, "--timeout", "60").status == 0
    deleted = cli("set", "delete", f"registrySets/{fleet.id}", "--allow-removals", "1")
    assert f"ecrkeeper rollout watch {fleet.id}/4" in deleted.out, deleted
    assert cli("rollout", "watch", f"{fleet.id}/4", "--timeout", "60").status in (0, 1)


def test_saved_plan_of_a_fleet_is_stale_by_content_only(cli: Command, fleet: Fleet) -> None:
    fleet.write_account()
    assert cli("apply", "-f", fleet.path).status == 0
    fleet.write_set("quay")
    saved = str(fleet.folder / "plan.out")
    assert cli("plan", "-f", fleet.path, "--out", saved).status == 2
    fleet.write_account("eu-west-1")
    account = str(fleet.folder / "account.yaml")
    assert cli("apply", "-f", account).status == 0
    stale = cli("apply", saved)
    assert (stale.status, stale.err.count("the plan is stale")) == (1, 2), stale
    assert f"accounts/{fleet.account}: the plan is stale: it has changed since" in stale.err
    assert f"registrySets/{fleet.id}: the plan is stale: it would change other registries" in stale.err
    fleet.write_account()
    assert cli("apply", "-f", account).status == 0
    applied = cli("apply", saved)
    assert applied.status == 0, f"the account has another etag, and the content that was planned: {applied}"


@pytest.mark.parametrize(
    ("arguments", "said", "reason"),
    [
        (("rollout", "get", "Quay/1"), "must have the form quay/3", "capital letters"),
        (("rollout", "get", "quay/rollouts/1"), "must have the form quay/3", "half a full name"),
        (("rollout", "get", "missing-set"), "error:", "no set of that name"),
        (("set", "get", "accounts/1"), "must have the form quay", "another resource"),
    ],
)
def test_wrong_names_are_rejected(cli: Command, arguments: tuple[str, ...], said: str, reason: str) -> None:
    ended = cli(*arguments)
    assert (ended.status, said.lower() in ended.err.lower()) == (1, True), (reason, ended)


def test_set_apply_takes_documents_of_the_fleet_only(cli: Command, fleet: Fleet) -> None:
    (fleet.folder / "a.yaml").write_text(
        "apiVersion: ecrkeeper/v1\nkind: Registry\nname: accounts/111111111111/registries/us-east-1\nmode: ENFORCE\n"
    )
    ended = cli("set", "apply", "-f", fleet.path)
    assert (ended.status, "takes RegistrySet and Account only" in ended.err) == (1, True), ended
