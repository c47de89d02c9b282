"""Only the dataclasses of the store know the keys of a stored spec or state."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import ecrkeeper_server
import pytest

ROOT = Path(ecrkeeper_server.__file__).parent
KNOWING = {"store/specs.py", "store/states.py", "store/state_members.py", "store/state_parts.py"}
_ROW_MEMBERS = {"spec", "state"}
_DICT_METHODS = {"get", "items", "keys", "values", "pop", "setdefault", "update"}


def _is_raw(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in _ROW_MEMBERS


def _accesses(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield every expression that reads a `.spec` or `.state` as a dictionary."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            raw = _is_raw(node.value)
        elif isinstance(node, ast.Attribute):
            raw = node.attr in _DICT_METHODS and _is_raw(node.value)
        elif isinstance(node, ast.Compare):
            raw = any(
                isinstance(operator, ast.In | ast.NotIn) and _is_raw(right)
                for operator, right in zip(node.ops, node.comparators, strict=True)
            )
        elif isinstance(node, ast.Dict):
            raw = any(key is None and _is_raw(value) for key, value in zip(node.keys, node.values, strict=True))
        elif isinstance(node, ast.Call):
            raw = isinstance(node.func, ast.Name) and node.func.id == "dict" and any(map(_is_raw, node.args))
        else:
            raw = False
        if raw:
            yield node


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("row.spec['mode']", "a key"),
        ("row.state.get('error')", "a key with a default"),
        ("'role' in row.state", "whether there is a key"),
        ("{**row.state, 'drift': []}", "a copy with another key"),
        ("[key for key in attempt.claimed.state.items()]", "all keys"),
        ("dict(row.spec)", "a copy"),
    ],
)
def test_raw_access_is_noticed(source: str, reason: str) -> None:
    assert list(_accesses(ast.parse(source))), reason


@pytest.mark.parametrize("source", ["row.role_state.error", "RegistryState(row.state)", "row.state == other.state"])
def test_typed_access_is_allowed(source: str) -> None:
    assert not list(_accesses(ast.parse(source)))


def test_specs_and_states_are_read_as_values() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"
        for path in sorted(ROOT.rglob("*.py"))
        if path.relative_to(ROOT).as_posix() not in KNOWING
        for node in _accesses(ast.parse(path.read_text()))
    ]
    assert found == [], "read them by `registry_spec`, `role_spec`, `registry_state` or `role_state` of the row"
