"""The import contracts notice an import that they forbid."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT

FORBIDDEN = [
    ("server/ecrkeeper_server/api/stray.py", "ecrkeeper_server.engine.worker", "api and engine are siblings"),
    ("server/ecrkeeper_server/engine/stray.py", "ecrkeeper_server.api.server", "api and engine are siblings"),
    ("server/ecrkeeper_server/ecr/stray.py", "ecrkeeper_server.declarations.commands", "ecr and declarations are"),
    ("server/ecrkeeper_server/store/stray.py", "ecrkeeper_server.aws.client", "store and aws are siblings"),
    ("server/ecrkeeper_server/backup/stray.py", "ecrkeeper_server.api.messages.registry", "a backup needs no gRPC"),
    ("server/ecrkeeper_server/aws/stray.py", "ecrkeeper_server.aws.writer", "only ecr.apply writes"),
    ("server/ecrkeeper_server/config/stray.py", "ecrkeeper_server.aws.writer", "only ecr.apply writes"),
    ("server/ecrkeeper_dev/stray.py", "ecrkeeper_server.aws.writer", "only ecr.apply writes"),
    ("server/ecrkeeper_sim/stray.py", "ecrkeeper_server.names", "the simulator has its own rules"),
    ("server/ecrkeeper_server/api/stray.py", "ecrkeeper_sim", "the server runs without its simulator"),
    ("server/ecrkeeper_server/stray/__init__.py", "json", "each package has a layer"),
]


def lint(copy: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (copy / "client", copy / "server", copy)))}
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=copy, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.count("Contracts: ") == 1, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copied = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", copied)
    for folder in ("client", "server", "benchmarks"):
        shutil.copytree(ROOT / folder, copied / folder, ignore=lambda at, names: [n for n in names if not keep(at, n)])
    assert " 0 broken" in lint(copied)
    return copied


def keep(folder: str, name: str) -> bool:
    return name.endswith(".py") or (Path(folder, name).is_dir() and name != "__pycache__")


@pytest.mark.parametrize(("path", "module", "reason"), FORBIDDEN, ids=[f"{r[0]}-{r[1]}" for r in FORBIDDEN])
def test_forbidden_import_breaks_a_contract(copy: Path, path: str, module: str, reason: str) -> None:
    stray = copy / path
    stray.parent.mkdir(exist_ok=True)
    stray.write_text(f"import {module}\n")
    try:
        assert " 1 broken" in lint(copy), reason
    finally:
        if stray.name == "__init__.py":
            shutil.rmtree(stray.parent)
        else:
            stray.unlink()
