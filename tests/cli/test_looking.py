"""The commands that show and change declarations.

They run against a server and a simulated AWS.
"""

from __future__ import annotations

import json

import ecrkeeper
import pytest
import yaml
from ecrkeeper.v1.fleet_pb2 import Fleet

from tests import harness
from tests.cli.conftest import Command
from tests.e2e.live import Live

RULES = [{"ecrRepositoryPrefix": "cache", "upstreamRegistryUrl": "public.ecr.aws"}]


@pytest.fixture
def declared(live: Live, account: str) -> str:
    """Return an account with a replicating registry in us-east-1, in sync.

    The registry replicates `app/` to eu-west-1 and has a cache rule.
    """
    name = f"accounts/{account}/registries/us-east-1/settings/team-a"
    destination = {"region": "eu-west-1", "registryId": account}
    filters = [{"filter": "app/", "filterType": "PREFIX_MATCH"}]
    rules = {"rules": [{"destinations": [destination], "repositoryFilters": filters}]}
    live.client.apply_registry_settings(
        name, {"replicationConfiguration": rules, "pullThroughCacheRules": RULES}, reason="set up"
    )
    live.client.wait_until_synced(name, 60)
    return account


def test_status_and_get_show_a_registry(cli: Command, declared: str) -> None:
    row = f"{declared}/us-east-1  Ready  ENFORCE  1       2         0      -\n"
    shown = cli("status", "--account", declared)
    assert (shown.status, shown.out.splitlines(keepends=True)[1]) == (0, row)
    assert shown.err == "1 of 1 registries are ready\n"
    assert cli("get", f"{declared}/us-east-1").out.endswith(row)
    assert cli("list", "registries", "--account", declared, "-o", "name").out == (
        f"accounts/{declared}/registries/us-east-1\n"
    )
    assert json.loads(cli("get", f"{declared}/us-east-1", "-o", "json").out)["owners"] == ["team-a"]


def test_lists_have_all_kinds(cli: Command, declared: str) -> None:
    elements = cli("list", "elements", f"{declared}/us-east-1")
    assert f"replication_configuration  {declared}/eu-west-1:app/  IN_SYNC  team-a" in elements.out
    row = f"| {declared}/replication | Ready | ENFORCE | AUTO_CREATED | ACTIVE |  |"
    harness.eventually(lambda: row in cli("list", "roles", "--account", declared, "-o", "markdown").out)
    declarations = cli("list", "declarations", "--account", declared, "-o", "yaml")
    (document,) = yaml.safe_load_all(declarations.out)
    assert document["settings"]["pullThroughCacheRules"]["rules"] == RULES


def test_describe_shows_conditions_owners_and_quotas(cli: Command, declared: str) -> None:
    shown = cli("describe", f"{declared}/us-east-1").out
    for text in ("state         Ready", "Synced     TRUE", "team-a  Ready", "pull-through cache rules  1 of 50"):
        assert text in shown
    assert "generation    1" in cli("describe", f"{declared}/us-east-1/team-a").out
    assert "mode          ENFORCE" in cli("describe", f"{declared}/replication").out


@pytest.mark.parametrize("tail", ["", ":latest", "@sha256:00"])
def test_explain_takes_the_uri_of_an_image(cli: Command, declared: str, tail: str) -> None:
    shown = cli("explain", f"{declared}.dkr.ecr.us-east-1.amazonaws.com/app/api{tail}")
    assert shown.status == 0
    assert f"replication  {declared}/eu-west-1:app/  team-a" in shown.out
    assert "ARRIVES" in shown.out
    cached = cli("explain", "cache/nginx", f"{declared}/us-east-1")
    assert "cache rule  cache    team-a  from nginx" in cached.out


def test_usage_names_the_region_and_its_owner(cli: Command, declared: str) -> None:
    shown = cli("usage", f"{declared}/replication")
    assert shown.status == 1
    assert f"us-east-1  IN_USE  team-a  {declared}/eu-west-1:app/" in shown.out
    assert "cannot be deleted" in shown.err
    assert cli("delete-role", f"{declared}/replication").status == 1


def test_checks_of_replication_and_cache_rule(cli: Command, declared: str) -> None:
    checked = cli("check-replication", f"{declared}/us-east-1")
    assert (checked.status, f"{declared}/eu-west-1  OK" in checked.out) == (0, True)
    assert cli("check-cache-rule", f"{declared}/us-east-1", "cache").status == 0


