"""Registry sets, accounts and rollouts on the command line."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml
from ecrkeeper.v1.fleet_pb2 import Account
from ecrkeeper_cli.fleet_plans import planned
from ecrkeeper_cli.items import Wanted
from ecrkeeper_files.documents import Documents, Treatment

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

    def write_account(self) -> None:
        self._write("account", {"kind": "Account", "name": f"accounts/{self.account}",
                                "labels": {"set": self.id}, "enabledRegions": ["us-east-1"]})  # fmt: skip

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
    repeated = cli("plan", "-f", fleet.path)
    assert (repeated.status, repeated.out) == (0, "No changes in 2 documents: AWS has what is declared.\n")
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
    rejected = cli("rollout", "approve", fleet.id)
    assert (rejected.status, "ROLLOUT_STATE" in rejected.err or "approv" in rejected.err) == (1, True), rejected
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
    rejected = cli("set", "apply", "-f", fleet.path)
    assert (rejected.status, "set `allow_removals` to 1" in rejected.err) == (1, True), rejected
    assert cli("set", "apply", "-f", fleet.path, "--allow-removals", "1").status == 0
    assert cli("rollout", "watch", fleet.id, "--timeout", "60").status == 0
    deleted = cli("set", "delete", f"registrySets/{fleet.id}", "--allow-removals", "1")
    assert f"ecrkeeper rollout watch {fleet.id}/4" in deleted.out, deleted
    assert cli("rollout", "watch", f"{fleet.id}/4", "--timeout", "60").status in (0, 1)


@pytest.mark.parametrize(
    ("now", "stale", "reason"),
    [
        ({"etag": "2"}, False, "another etag of the same content"),
        ({"etag": "1", "labels": {"env": "dev"}}, True, "another content"),
    ],
)
def test_saved_plan_of_an_account_is_stale_by_content(now: dict[str, object], stale: bool, reason: str) -> None:
    name = "accounts/111111111111"
    document = Treatment("Account", name, {"labels": {"env": "prod"}})

    class Fake:
        current = Account(name=name, etag="1")

        def get_account(self, _: str) -> Account:
            return self.current

        def update_account(self, *_: object, **__: object) -> Account:
            return Account(name=name, labels={"env": "prod"})

    client: Any = Fake()
    digest = planned(client, document, Wanted(Documents())).digest
    client.current = Account(name=name, **now)  # type: ignore[arg-type]
    requested = Wanted(Documents(), digests={name: digest})
    if stale:
        with pytest.raises(ValueError, match="the plan is stale: it has changed since"):
            planned(client, document, requested)
    else:
        assert planned(client, document, requested).etag == now["etag"], reason


@pytest.mark.parametrize(
    ("arguments", "message", "reason"),
    [
        (("rollout", "get", "Quay/1"), "must have the form quay/3", "capital letters"),
        (("rollout", "get", "quay/rollouts/1"), "must have the form quay/3", "half a full name"),
        (("rollout", "get", "missing-set"), "error:", "no set of that name"),
        (("set", "get", "accounts/1"), "must have the form quay", "another resource"),
    ],
)
def test_wrong_names_are_rejected(cli: Command, arguments: tuple[str, ...], message: str, reason: str) -> None:
    ended = cli(*arguments)
    assert (ended.status, message.lower() in ended.err.lower()) == (1, True), (reason, ended)


def test_set_apply_takes_documents_of_the_fleet_only(cli: Command, fleet: Fleet) -> None:
    (fleet.folder / "a.yaml").write_text(
        "apiVersion: ecrkeeper/v1\nkind: Registry\nname: accounts/111111111111/registries/us-east-1\nmode: ENFORCE\n"
    )
    ended = cli("set", "apply", "-f", fleet.path)
    assert (ended.status, "takes RegistrySet and Account only" in ended.err) == (1, True), ended
