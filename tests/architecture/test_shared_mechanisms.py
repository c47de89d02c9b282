"""Shared mechanisms exist once: YAML loader, JSON alias, and library caches."""

from __future__ import annotations

import ast
from pathlib import Path

import ecrkeeper_server
import pytest

ROOT = Path(ecrkeeper_server.__file__).parent
MODULES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in ROOT.rglob("*.py")}


def _names(tree: ast.Module) -> set[str]:
    """Return every name, attribute, imported name and assigned name of a module."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.name for alias in node.names}
    return found


def _aliases(tree: ast.Module) -> set[str]:
    """Return what a module assigns `dict[str, Any]` to."""
    return {
        ast.unparse(target)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.value) == "dict[str, Any]"
        for target in node.targets
    }


@pytest.mark.parametrize(
    ("names", "allowed", "reason"),
    [
        (
            {"SafeLoader", "CSafeLoader", "FullLoader", "BaseLoader", "UnsafeLoader", "safe_load", "full_load"},
            set(),
            "all YAML of users is read with the limits and the line numbers of ecrkeeper_files.strict_yaml",
        ),
        ({"OrderedDict"}, set(), "a bounded cache is cachetools.LRUCache or functools.lru_cache"),
    ],
)
def test_names_are_used_in_one_place(names: set[str], allowed: set[str], reason: str) -> None:
    assert {path for path, tree in MODULES.items() if _names(tree) & names} == allowed, reason


def test_json_has_one_alias() -> None:
    assert {path: names for path, tree in MODULES.items() if (names := _aliases(tree))} == {"json_object.py": {"Json"}}
