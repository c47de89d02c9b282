"""Only the records of the store know the keys of a stored spec or state."""

from __future__ import annotations

import ast
from collections.abc import Callable, Container, Iterator
from pathlib import Path

import ecrkeeper_server
import pytest

ROOT = Path(ecrkeeper_server.__file__).parent
EXEMPT = {
    "declarations/final_role.py", "events/records.py", "roles/plan.py", "roles/usage.py", "settings/suspects.py",
    "store/audit.py", "store/backfills.py", "store/causes.py", "store/cloud_events.py", "store/contests.py",
    "store/operation_metadata.py",
    "store/replication_checks.py", "store/specs.py", "store/states.py", "store/state_members.py", "store/state_parts.py",
    "store/stored_drift.py",
}  # fmt: skip
# Keys of stored parts, which are read from other values than a column of a row.
PART_KEYS = {
    "arrivals", "backfill", "callers", "conditional", "confidence", "create_intended_at", "degrades", "deletion_task_id",
    "event_id", "event_time", "findings", "installation", "invoked_by", "last_failure", "last_success", "omitted_owners",
    "omitted_resources", "others", "phase", "role_id", "source_ip", "startedAt", "totalReplicationCount", "tries",
}  # fmt: skip
# Messages, requests to AWS and statements have these keys, too, so only reads of them are those of a stored part.
READ_KEYS = PART_KEYS | {
    "aws_request_id", "before", "behind", "create_time", "last", "provenance", "replicationBackfillId", "usage",
}  # fmt: skip
# The columns with JSON of our own.
_ROW_MEMBERS = {"metadata", "response", "spec", "state"}
# Errors of calls have `metadata` as well, which nobody stores as it is.
_ERRORS = {"error", "self"}
_DICT_METHODS = {"get", "items", "keys", "values", "pop", "setdefault", "update"}


def _is_raw(node: ast.AST | None) -> bool:
    if not isinstance(node, ast.Attribute) or node.attr not in _ROW_MEMBERS:
        return False
    return node.attr != "metadata" or ast.unparse(node.value).rpartition(".")[2] not in _ERRORS


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
    """Yield every expression that reads a column of JSON as a dictionary."""
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
        ("operation.metadata.get('behind')", "the metadata of an operation"),
        ("Resource(**{**row.response})", "the response of an operation"),
    ],
)
def test_raw_access_is_noticed(source: str, reason: str) -> None:
    assert list(_accesses(ast.parse(source))), reason


@pytest.mark.parametrize(
    "source",
    ["row.role_state.error", "RegistryState(row.state)", "row.state == other.state", "{**error.metadata, **more}"],
)
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
        ("contest['last']", "a key of a contest"),
        ("role.get('provenance')", "a key of a role in a backup"),
        ("change['before']", "a key of a change of an audit event"),
        ("'callers' in metadata", "whether an operation has callers"),
        ("{'phase': 'DONE'}", "the metadata of a deletion"),
    ],
)
def test_raw_access_to_part_is_noticed(source: str, reason: str) -> None:
    assert list(_part_accesses(ast.parse(source))), reason


@pytest.mark.parametrize(
    "source",
    [
        "check.findings[0].message",
        "row['arn']",
        "names.get(key)",
        "{'replicationBackfillId': name}",
        "{'behind': after}",
    ],
)
def test_typed_access_to_part_is_allowed(source: str) -> None:
    assert not list(_part_accesses(ast.parse(source)))


def _violations(accesses: Callable[[ast.AST], Iterator[ast.AST]]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"
        for path in sorted(ROOT.rglob("*.py"))
        if path.relative_to(ROOT).as_posix() not in EXEMPT
        for node in accesses(ast.parse(path.read_text()))
        if isinstance(node, ast.expr)
    ]


def test_json_columns_are_read_as_values() -> None:
    violations = _violations(_accesses)
    assert violations == [], "read them by a member of the row, as `registry_spec`, or by the class of the stored value"


def test_stored_parts_are_read_as_values() -> None:
    assert _violations(_part_accesses) == [], "read them by the members of the dataclasses in the store"
