"""plan, apply and diff, and their errors.

They run against a server and a simulated AWS.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ecrkeeper_cli.writing import result_or_none

from tests import harness
from tests.cli.conftest import Command
from tests.cli.files import Files, rule
from tests.e2e.live import Live, rules


def test_plan_apply_and_plan_again(cli: Command, live: Live, files: Files) -> None:
    files.write("team-a", rule("ecr-public"), rule("quay", "quay.io"))
    planned = cli("plan", "-f", files.path)
    assert planned.status == 2
    short = f"{files.account}/us-east-1/team-a"
    assert planned.out.splitlines()[0] == f"+ {short}  {files.path}/team-a.yaml:1"
    assert "    + pull_through_cache_rules  ecr-public  team-a" in planned.out
    assert "1 document: 1 to create, 0 to update, 0 unchanged. Elements in AWS: 2 to add" in planned.out
    assert live.aws.registry(account=files.account)["pullThroughCacheRules"] == []
    applied = cli("apply", "-f", files.path, "--reason", "first")
    assert applied.status == 0
    assert f"in sync  {short}" in applied.out
    assert [r["ecrRepositoryPrefix"] for r in live.aws.registry(account=files.account)["pullThroughCacheRules"]] == [
        "ecr-public",
        "quay",
    ]
    repeated = cli("plan", "-f", files.path)
    assert (repeated.status, repeated.out) == (0, "No changes in 1 document: AWS has what is declared.\n")
    assert "first" in cli("history", short).out


def test_conflict_names_the_owner_and_writes_nothing(cli: Command, live: Live, files: Files) -> None:
    files.write("team-a", rule("cache"))
    assert cli("apply", "-f", files.path).status == 0
    files.write("team-b", rule("cache", "quay.io"))
    files.write("team-c", rule("other"))
    ended = cli("apply", "-f", files.path)
    assert ended.status == 1
    assert (
        f"{files.path}/team-b.yaml:1: {files.account}/us-east-1/team-b: pull_through_cache_rules cache: team-a"
        in ended.err
    )
    assert "  hint: --force takes the element over\n" in ended.err
    assert ended.err.endswith("nothing was written\n")
    assert cli("get", f"{files.account}/us-east-1/team-c").status == 1
    rules = live.aws.registry(account=files.account)["pullThroughCacheRules"]
    assert [each["upstreamRegistryUrl"] for each in rules] == ["public.ecr.aws"]


def test_removals_are_counted_and_need_permission(cli: Command, live: Live, files: Files) -> None:
    files.write("team-a", rule("one"), rule("two"), rule("three"))
    assert cli("apply", "-f", files.path).status == 0
    files.write("team-a", rule("one"))
    rejected = cli("apply", "-f", files.path, "--allow-removals", "1")
    assert rejected.status == 1
    assert "    - pull_through_cache_rules  two    team-a" in rejected.out
    assert "2 elements would be removed from AWS, and 1 may be; nothing was written" in rejected.err
    assert "--allow-removals 2" in rejected.err
    assert len(live.aws.registry(account=files.account)["pullThroughCacheRules"]) == 3
    assert cli("apply", "-f", files.path, "--allow-removals", "2").status == 0
    assert len(live.aws.registry(account=files.account)["pullThroughCacheRules"]) == 1


def test_diff_shows_members_that_change(cli: Command, files: Files) -> None:
    files.write("team-a", rule("cache"), head="allowReplacement: true\n")
    assert cli("apply", "-f", files.path).status == 0
    files.write("team-a", rule("cache", "quay.io"), head="allowReplacement: true\n")
    ended = cli("diff", "-f", files.path)
    assert ended.status == 2
    assert "    ± pull_through_cache_rules  cache  team-a\n" in ended.out
    assert "        ~ upstreamRegistryUrl  public.ecr.aws -> quay.io\n" in ended.out
    assert ended.out.count("±") == 1, "a replacement is two calls and one change"


def test_plan_has_formats_for_programs_and_people(cli: Command, files: Files) -> None:
    files.write("team-a", rule("cache"))
    name = f"accounts/{files.account}/registries/us-east-1/settings/team-a"
    shape = json.loads(cli("plan", "-f", files.path, "-o", "json").out)
    assert shape["changes"] is True
    assert shape["elements"] == {"add": 1, "update": 0, "replace": 0, "remove": 0}
    assert shape["documents"][0]["name"] == name
    assert shape["documents"][0]["changes"][0]["key"] == "cache"
    assert yaml.safe_load(cli("plan", "-f", files.path, "-o", "yaml").out) == shape
    assert cli("plan", "-f", files.path, "-o", "name").out == f"{name}\n"
    shown = cli("plan", "-f", files.path, "-o", "markdown")
    assert f"| `{files.account}/us-east-1/team-a` | + | pull_through_cache_rules | `cache` |" in shown.out
    assert shown.status == 2


def test_error_of_the_server_has_the_line_of_the_file(cli: Command, files: Files) -> None:
    files.write("team-a", rule("cache"), rule("UPPER"))
    ended = cli("plan", "-f", files.path)
    assert ended.status == 1
    assert f"{files.path}/team-a.yaml:7: settings.pull_through_cache_rules.rules[1].ecr_repository_prefix" in ended.err


def test_each_violation_is_reported_once(cli: Command, files: Files) -> None:
    files.write("team-a", rule("UPPER"))
    at = f"{files.account}/us-east-1/team-a"
    path = "settings.pull_through_cache_rules.rules[0].ecr_repository_prefix"
    only = cli("plan", "-f", files.path).err.splitlines()
    assert only[0].startswith(f"error: {files.path}/team-a.yaml:6: {path}: must be"), only
    assert (only[0].endswith("[INVALID_FIELDS]"), len(only)) == (True, 2), only
    files.write("team-a", rule("UPPER"), rule("LOWER"))
    both = cli("plan", "-f", files.path).err.splitlines()
    assert both[0] == f"error: {files.path}/team-a.yaml:1: {at}: 2 violations [INVALID_FIELDS]"
    assert [line.split(": ")[0] for line in both[1:3]] == [f"  {files.path}/team-a.yaml:{line}" for line in (6, 7)]
    assert len(both) == 4, both


def test_paused_registry_is_not_reported_in_sync(cli: Command, files: Files) -> None:
    files.write("team-a", rule("cache"))
    assert cli("apply", "-f", files.path).status == 0
    assert cli("pause", f"{files.account}/us-east-1").status == 0
    files.write("team-a", rule("other"))
    ended = cli("apply", "-f", files.path)
    assert (ended.status, ended.err) == (0, "")
    assert f"not waited for  {files.account}/us-east-1/team-a: does not get in sync by itself" in ended.out
    assert "in sync with AWS" not in ended.out


def test_registry_and_role_documents_are_applied_before_declarations(cli: Command, live: Live, files: Files) -> None:
    files.write("team-a", rule("cache"))
    head = "---\napiVersion: ecrkeeper/v1\n"
    (files.folder / "z.yaml").write_text(
        f"{head}kind: Registry\nname: accounts/{files.account}/registries/us-east-1\nmode: OBSERVE\n"
        f"{head}kind: ServiceLinkedRole\nname: accounts/{files.account}/serviceLinkedRoles/replication\ntags: {{a: b}}\n"
    )
    assert cli("plan", "-f", files.path).status == 2
    ended = cli("apply", "-f", files.path)
    assert ended.status == 0, ended.err
    assert "not waited for" in ended.out
    assert live.aws.registry(account=files.account)["pullThroughCacheRules"] == []
    assert cli("plan", "-f", f"{files.path}/z.yaml").status == 0
    assert cli("diff", f"{files.account}/us-east-1").status == 2
    assert "OBSERVE" in cli("get", f"{files.account}/us-east-1").out
    (files.folder / "z.yaml").write_text((files.folder / "z.yaml").read_text().replace("OBSERVE", "ENFORCE"))
    changed = cli("plan", "-f", f"{files.path}/z.yaml")
    assert "    ~ mode: OBSERVE -> ENFORCE" in changed.out
    assert cli("apply", "-f", files.path).status == 0
    assert live.aws.registry(account=files.account)["pullThroughCacheRules"] != []


def test_role_that_ecr_created_is_declared(cli: Command, live: Live, files: Files) -> None:
    place = live.registry(files.account)
    place.converged({"replicationConfiguration": rules((files.account, "eu-west-1"))})
    name = f"accounts/{files.account}/serviceLinkedRoles/replication"
    role = harness.eventually(lambda: result_or_none(lambda: live.client.get_service_linked_role(name)))
    assert role.provenance == role.Provenance.AUTO_CREATED
    (files.folder / "role.yaml").write_text(f"apiVersion: ecrkeeper/v1\nkind: ServiceLinkedRole\nname: {name}\n")
    planned = cli("plan", "-f", files.path)
    assert planned.status == 2, planned
    assert f"+ {files.account}/replication (ServiceLinkedRole)" in planned.out
    assert cli("apply", "-f", files.path).status == 0
    assert cli("plan", "-f", files.path).status == 0
    assert cli("pause", f"{files.account}/replication").status == 0, "a role that is declared has a mode"


def test_declaration_in_yaml_can_be_applied_as_it_is(cli: Command, files: Files, tmp_path: Path) -> None:
    files.write("team-a", rule("cache"), head="deletionPolicy: ABANDON\n")
    assert cli("apply", "-f", files.path).status == 0
    shown = tmp_path / "shown.yaml"
    shown.write_text(cli("get", f"{files.account}/us-east-1/team-a", "-o", "yaml").out)
    assert cli("plan", "-f", str(shown)).status == 0


def test_variables_are_replaced_with_env(cli: Command, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write("team-a", rule("'${PREFIX}'"))
    assert cli("plan", "-f", files.path).status == 1
    assert "the variable PREFIX is not set" in cli("plan", "--env", "-f", files.path).err
    monkeypatch.setenv("PREFIX", "cache")
    assert "pull_through_cache_rules  cache" in cli("plan", "--env", "-f", files.path).out


def test_failed_wait_has_the_cause(cli: Command, live: Live, files: Files) -> None:
    files.write("team-a", rule("cache"))
    assert cli("apply", "-f", files.path).status == 0
    files.write("team-a", rule("cache", "quay.io"))
    ended = cli("apply", "-f", files.path, "--wait-timeout", "60")
    assert ended.status == 1
    assert "warning: pull_through_cache_rules: ECR cannot change upstreamRegistryUrl" in ended.out
    assert f"error: {files.account}/us-east-1/team-a: pull_through_cache_rules: ECR cannot change" in ended.err
    assert "hint: set allowReplacement: true in the declaration" in ended.err
    assert "1 of 1 declarations are not in sync" in ended.err


def test_validate_needs_no_server(command: Command, files: Files) -> None:
    files.write("team-a", rule("cache"))
    assert command("validate", "-f", files.path).out == "1 document is valid\n"
    (files.folder / "team-a.yaml").write_text((files.folder / "team-a.yaml").read_text().replace("upstream", "up"))
    ended = command("validate", "-f", files.path)
    assert ended.status == 1
    assert "team-a.yaml:6: settings.pull_through_cache_rules.rules[0].upRegistryUrl: is not a member here" in ended.err


def test_validate_checks_registries_and_roles(command: Command, tmp_path: Path) -> None:
    head = "apiVersion: ecrkeeper/v1\nname: accounts/111111111111/"
    registry = f"{head}registries/us-east-1\nkind: Registry\nmode: ENFORCED\nunmanagedElements: KEEP\n"
    role = f"{head}serviceLinkedRoles/replication\nkind: ServiceLinkedRole\ntags: {{a: 1}}\n"
    (tmp_path / "a.yaml").write_text(f"{registry}---\n{role}")
    ended = command("validate", "-f", str(tmp_path / "a.yaml"))
    assert ended.status == 1
    for message in (
        "a.yaml:4: mode: must be one of ENFORCE, OBSERVE, PAUSED",
        "a.yaml:5: unmanaged_elements: must be one of PRESERVE, PRUNE",
        "must be text, got int",
        "2 of 2 documents have errors",
    ):
        assert message in ended.err, ended.err
