"""The wheel in an empty environment, built like the image."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ecrkeeper_testing.folders import temporary

from tests.harness import program
from tests.packaging import dockerfile


def _everybodys(path: Path) -> bool:
    """Return whether every user can run a program."""
    real = path.resolve()
    return real.exists() and all(parent.stat().st_mode & 0o005 == 0o005 for parent in real.parents)


def interpreter() -> Path:
    """Return a Python outside of environments, preferably for unprivileged users."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    candidates = [Path("/usr/bin") / version, Path("/usr/local/bin") / version]
    return next((path for path in candidates if _everybodys(path)), Path(sys.base_prefix) / "bin" / version)


@pytest.fixture(scope="package")
def image() -> Iterator[Path]:
    """Return the folder that serves as the root of the image after the build stage."""
    # pytest's own folder is closed to other users.
    with temporary("ecrkeeper-image-", _make_removable) as root:
        root.chmod(0o755)
        build, _ = dockerfile.stages()
        dockerfile.build(build, root, {"python": interpreter(), "pip": Path(program("pip"))})
        yield root
        _make_removable(root)


def _make_removable(root: Path) -> None:
    for folder, _, _ in os.walk(root):
        os.chmod(folder, 0o755)


@pytest.fixture(scope="package")
def installed(image: Path) -> Path:
    """Return `bin` of the environment with only the wheel and its dependencies."""
    listed = subprocess.run(
        [program("pip"), "--python", str(image / "opt/ecrkeeper/bin/python"), "list", "--format=freeze"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "pytest" not in listed
    assert "hatchling" not in listed
    return image / "opt/ecrkeeper/bin"
