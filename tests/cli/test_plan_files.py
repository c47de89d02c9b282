"""Saved plans: apply carries them out as they were shown, or writes nothing."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.files import Files, rule
from tests.e2e.live import Live


def prefixes(live: Live, files: Files, region: str = "us-east-1") -> list[str]:
    rules = live.aws.registry(account=files.account, region=region)["pullThroughCacheRules"]
    return sorted(each["ecrRepositoryPrefix"] for each in rules)


@pytest.fixture
def saved(tmp_path: Path) -> str:
    return str(tmp_path / "plan.json")


def test_saved_plan_of_several_documents_is_carried_out(cli: Command, live: Live, files: Files, saved: str) -> None:
    files.write("team-a", rule("aa"))
    files.write("team-b", rule("bb"))
    files.write("team-c", rule("cc"), region="eu-west-1", head="deletionPolicy: ABANDON\n")
    (files.folder / "registry.yaml").write_text(
        f"apiVersion: ecrkeeper/v1\nkind: Registry\nname: accounts/{files.account}/registries/us-east-1\n"
        "unmanagedElements: PRUNE\n---\n"
        f"apiVersion: ecrkeeper/v1\nkind: ServiceLinkedRole\nname: accounts/{files.account}/serviceLinkedRoles/replication\n"
        'description: "ü: \\"#1\\""\ntags: {team: web}\n'
    )
    planned = cli("plan", "-f", files.path, "--apply-group", f"g{files.account}", "--out", saved)
    assert (planned.status, planned.err) == (2, f"saved; to carry it out: ecrkeeper apply {saved}\n")
    assert stat.S_IMODE(Path(saved).stat().st_mode) == 0o600
    for path in files.folder.iterdir():
        path.unlink()
    applied = cli("apply", saved, "--reason", "as planned")
    assert applied.status == 0, applied
    assert applied.out.splitlines()[-1] == "3 declarations are in sync with AWS"
    assert (prefixes(live, files), prefixes(live, files, "eu-west-1")) == (["aa", "bb"], ["cc"])
    shown = cli("get", f"{files.account}/eu-west-1/team-c", "-o", "yaml").out
    assert f"deletionPolicy: ABANDON\napplyGroup: g{files.account}\n" in shown
    assert 'ü: "#1"' in cli("get", f"{files.account}/replication", "-o", "json").out.replace("\\", "")
    repeated = cli("apply", saved)
    assert repeated.status == 1
    assert "the plan is stale" in repeated.err
    assert repeated.err.endswith("nothing was written\n")


def test_saved_plan_prunes(cli: Command, live: Live, files: Files, saved: str) -> None:
    group = ("--apply-group", f"g{files.account}", "--prune")
    files.write("team-a", rule("aa"))
    files.write("team-b", rule("bb"))
    assert cli("apply", "-f", files.path, *group).status == 0
    (files.folder / "team-b.yaml").unlink()
    assert cli("plan", "-f", files.path, *group, "--owner", "team-b", "--out", saved).status == 2
    files.write("team-z", rule("zz"))
    assert cli("apply", saved).status == 0
    assert cli("get", f"{files.account}/us-east-1/team-b").status == 1
    assert cli("get", f"{files.account}/us-east-1/team-z").status == 1, "only the plan is carried out"


def other_owner(cli: Command, live: Live, files: Files) -> None:
    other = Files(files.folder.parent / "other", files.account)
    other.write("team-x", rule("xx"))
    assert cli("apply", "-f", other.path).status == 0


def aws(cli: Command, live: Live, files: Files) -> None:
    live.aws.seed({"pullThroughCacheRules": []}, "us-east-1", files.account)


@pytest.mark.parametrize(
    ("move", "message", "reason"),
    [
        (other_owner, "the registry has generation 3, and the plan is for 2", "another owner declared"),
        (aws, "AWS has another pull_through_cache_rules", "somebody changed AWS"),
    ],
)
def test_stale_plan_writes_nothing_and_names_the_changed_part(
    cli: Command, live: Live, files: Files, saved: str, move: Callable[..., None], message: str, reason: str
) -> None:
    files.write("team-a", rule("aa"))
    assert cli("apply", "-f", files.path).status == 0
    files.write("team-a", rule("aa"), rule("more"))
    files.write("team-b", rule("bb"), region="eu-west-1")
    assert cli("plan", "-f", files.path, "--out", saved).status == 2
    move(cli, live, files)
    ended = cli("apply", saved)
    assert (ended.status, message in ended.err) == (1, True), (reason, ended)
    assert ended.err.endswith("nothing was written\n")
    assert cli("get", f"{files.account}/eu-west-1/team-b").status == 1, "no document is written"


def test_plan_with_errors_is_not_saved(cli: Command, files: Files, saved: str) -> None:
    files.write("team-a", rule("UPPER"))
    assert cli("plan", "-f", files.path, "--out", saved).status == 1
    assert not Path(saved).exists()


def test_plan_that_cannot_be_saved_names_its_file(cli: Command, files: Files) -> None:
    files.write("team-a", rule("aa"))
    ended = cli("plan", "-f", files.path, "--out", "/nonexistent/x.plan")
    assert (ended.status, ended.err) == (
        1,
        "error: /nonexistent/x.plan: cannot be written: No such file or directory\n",
    )


@pytest.mark.parametrize(
    ("arguments", "message", "reason"),
    [
        ((), "give files with -f, or the file of a plan", "neither"),
        (("plan.json", "-f", "a.yaml"), "give files with -f, or the file of a plan", "both"),
        (("plan.json", "--force"), "a plan has the files, the group and --force already", "an option of the plan"),
        (("missing.json",), "missing.json: No such file", "no file"),
        (("text.json",), "is no plan of `ecrkeeper plan --out`", "another file"),
        (("damaged.json",), "the plan is damaged", "a plan without digests"),
    ],
)
def test_wrong_plan_is_rejected(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.json").write_text("kind: RegistrySettings\n")
    Path("damaged.json").write_text(
        json.dumps({"apiVersion": "ecrkeeper/v1", "kind": "Plan", "force": False, "plans": [{"name": "a"}]})
    )
    ended = cli("apply", *arguments)
    assert (ended.status, message in ended.err) == (1, True), (reason, ended)


def test_force_names_elements_and_their_former_owners(cli: Command, files: Files, saved: str) -> None:
    files.write("team-a", rule("cache"))
    assert cli("apply", "-f", files.path).status == 0
    (files.folder / "team-a.yaml").unlink()
    files.write("team-b", rule("cache", "quay.io"), head="allowReplacement: true\n")
    taken_over = "pull_through_cache_rules cache from team-a"
    planned = cli("plan", "-f", files.path, "--force", "--out", saved)
    assert f"    ! {taken_over} is taken over\n" in planned.out
    assert f"| ! | takeover | `{taken_over}` |" in cli("plan", "-f", files.path, "--force", "-o", "markdown").out
    shape = json.loads(cli("plan", "-f", files.path, "--force", "-o", "json").out)
    (takeover,) = shape["documents"][0]["takeovers"]
    assert (takeover["owner"], takeover["key"], takeover["value"]["upstreamRegistryUrl"]) == (
        "team-a",
        "cache",
        "public.ecr.aws",
    )
    applied = cli("apply", saved)
    assert applied.status == 0, applied
    assert f"took over  {taken_over}\n" in applied.out


def test_declaration_that_appears_meanwhile_is_not_overwritten(
    cli: Command, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ecrkeeper_cli import apply_command

    for owner in ("a-first", "team-a", "z-last"):
        files.write(owner, rule("mine" if owner == "team-a" else owner))
    other = Files(files.folder.parent / "other", files.account)
    other.write("team-a", rule("theirs"))
    planned = apply_command.plan_all

    def meanwhile(*arguments: object) -> object:
        result = planned(*arguments)  # type: ignore[arg-type]
        monkeypatch.setattr(apply_command, "plan_all", planned)
        assert cli("apply", "-f", other.path).status == 0
        return result

    monkeypatch.setattr(apply_command, "plan_all", meanwhile)
    ended = cli("apply", "-f", files.path)
    assert ended.status == 1
    assert "exists; update it instead" in ended.err
    place = f"{files.account}/us-east-1"
    assert ended.err.splitlines()[-3:] == [
        f"  written:     {place}/a-first",
        f"  not written: {place}/team-a",
        f"  not written: {place}/z-last",
    ]
    assert "theirs" in cli("get", f"{files.account}/us-east-1/team-a", "-o", "yaml").out
