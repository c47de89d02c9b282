"""Editors and type checkers see methods, texts and types of the client."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import jedi
import pytest

ROOT = Path(__file__).parents[2]
HEAD = 'import ecrkeeper\nclient = ecrkeeper.Client("127.0.0.1:50051", insecure=True)\n'


def script(line: str) -> jedi.Script:
    return jedi.Script(HEAD + line, project=jedi.Project(ROOT, added_sys_path=[str(ROOT / "client")]))


def test_jedi_shows_parameters_and_text_of_methods() -> None:
    (signature,) = script("client.get_registry(").get_signatures(3)
    assert [each.name for each in signature.params] == ["name", "refresh", "view", "timeout"]
    assert "observes AWS first" in signature.docstring()


def test_jedi_completes_methods_and_fields_of_results() -> None:
    assert [each.name for each in script("client.approve_").complete(3)] == ["approve_rollout"]
    assert "unmanaged_elements" in [each.name for each in script('client.get_registry("a").unm').complete(3)]
    assert "removals" in [each.name for each in script('client.plan("a", {}).rem').complete(3)]


def test_methods_are_those_of_the_functions(tmp_path: Path) -> None:
    package = tmp_path / "ecrkeeper"
    package.mkdir()
    for path in (ROOT / "client/ecrkeeper").glob("_*.py"):
        (package / path.name).write_bytes(path.read_bytes())
    before = {name: (package / name).read_text() for name in ("_methods.py", "_methods_aio.py")}
    subprocess.run([sys.executable, "protos/methods.py", tmp_path], cwd=ROOT, check=True)
    config = ROOT / "pyproject.toml"
    ruff = [sys.executable, "-m", "ruff"]
    for arguments in (["check", "-q", "--select", "I", "--fix"], ["format", "-q"]):
        subprocess.run([*ruff, *arguments, "--config", config, *(package / name for name in before)], check=True)
    assert {name: (package / name).read_text() for name in before} == before, "run: make gen"


@pytest.mark.parametrize("file", ["typing_api.py"])
def test_client_is_typed_for_pyright(file: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--level", "error", "-p", ROOT / "tests/client/pyright.json"],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, (file, ended.stdout)


def test_typed_settings_are_those_of_the_protos(tmp_path: Path) -> None:
    module = tmp_path / "types.py"
    descriptors = "server/ecrkeeper_server/api/descriptors.binpb"
    subprocess.run([sys.executable, "protos/typed.py", descriptors, module], cwd=ROOT, check=True)
    subprocess.run(
        [sys.executable, "-m", "ruff", "format", "-q", "--config", "pyproject.toml", module], cwd=ROOT, check=True
    )
    assert module.read_text() == (ROOT / "client/ecrkeeper/types.py").read_text(), "run: make gen"


def test_stubs_have_the_texts_of_the_protos() -> None:
    stub = (ROOT / "client/ecrkeeper/v1/registry_pb2.pyi").read_text()
    assert '    """One element of a setting: the smallest part that an owner can declare."""\n' in stub
    assert '        """AWS has the element, and nobody declares it."""\n' in stub, "values of enums, too"
    assert '    """Optional. Handling of unmanaged elements."""\n' in stub
