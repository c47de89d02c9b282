"""Each private interface of a library is in one module, which justifies it."""

from __future__ import annotations

import ast
import importlib
import re

import pytest
from ecrkeeper_server.api.event_loop import WAKEUPS
from ecrkeeper_server.api.listener import ACCEPT_LOOPS
from ecrkeeper_server.aws.models import BOTOCORE
from ecrkeeper_server.private_interfaces import SWITCH, PrivateInterface
from ecrkeeper_server.store.pipeline import PIPELINE

from tests.architecture.test_shared_mechanisms import MODULES
from tests.docs.blocks import ROOT

# The module with the internals, and the choice between it and the public interface.
PRIVATE = {
    "ecrkeeper_server.api.accept_loops": ACCEPT_LOOPS,
    "ecrkeeper_server.api.event_loop": WAKEUPS,
    "ecrkeeper_server.aws.botocore_private": BOTOCORE,
    "ecrkeeper_server.store.pipeline": PIPELINE,
}
LIBRARIES = {"grpc", "psycopg", "botocore", "boto3", "sqlalchemy", "aiohttp", "uvloop", "protovalidate", "google"}


def test_every_choice_has_a_module() -> None:
    choices = [path for path, tree in MODULES.items() for node in ast.walk(tree) if _is_choice(node)]
    assert len(choices) == len(PRIVATE)


def _is_choice(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "PrivateInterface"


@pytest.mark.parametrize("module", PRIVATE)
def test_private_interface_is_justified(module: str) -> None:
    text = importlib.import_module(module).__doc__ or ""
    points = {point.partition(" ")[0]: " ".join(point.split()) for point in re.split(r"^- ", text, flags=re.MULTILINE)}
    assert re.search(r"\d|three .* eleven", points["Benefit:"]), "a figure"
    assert re.search(r"#\d+|no issue is known", points["Upstream:"]), "the issue, or that there is none"
    choice = PRIVATE[module]
    assert points["Tested"].startswith(f"Tested with {choice.library} {', '.join(choice.tested)}"), "the versions"
    assert re.search(r"any other version.* instead and logs a warning", points["With"]), "the fallback"
    (test,) = re.findall(r"`(tests/[a-z_/]+\.py)` runs both", text)
    assert ROOT.joinpath(test).is_file(), "a test of both"
    assert points["Delete"].startswith("Delete this module when"), "the condition of its deletion"
    assert choice.cost, "the warning says what the public interface costs"


@pytest.mark.parametrize("choice", PRIVATE.values(), ids=list(PRIVATE))
def test_installed_version_of_library_is_tested(choice: PrivateInterface, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    assert choice.usable, f"run the tests with {choice.library} {choice.version}, and add it to `tested`"


def test_private_modules_of_libraries_are_imported_by_their_module_alone() -> None:
    importing = {
        f"{path.removesuffix('.py').replace('/', '.')}: {name}"
        for path, tree in MODULES.items()
        for node in ast.walk(tree)
        for name in _imported(node)
        if name.split(".")[0] in LIBRARIES and re.search(r"\._[a-z]", name)
    }
    assert importing == {
        "ecrkeeper_server.api.accept_loops: grpc._cython.cygrpc",
        "ecrkeeper_server.api.accept_loops: grpc.aio._server",
    }


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []
