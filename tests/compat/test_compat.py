"""The client beside its users' packages, and the server on both protobuf majors."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests import harness
from tests.compat.conftest import Environment, floors
from tests.harness import program

pytestmark = pytest.mark.timeout(400)
NAME = "accounts/111111111111/registries/us-east-1/settings/team-a"
SCRIPT = Path(__file__).with_name("call.py")


def called(environment: Environment, server: harness.Server) -> dict[str, Any]:
    """Return the output of a program in the environment that calls a server."""
    done = environment.run("-W", "error", str(SCRIPT), server.address, NAME)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    results: dict[str, Any] = json.loads(done.stdout)
    return results


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[harness.Simulator]:
    simulator = harness.Simulator(tmp_path)
    yield simulator
    simulator.stop()


@pytest.fixture
def server(tmp_path: Path, aws: harness.Simulator) -> harness.Server:
    url = f"sqlite:///{tmp_path / 'ecrkeeper.db'}"
    harness.migrate(url)
    return harness.Server(tmp_path, url, aws.url)


@pytest.mark.parametrize("which", ["oldest", "newest"])
def test_client_calls_with_oldest_and_newest_libraries(
    which: str, server: harness.Server, request: pytest.FixtureRequest
) -> None:
    results = called(request.getfixturevalue(which), server)
    if which == "oldest":
        pins = dict(pin.split("==") for pin in floors())
        assert Version(results["protobuf"]) == Version(pins["protobuf"])
        assert Version(results["grpcio"]) == Version(pins["grpcio"])
    else:
        assert Version(results["protobuf"]).major > 6
    assert results["asynchronous"] == NAME
    assert len(results["listed"]) == 1
    assert len([path for path in results["violations"] if "destinations[0]" in path]) == 2


def test_server_enforces_rules_with_protobuf_6(
    oldest_server: Environment, newest: Environment, tmp_path: Path, aws: harness.Simulator
) -> None:
    class Oldest(harness.Server):
        command = (str(oldest_server.program("ecrkeeper-server")), "serve")

    url = f"sqlite:///{tmp_path / 'ecrkeeper.db'}"
    harness.migrate(url)
    server = Oldest(tmp_path, url, aws.url)
    results = called(newest, server)
    assert len([path for path in results["violations"] if "destinations[0]" in path]) == 2
    assert server.stop() == 0
    assert "public_interface_used" in (tmp_path / "server.log").read_text(), "its grpcio was not tested"


# At least these versions: a resolver may otherwise choose ones from years ago.
@pytest.mark.parametrize(
    "others",
    [
        pytest.param(["pulumi>=3.270", "pulumi-aws>=7.51"], id="pulumi"),
        pytest.param(["google-cloud-storage>=3.17", "google-cloud-artifact-registry>=1.23"], id="google-cloud"),
        pytest.param(["google-cloud-pubsub>=2.44", "opentelemetry-exporter-otlp-proto-grpc>=1.45"], id="pubsub"),
    ],
)
def test_client_resolves_with_other_packages_of_users(wheel: Path, others: list[str], tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [program("pip"), "install", "--dry-run", "--ignore-installed", "-q", "--disable-pip-version-check",
               "--report", str(report), "--only-binary", ":all:", str(wheel), *others]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    installed = json.loads(report.read_text())["install"]
    chosen = {canonicalize_name(each["metadata"]["name"]) for each in installed}
    assert {"ecrkeeper", "grpcio", "protobuf", *(each.partition(">=")[0] for each in others)} <= chosen


@pytest.mark.parametrize(
    ("name", "module"), [("ecrkeeper-server", "ecrkeeper_server"), ("ecrkeeper-sim", "ecrkeeper_sim")]
)
def test_client_only_command_names_the_extra(newest: Environment, name: str, module: str) -> None:
    extra = name.removeprefix("ecrkeeper-")
    for command in ([str(newest.program(name))], [newest.python, "-m", module]):
        for arguments in ([], ["--help"]):
            done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 2, done.stderr
            (line,) = done.stderr.splitlines()
            assert line.startswith(f"{name}: ")
            assert line.endswith(f"install it with: pip install 'ecrkeeper[{extra}]'")
            assert not done.stdout


def test_installed_programs_are_tested(newest: Environment) -> None:
    programs = {path.name for path in (newest.folder / "bin").iterdir() if path.name.startswith("ecrkeeper")}
    assert programs == {"ecrkeeper", "ecrkeeper-server", "ecrkeeper-sim"}


def test_client_only_command_line_names_its_extra(newest: Environment) -> None:
    done = subprocess.run([str(newest.program("ecrkeeper"))], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "pip install 'ecrkeeper[cli]'" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
