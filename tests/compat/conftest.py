"""Environments with the oldest and the newest libraries that the package allows."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.harness import program

ROOT = Path(__file__).parents[2]
# These packages are tested in two versions; the server's others are the tests' versions.
VARIED = (
    "grpcio",
    "grpcio-status",
    "grpcio-health-checking",
    "grpcio-reflection",
    "protobuf",
    "googleapis-common-protos",
)


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the wheel in it."""

    folder: Path

    @property
    def python(self) -> str:
        """The path of its interpreter."""
        return str(self.folder / "bin" / "python")

    def program(self, name: str) -> Path:
        """The path of one of its programs."""
        return self.folder / "bin" / name

    def run(self, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Run its interpreter outside of the source tree."""
        return subprocess.run(
            [self.python, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=seconds, check=False
        )


def floors(extra: str = "") -> list[str]:
    """Return pins to the oldest versions that the package allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = project["dependencies"] + (project["optional-dependencies"][extra] if extra else [])
    pins = {}
    for requirement in map(Requirement, requirements):
        if requirement.name in VARIED:
            (floor,) = [each.version for each in requirement.specifier if each.operator == ">="]
            pins[requirement.name] = f"{requirement.name}=={floor}"
    return sorted(pins.values())


def others() -> list[str]:
    """Return pins to the versions of all other packages that the tests use."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [line for line in lines if line.partition("==")[0] not in VARIED]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as published."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        program("pip"),
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


@cache
def environment(folder: Path, wheel: Path, extra: str, constraints: tuple[str, ...]) -> Environment:
    """Install the wheel and its dependencies, within constraints."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)
    limits = folder / "constraints.txt"
    limits.write_text("\n".join(constraints))
    environment = Environment(folder)
    requirement = f"{wheel}[{extra}]" if extra else str(wheel)
    pip = [program("pip"), "--python", environment.python, "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "-c", str(limits), requirement], check=True, timeout=300)
    return environment


@pytest.fixture(scope="session")
def oldest(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The client with the oldest libraries."""
    return environment(tmp_path_factory.mktemp("oldest"), wheel, "", tuple(floors()))


@pytest.fixture(scope="session")
def newest(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The client with the newest libraries."""
    return environment(tmp_path_factory.mktemp("newest"), wheel, "", ())


@pytest.fixture(scope="session")
def oldest_server(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The server with the oldest libraries, among them those of protobuf 6."""
    return environment(tmp_path_factory.mktemp("server"), wheel, "server", (*floors("server"), *others()))
