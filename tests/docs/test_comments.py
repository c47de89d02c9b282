"""Commands and snippets in comments and docstrings work."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import ecrkeeper
import pytest
import yaml

from tests import harness
from tests.docs.blocks import ROOT, Block
from tests.docs.stage import Made

EXAMPLE = ROOT / "examples" / "policy.yaml"
DEPLOYED = ROOT / "deploy" / "kubernetes" / "access" / "policy.yaml"
APPLY = ROOT / "examples" / "apply.py"
SERVED = "127.0.0.1:50051"
SECRET = {"name": "ecr-pullthroughcache/docker-hub", "value": '{"username": "a", "accessToken": "b"}'}


def commands_in(path: Path, begin: str) -> Iterator[Block]:
    """Return the commands in comments, without the comment sign."""
    for at, line in enumerate(path.read_text().splitlines(), 1):
        command = line.lstrip("# ")
        if command.startswith(begin):
            yield Block(path, at, "sh", command + "\n", None)


@pytest.mark.parametrize("path", [EXAMPLE, DEPLOYED], ids=["example", "deployed"])
def test_check_access_commands_of_policies_are_allowed(stage: Made, path: Path) -> None:
    staged = stage({})
    (staged.folder / "policy.yaml").write_text(
        yaml.safe_load(path.read_text())["data"]["policy.yaml"] if path == DEPLOYED else path.read_text()
    )
    (command,) = commands_in(path, "ecrkeeper-server check-access")
    assert staged.shell(command).startswith("allowed\n")


def test_example_of_the_client_runs(stage: Made, server: harness.Server) -> None:
    staged = stage({SERVED: server.address})
    text = textwrap.dedent((ecrkeeper.__doc__ or "").partition("\n\n")[2])
    staged.names["ecrkeeper"] = ecrkeeper
    staged.python(Block(Path(ecrkeeper.__file__), 1, "python", text, None))
    with ecrkeeper.Client(server.address, insecure=True) as client:
        assert [declared.name.rpartition("/")[2] for declared in client.list_registry_settings()] == ["team-a"]


def test_commands_of_apply_run(stage: Made, server: harness.Server, aws: harness.Simulator) -> None:
    staged = stage({SERVED: server.address})
    exported, plaintext, tls = (
        next(commands_in(APPLY, begin)).text for begin in ("export ", "python examples/apply.py --insecure", "python examples/apply.py --ca")
    )  # fmt: skip
    aws.seed({"secrets": [{**SECRET, "arn": exported.strip().partition("=")[2], "kms_key_id": None}]})
    output = staged.shell(Block(APPLY, 1, "sh", exported + plaintext, None))
    assert output.count("in sync: ") > 2
    # tests/client/test_example.py runs it with TLS and a token.
    assert {"--ca", "--token-env"} <= set(tls.split())
