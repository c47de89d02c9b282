"""Only the dataclasses of the store know the keys of a stored spec or state."""

from __future__ import annotations

import ast
from collections.abc import Callable, Container, Iterator
from pathlib import Path

import ecrkeeper_server
import pytest

ROOT = Path(ecrkeeper_server.__file__).parent
KNOWING = {
    "events/records.py", "store/backfills.py", "store/causes.py", "store/cloud_events.py",
    "store/replication_checks.py", "store/specs.py", "store/states.py", "store/state_members.py", "store/state_parts.py",
}  # fmt: skip
# Keys of stored parts, which are read from other values than a `.spec` or a `.state`.
PART_KEYS = {
    "arrivals", "backfill", "conditional", "confidence", "event_id", "event_time", "findings", "installation", "invoked_by",
    "last_failure", "last_success", "others", "source_ip", "startedAt", "totalReplicationCount",
}  # fmt: skip
_ROW_MEMBERS = {"spec", "state"}
_DICT_METHODS = {"get", "items", "keys", "values", "pop", "setdefault", "update"}


def _is_raw(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in _ROW_MEMBERS


# Requests to AWS have these keys, too, so only reads of them are those of a stored part.
READ_KEYS = PART_KEYS | {"replicationBackfillId"}


def _is_part_key(node: ast.AST, keys: Container[object] = READ_KEYS) -> bool:
    return isinstance(node, ast.Constant) and node.value in keys


def _part_accesses(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield every expression that reads or finds a key of a stored part."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            raw = _is_part_key(node.slice)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            raw = node.func.attr in _DICT_METHODS and any(map(_is_part_key, node.args))
        elif isinstance(node, ast.Compare):
            raw = _is_part_key(node.left) and isinstance(node.ops[0], ast.In | ast.NotIn)
        elif isinstance(node, ast.Dict):
            raw = any(key is not None and _is_part_key(key, PART_KEYS) for key in node.keys)
        else:
            raw = False
        if raw:
            yield node


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


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("check['findings'][0]", "a key"),
        ("check.get('arrivals', ())", "a key with a default"),
        ("'conditional' in check", "whether there is a key"),
        ("{'findings': []}", "a new part"),
        ("operation.metadata['others']", "a key of the metadata of a backfill"),
        ("row['replicationBackfillId']", "a key of a backfill"),
        ("cause['event_time']", "a key of a cause"),
        ("last.get('last_failure')", "a key of a delivery"),
    ],
)
def test_raw_access_to_part_is_noticed(source: str, reason: str) -> None:
    assert list(_part_accesses(ast.parse(source))), reason


@pytest.mark.parametrize(
    "source", ["check.findings[0].message", "row['arn']", "names.get(key)", "{'replicationBackfillId': name}"]
)
def test_typed_access_to_part_is_allowed(source: str) -> None:
    assert not list(_part_accesses(ast.parse(source)))


def _found(accesses: Callable[[ast.AST], Iterator[ast.AST]]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"
        for path in sorted(ROOT.rglob("*.py"))
        if path.relative_to(ROOT).as_posix() not in KNOWING
        for node in accesses(ast.parse(path.read_text()))
        if isinstance(node, ast.expr)
    ]


def test_specs_and_states_are_read_as_values() -> None:
    found = _found(_accesses)
    assert found == [], "read them by `registry_spec`, `role_spec`, `registry_state` or `role_state` of the row"


def test_stored_parts_are_read_as_values() -> None:
    assert _found(_part_accesses) == [], "read them by the members of the dataclasses in the store"
