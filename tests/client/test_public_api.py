"""The exports of `import ecrkeeper`, and its imports."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
import types
from pathlib import Path

import ecrkeeper
import ecrkeeper._errors
from ecrkeeper import _public, v1

ROOT = Path(__file__).parents[2]


def test_exported_names_are_exact() -> None:
    public = {
        name
        for name, value in vars(_public).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public == set(ecrkeeper.__all__) == set(_public.__all__)
    assert all(getattr(ecrkeeper, name) is getattr(_public, name) for name in public)
    assert list(ecrkeeper.__all__) == sorted(ecrkeeper.__all__, key=lambda name: (not name.isupper(), name))


def test_every_exception_is_exported() -> None:
    kinds = {c.__name__ for c in vars(ecrkeeper._errors).values() if isinstance(c, type) and issubclass(c, Exception)}
    assert {name for name in kinds if not name.startswith("_")} <= set(ecrkeeper.__all__)


# The client has classes for these, and `Warning` would hide the builtin.
HIDDEN = {"Takeover", "Warning"}


def test_every_message_of_results_is_exported() -> None:
    modules = [each.name for each in pkgutil.iter_modules(v1.__path__) if each.name.endswith("_pb2")]
    files = [importlib.import_module(f"ecrkeeper.v1.{name}").DESCRIPTOR for name in modules]
    named = {name for file in files for name in (*file.message_types_by_name, *file.enum_types_by_name)}
    met = {name for name in named if not name.endswith("Request")} - HIDDEN
    assert len(met) > 80
    assert met <= set(ecrkeeper.__all__), met - set(ecrkeeper.__all__)


def test_package_and_profiles_import_no_grpc() -> None:
    code = "import sys, ecrkeeper; from ecrkeeper import profiles; assert not {'grpc', 'google.protobuf'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd="/")


def test_messages_need_no_import_of_their_module() -> None:
    code = "import ecrkeeper; assert ecrkeeper.v1.registry_pb2.Registry is ecrkeeper.Registry"
    subprocess.run([sys.executable, "-c", code], check=True, cwd="/")


def test_client_imports_nothing_of_the_server() -> None:
    code = "import sys, ecrkeeper; ecrkeeper.Client; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    loaded = set(shown.stdout.split())
    assert "ecrkeeper" in loaded
    unwanted = {"boto3", "botocore", "sqlalchemy", "alembic", "aiohttp", "psycopg", "structlog", "protovalidate"}
    assert not loaded & (unwanted | {"ecrkeeper_server", "ecrkeeper_sim"})


def test_client_is_typed_for_users(tmp_path: Path) -> None:
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--cache-dir", str(tmp_path)]
    checked = subprocess.run(
        [*mypy, "tests/client/typing_api.py"],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": "client"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
