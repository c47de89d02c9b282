"""Apply groups: declarations that no file has any more are deleted."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Command
from tests.cli.files import Files, rule
from tests.e2e.live import Live


def group(files: Files) -> tuple[str, str]:
    """The options of a group that other tests do not have."""
    return "--apply-group", f"web-{files.account}"


def rules(live: Live, files: Files, region: str = "us-east-1") -> list[str]:
    cache_rules = live.aws.registry(account=files.account, region=region)["pullThroughCacheRules"]
    return sorted(each["ecrRepositoryPrefix"] for each in cache_rules)


def declared(cli: Command, files: Files) -> list[str]:
    listed = cli("list", "declarations", "--account", files.account, "-o", "name")
    return [name.rpartition("/")[2] for name in listed.out.split()]


@pytest.fixture
def both(cli: Command, files: Files) -> Files:
    """Two declarations of one group and one owner, in two Regions."""
    files.write("team-a", rule("one"))
    (files.folder / "team-a.yaml").rename(files.folder / "one.yaml")
    files.write("team-a", rule("two"), region="us-west-2")
    assert cli("apply", "-f", files.path, *group(files)).status == 0
    return files


def test_plan_shows_the_declarations_that_apply_prunes(cli: Command, live: Live, both: Files) -> None:
    (both.folder / "team-a.yaml").unlink()
    planned = cli("plan", "-f", both.path, *group(both), "--prune")
    assert planned.status == 2
    assert f"- {both.account}/us-west-2/team-a\n    - pull_through_cache_rules  two  team-a\n" in planned.out
    assert "1 unchanged, 1 to delete" in planned.out
    assert declared(cli, both) == ["team-a", "team-a"], "a plan writes nothing"
    applied = cli("apply", "-f", both.path, *group(both), "--prune")
    assert applied.status == 0, applied
    assert f"deleted  {both.account}/us-west-2/team-a\n" in applied.out
    assert declared(cli, both) == ["team-a"]
    assert rules(live, both) == ["one"]
    assert cli("plan", "-f", both.path, *group(both), "--prune").status == 0


def test_prune_keeps_other_groups_and_owners(cli: Command, both: Files) -> None:
    files = both
    for owner, of in (("team-b", group(files)[1]), ("team-c", "other")):
        files.write(owner, rule(owner))
        assert cli("apply", "-f", str(files.folder / f"{owner}.yaml"), "--apply-group", of).status == 0
        (files.folder / f"{owner}.yaml").unlink()
    assert cli("plan", "-f", files.path, *group(files), "--prune").status == 0, "team-b is not an owner in the files"
    assert cli("apply", "-f", files.path, *group(files), "--prune", "--owner", "team-b").status == 0
    assert declared(cli, files) == ["team-a", "team-c", "team-a"]


def test_last_declaration_of_an_owner_can_be_pruned(cli: Command, both: Files) -> None:
    for path in both.folder.iterdir():
        path.unlink()
    rejected = cli("apply", "-f", both.path, *group(both))
    assert rejected.status == 1
    assert "the folder has no files" in rejected.err
    limited = cli("apply", "-f", both.path, *group(both), "--prune", "--owner", "team-a", "--allow-removals", "1")
    assert limited.status == 1
    assert "2 elements would be removed from AWS, and 1 may be" in limited.err
    assert cli("apply", "-f", both.path, *group(both), "--prune", "--owner", "team-a").status == 0
    assert declared(cli, both) == []


def test_group_stays_until_a_file_or_an_option_says_otherwise(cli: Command, both: Files) -> None:
    name = f"{both.account}/us-east-1/team-a"
    path = str(both.folder / "one.yaml")
    assert cli("apply", "-f", path).status == 0
    assert f"applyGroup: {group(both)[1]}\n" in cli("get", name, "-o", "yaml").out
    ended = cli("apply", "-f", path, "--apply-group", "other")
    assert f"    ~ applyGroup: {group(both)[1]} -> other\n" in ended.out
    copy = both.folder / "copy.yaml"
    copy.write_text(cli("get", name, "-o", "yaml").out)
    conflicting = cli("plan", "-f", str(copy), *group(both))
    assert conflicting.status == 1
    assert f"{copy}:6: applyGroup: is other, and --apply-group says {group(both)[1]}" in conflicting.err


@pytest.mark.parametrize(
    ("options", "message", "reason"),
    [
        (("--prune",), "--prune and --owner need --apply-group", "a prune of everything"),
        (("--apply-group", "a", "--owner", "team-a"), "--owner needs --prune", "an owner without a prune"),
        (("--apply-group", 'a" OR "b'), "must have small letters, digits and hyphens", "a group that is a filter"),
        (("--apply-group", "a-"), "must have small letters, digits and hyphens", "a hyphen at the end"),
    ],
)
def test_wrong_options_of_groups_are_rejected(
    cli: Command, files: Files, options: tuple[str, ...], message: str, reason: str
) -> None:
    files.write("team-a", rule("one"))
    ended = cli("apply", "-f", files.path, *options)
    assert (ended.status, message in ended.err) == (1, True), (reason, ended)