def test_pause_and_resume(cli: Command, declared: str) -> None:
    assert cli("pause", f"{declared}/us-east-1").status == 0
    assert "Paused" in cli("get", f"{declared}/us-east-1").out
    waited = cli("wait", f"{declared}/us-east-1")
    assert waited.status == 1
    assert "the mode is PAUSED" in waited.err
    assert cli("resume", f"{declared}/us-east-1").status == 0
    assert cli("reconcile", f"{declared}/us-east-1").out == f"{declared}/us-east-1 is in sync\n"
    assert cli("wait", f"{declared}/us-east-1", f"{declared}/us-east-1/team-a").status == 0
    assert f"{declared}/us-east-1" in cli("operations", "--filter", f"account = {declared}").out


def test_pause_of_a_role_that_nobody_declares_says_so(cli: Command, declared: str) -> None:
    ended = cli("pause", f"{declared}/replication")
    assert ended.status == 1
    assert ended.err.startswith(f"error: {declared}/replication is not declared, so it has no mode")


def test_pause_of_a_registry_that_is_not_there_makes_none(cli: Command, account: str) -> None:
    assert cli("pause", f"{account}/us-east-1").status == 1
    assert cli("list", "registries", "--account", account, "-o", "name").out == ""


def test_history_and_rollback(cli: Command, live: Live, declared: str) -> None:
    name = f"{declared}/us-east-1/team-a"
    live.client.apply_registry_settings(f"accounts/{declared}/registries/us-east-1/settings/team-a", {})
    listed = cli("history", name, "--changes")
    assert "set up" in listed.out
    assert "- pull_through_cache_rules   cache" in listed.out
    assert cli("rollback", name, "1").status == 0
    assert [each["ecrRepositoryPrefix"] for each in live.aws.registry(account=declared)["pullThroughCacheRules"]] == [
        "cache"
    ]


def test_delete_can_leave_aws_unchanged(cli: Command, live: Live, declared: str) -> None:
    name = f"{declared}/us-east-1/team-a"
    assert cli("delete", name, "--abandon").out == f"{name} is deleted; AWS keeps what it declared\n"
    assert live.aws.registry(account=declared)["pullThroughCacheRules"]
    assert cli("import", name).status == 0
    assert "cache" in cli("get", name, "-o", "yaml").out
    assert cli("get", f"{declared}/us-east-1/team-b").status == 1


def test_drift_is_shown_with_its_owner(cli: Command, live: Live, declared: str) -> None:
    live.client.update_registry({"name": f"accounts/{declared}/registries/us-east-1", "mode": "OBSERVE"})
    live.aws.seed({"pullThroughCacheRules": []}, account=declared)
    live.client.get_registry(f"accounts/{declared}/registries/us-east-1", refresh=True)
    cli("reconcile", f"{declared}/us-east-1", "--wait-timeout", "5")
    shown = cli("diff", f"{declared}/us-east-1")
    assert shown.status == 2
    assert "+ pull_through_cache_rules  cache  team-a" in shown.out
    assert cli("status", "--account", declared, "--filter", "drift = true").out.count(declared) == 1


def test_audit_and_watch_show_changes(cli: Command, declared: str) -> None:
    shown = cli("audit", "--filter", f"account = {declared}")
    assert "UpdateRegistrySettings" in shown.out
    assert "ecr:PutReplicationConfiguration" in shown.out
    watched = cli("watch", "--account", declared, "--for", "1")
    assert watched.status == 0
    assert watched.out.rstrip().endswith(f"Ready      {declared}/us-east-1")


def test_whoami_and_doctor(cli: Command, declared: str) -> None:
    assert "none: the server does not ask who calls" in cli("whoami").out
    checked = cli("doctor", declared)
    assert checked.status == 0
    assert [line.split()[:2] for line in checked.out.splitlines()] == [
        ["ok", "profile:"], ["ok", "connection:"], ["ok", "token:"], ["ok", "server:"], ["ok", "rights:"], ["ok", "account"],
        ["ok", "events:"],
    ]  # fmt: skip


def test_doctor_names_silent_registries(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecrkeeper.Client, "get_fleet", lambda _: Fleet(silent_registry_count=2))
    ended = cli("doctor")
    assert ended.status == 1
    assert "error events: none arrive from 2 registries" in ended.out


def test_describe_shows_an_error_once(cli: Command, live: Live, account: str) -> None:
    limit = {"kind": "error", "operation": "CreatePullThroughCacheRule", "account": account, "status": 400}
    live.aws.inject({**limit, "code": "LimitExceededException", "message": "too many rules"})
    name = f"accounts/{account}/registries/us-east-1/settings/team-a"
    live.client.apply_registry_settings(name, {"pullThroughCacheRules": RULES})
    with pytest.raises(ecrkeeper.OperationFailed):
        live.client.wait_until_synced(name, 60)
    live.aws.clear_faults()
    shown = cli("describe", f"{account}/us-east-1/team-a").out
    assert shown.count("too many rules") == 1, shown
    assert "Blocked    TRUE    AWS_QUOTA_EXCEEDED  see the error below" in shown
