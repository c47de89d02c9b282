"""The pages of the command line, each followed from first to last block.

`ecrkeeper dev` runs beside them.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from ecrkeeper import profiles
from ecrkeeper_files import documents
from ecrkeeper_files.sources import Text

from tests.cli.test_dev import developing
from tests.docs.blocks import Reading
from tests.docs.stage import Made, Stage

# Programs of the machine come first; this one is for those without jq.
_JQ = """
import json, sys, jq
raw = sys.argv[1] == "-r"
for found in jq.compile(sys.argv[-1]).input_text(sys.stdin.read()):
    print(found if raw and isinstance(found, str) else json.dumps(found))
"""


@pytest.fixture
def beside(stage: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A stage whose commands find the profile of a running `ecrkeeper dev`."""
    with developing(tmp_path) as (environment, output):
        monkeypatch.setenv("XDG_CONFIG_HOME", environment["XDG_CONFIG_HOME"])
        staged = stage({}, XDG_CONFIG_HOME=environment["XDG_CONFIG_HOME"])
        staged.environment.pop("ECRKEEPER_LISTEN")
        staged.addresses["127.0.0.1:50051"] = output.partition("listens on ")[2].split()[0]
        staged.stand_in("jq", _JQ)
        yield staged


def test_quick_start(beside: Stage, stage: Made, tmp_path: Path) -> None:
    page = Reading("docs/quickstart.md")
    beside.addresses["ecrkeeper dev"] = "ecrkeeper dev --port 0 --aws-port 0 --profile other"
    beside.shell(page.next("sh", "ecrkeeper dev"))
    beside.console(page.next("console", "ecrkeeper status"))
    file = beside.folder / "team-web.yaml"
    file.write_text(page.next("yaml", "kind: RegistrySettings").text)
    beside.console(page.next("console", "ecrkeeper plan"))
    beside.console(page.next("console", "ecrkeeper apply"))
    added = page.next("yaml", "docker-hub").text
    file.write_text(file.read_text() + "".join(f"  {line}\n" for line in added.splitlines()))
    beside.console(page.next("console", "nothing was written"))
    beside.console(page.next("console", "ecrkeeper explain"))
    page.ended()


def test_command_line(beside: Stage, tmp_path: Path) -> None:
    page = Reading("docs/cli.md")
    config = page.next("toml", "profiles.prod").text
    (tmp_path / "shown.toml").write_text(config)
    (tmp_path / "shown.toml").chmod(0o600)
    for name in tomllib.loads(config)["profiles"]:
        assert profiles.load(name, path=tmp_path / "shown.toml", environment={}).target
    shown = page.next("yaml", "kind: RegistrySettings").text
    parsed = documents.read([Text("docs.yaml", shown.encode())])
    assert (len(parsed.declarations), len(parsed.registries), len(parsed.roles)) == (1, 1, 1)
    (beside.folder / "docs.yaml").write_text(shown)
    assert "3 documents are valid" in beside.shell(page.next("sh", "ecrkeeper validate"))
    assert "the declaration is in sync with AWS" in beside.shell(page.next("sh", "ecrkeeper apply"))
    (beside.folder / "fleet.yaml").write_text(page.next("yaml", "kind: RegistrySet").text)
    rolled_out = beside.shell(page.next("sh", "ecrkeeper rollout"))
    assert "rolling out; to follow it: ecrkeeper rollout watch quay/1" in rolled_out
    assert "SUCCEEDED" in rolled_out and "333333333333/eu-west-1  1         yes      yes" in rolled_out
    assert "No changes in 1 document" in beside.shell(page.next("sh", "copy.yaml"))
    beside.shell(page.next("sh", "completion"))
    for name, text in (("ecrkeeper.bash", "complete"), ("_ecrkeeper", "#compdef"), ("ecrkeeper.fish", "complete")):
        assert text in (beside.folder / name).read_text()
    subprocess.run(["bash", "-n", beside.folder / "ecrkeeper.bash"], check=True)
    page.ended()


def test_recipes(beside: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    page = Reading("docs/cookbook.md")
    while page.left[0].language == "sh":
        block = page.next("sh")
        output = beside.shell(block)
        if "comment.md" in block.text:
            assert "**ecrkeeper plan.**" in (beside.folder / "comment.md").read_text()
        elif "apply" not in block.text and "-o name" not in block.text:
            assert output, str(block)
        if "validateOnly" in block.text:
            assert output.endswith("CreatePullThroughCacheRule\tADD\tpull_through_cache_rules\tecr-public\n"), output
    assert page.left[0].language == "python"
    beside.python(page.next("python", "from_profile"))
    output = capsys.readouterr().out
    assert "+ pull_through_cache_rules k8s" in output
    assert output.endswith("in sync\n")
    page.ended()


def test_client_guide(beside: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    page = Reading("docs/client.md")
    while page.left:
        beside.python(page.next("python"))
    lines = capsys.readouterr().out.splitlines()
    assert "  + pull_through_cache_rules guide" in lines
    assert "registry_settings.settings.registry_policy.policy_text.Statement" in lines
    assert lines[-1] == "False", "the operation has ended"
    page.ended()


def test_help_of_the_pages_is_that_of_the_commands() -> None:
    script = "from ecrkeeper_cli.main import run; raise SystemExit(run(['completion', '--help']))"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert all(shell in output for shell in ("bash:", "zsh:", "fish:"))
