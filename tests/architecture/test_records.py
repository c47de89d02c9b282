"""Records of the server are structs, which cost less than dataclasses."""

from __future__ import annotations

import ast
from pathlib import Path

import ecrkeeper_server

ROOT = Path(ecrkeeper_server.__file__).parent
ABSTRACT = {"Setting", "Collection", "Document", "Tx", "Dialect", "PostgresDialect", "SqliteDialect"}
READ_WITH_DEFAULTS = {"Config"}
# They reject structs, and mypy does not know that.
FUNCTIONS = {"asdict", "astuple", "fields", "replace"}
# `Endpoint`, `Tx` and `Config` are dataclasses.
MODULES = {
    "aws/wire.py", "cli/configuration.py", "config/checks.py", "config/settings.py", "store/instrumented.py",
}  # fmt: skip


def dataclasses_of(source: str) -> set[str]:
    """Return the dataclasses that could be structs."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(each) for each in node.decorator_list):
            omits = any(text in ast.unparse(node) for text in ("repr=False", "compare=False"))
            if not omits and node.name not in ABSTRACT | READ_WITH_DEFAULTS:
                names.add(node.name)
    return names


def test_records_of_the_server_are_structs() -> None:
    by_file = {str(path.relative_to(ROOT)): dataclasses_of(path.read_text()) for path in ROOT.rglob("*.py")}
    assert {path: names for path, names in by_file.items() if names} == {}


def test_functions_of_dataclasses_are_not_called_with_structs() -> None:
    importing = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses"
        if FUNCTIONS & {each.name for each in node.names}
    }
    assert importing == MODULES


def test_dataclass_is_recognized() -> None:
    plain = "@dataclass(frozen=True)\nclass One:\n    a: int"
    secret = "@dataclass(frozen=True)\nclass Two:\n    a: str = field(repr=False)"
    assert dataclasses_of(f"{plain}\n\n\n{secret}") == {"One"}
