"""Shared mechanisms exist once: YAML loader, JSON alias, and library caches."""

from __future__ import annotations

import ast

import pytest

from tests.docs.blocks import ROOT

PACKAGES = [path for folder in ("client", "server") for path in (ROOT / folder).glob("ecrkeeper*")]
MODULES = {
    path.relative_to(package.parent).as_posix(): ast.parse(path.read_text())
    for package in PACKAGES
    for path in package.rglob("*.py")
    if package.joinpath("v1") not in path.parents
}


def _names(tree: ast.Module) -> set[str]:
    """Return every name, attribute, imported name and assigned name of a module."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names}
    return names


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
            {"ecrkeeper_files/strict_yaml.py"},
            "all YAML is read by ecrkeeper_files.strict_yaml",
        ),
        ({"OrderedDict"}, set(), "a bounded cache is cachetools.LRUCache or functools.lru_cache"),
    ],
)
def test_names_are_used_in_one_place(names: set[str], allowed: set[str], reason: str) -> None:
    assert {path for path, tree in MODULES.items() if _names(tree) & names} == allowed, reason


def test_token_buckets_have_one_base() -> None:
    buckets = {
        f"{path}:{node.name}": [ast.unparse(base) for base in node.bases]
        for path, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith("Bucket")
    }
    assert buckets.pop("ecrkeeper_server/token_bucket.py:TokenBucket") == ["Struct"]
    assert all(bases == ["TokenBucket"] for bases in buckets.values()), buckets


def test_json_has_one_alias() -> None:
    # The simulated AWS shares nothing with the server.
    server = {path: tree for path, tree in MODULES.items() if path.startswith("ecrkeeper_server/")}
    assert {path: names for path, tree in server.items() if (names := _aliases(tree))} == {
        "ecrkeeper_server/json_object.py": {"Json"}
    }
