"""The first five minutes of a user.

The wheel is installed into an empty environment with the extra `local`, and each command is run as the quick start
shows it.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness import program
from tests.packaging import dockerfile
from tests.packaging.conftest import interpreter

# The first test waits for the environment, which is downloaded if pip's cache is empty.
pytestmark = pytest.mark.timeout(400)
FILE = """apiVersion: ecrkeeper/v1
kind: RegistrySettings
name: accounts/111111111111/registries/us-east-1/settings/team-web
settings:
  pullThroughCacheRules:
  - ecrRepositoryPrefix: quay
    upstreamRegistryUrl: quay.io
"""
CONFLICT = """  - ecrRepositoryPrefix: docker-hub
    upstreamRegistryUrl: public.ecr.aws
"""
PLAN = """+ 111111111111/us-east-1/team-web  team-web.yaml:1
    + pull_through_cache_rules  quay  team-web

1 document: 1 to create, 0 to update, 0 unchanged. Elements in AWS: 1 to add, 0 to change, 0 to replace, 0 to remove.
"""
STATUS = """REGISTRY                STATE  MODE     OWNERS  ELEMENTS  DRIFT  PROBLEM
111111111111/us-east-1  Ready  ENFORCE  2       7         0      -
111111111111/us-west-2  Ready  ENFORCE  2       2         0      -
222222222222/eu-west-1  Ready  ENFORCE  2       3         0      -
"""


@dataclass(frozen=True, slots=True)
class Terminal:
    """A user's folder and the programs of the environment."""

    folder: Path
    programs: Path

    @property
    def environment(self) -> dict[str, str]:
        """Variables that leave nothing of this checkout."""
        return {"PATH": f"{self.programs}:/usr/bin:/bin", "HOME": str(self.folder)}

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command; return its exit status, output and complaints."""
        done = subprocess.run(
            ["ecrkeeper", *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60
        )
        return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def terminal(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """Install the image's wheel into an empty environment."""
    folder = tmp_path_factory.mktemp("user")
    (wheel,) = (image / "wheels").glob("*.whl")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    subprocess.run([interpreter(), "-m", "venv", "--without-pip", folder / "venv"], check=True, env=environment)
    subprocess.run(
        [program("pip"), "--python", folder / "venv/bin/python", "install", "--quiet", "--no-compile", "--disable-pip-version-check",
         "-c", dockerfile.ROOT / "constraints.txt", f"{wheel}[local]"],
        check=True, env=environment,
    )  # fmt: skip
    return Terminal(folder, folder / "venv/bin")


@pytest.fixture(scope="module")
def dev(terminal: Terminal) -> Iterator[str]:
    """Run `ecrkeeper dev`, and yield what it says until it is ready."""
    command = ["ecrkeeper", "dev", "--port", "0", "--aws-port", "0"]
    with subprocess.Popen(
        command, cwd=terminal.folder, env=terminal.environment, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            output = ""
            for line in running.stdout or ():
                output += line
                if line.startswith("ready; "):
                    break
            yield output
        finally:
            running.send_signal(signal.SIGINT)
            assert running.wait(30) == 0


def test_first_commands_have_their_status_and_output(terminal: Terminal, dev: str) -> None:
    assert "ready; the state is kept until Ctrl-C" in dev
    assert terminal.run("status") == (0, STATUS, "3 of 3 registries are ready\n")
    file = terminal.folder / "team-web.yaml"
    file.write_text(FILE)
    assert terminal.run("plan", "-f", "team-web.yaml") == (2, PLAN, "")
    synced = "in sync  111111111111/us-east-1/team-web\nthe declaration is in sync with AWS\n"
    assert terminal.run("apply", "-f", "team-web.yaml") == (0, PLAN + synced, "")
    unchanged = "No changes in 1 document: AWS has what is declared.\n"
    assert terminal.run("plan", "-f", "team-web.yaml") == (0, unchanged, "")
    file.write_text(FILE + CONFLICT)
    status, out, complaint = terminal.run("apply", "-f", "team-web.yaml")
    assert (status, out) == (1, "")
    assert "team-platform declares" in complaint
    assert complaint.endswith("nothing was written\n")
    status, out, complaint = terminal.run("explain", "111111111111.dkr.ecr.us-east-1.amazonaws.com/quay/app")
    assert (status, complaint) == (0, "")
    assert out.startswith(
        "quay/app in 111111111111/us-east-1\nAPPLIES     ELEMENT  OWNERS    DETAIL\ncache rule  quay     team-web  from app\n"
    )


def test_environment_has_nothing_of_the_checkout(terminal: Terminal) -> None:
    listed = subprocess.run(
        [program("pip"), "--python", terminal.programs / "python", "list", "--format=freeze"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "pytest" not in listed
    assert "rich" in listed
