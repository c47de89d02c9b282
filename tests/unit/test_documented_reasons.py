"""docs/errors.md has exactly the reasons that the server gives."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "server" / "ecrkeeper_server"
WORD = re.compile(r"[A-Z][A-Z0-9]+(_[A-Z0-9]+)*")
LONG = re.compile(r"[A-Z][A-Z0-9]+(_[A-Z0-9]+)+")

# Calls that take a reason by its place.
_GIVING = ("_rejected", "_rejection", "Finding", "Problem", "_Waiting", "_in_state")


def words(node: ast.AST | None, shape: re.Pattern[str] = WORD) -> Iterator[str]:
    for each in ast.walk(node) if node is not None else ():
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and shape.fullmatch(each.value):
            yield each.value


def called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def reasons_of(node: ast.AST) -> Iterator[str]:
    """Return the reasons that one expression or statement can give."""
    match node:
        case ast.keyword(arg="reason", value=value):
            yield from words(value)
        case ast.Assign(targets=[ast.Name(id="reason")], value=value):
            yield from words(value)
        case ast.AnnAssign(target=ast.Name(id="reason"), value=value):
            yield from words(value)
        case ast.Call(args=[_, _, value, *_]) if called(node) == "Violation":
            yield from words(value)
        case ast.Call(args=[value, *_]) if called(node) in ("Warning", "PreconditionViolation"):
            yield from words(value)
        case ast.Call(args=arguments) if called(node) in _GIVING:
            for argument in arguments:
                yield from words(argument)


def named_reasons_of(node: ast.AST, constants: dict[str, str]) -> Iterator[str]:
    """Return the reasons that an expression gives by the name of a constant."""
    if isinstance(node, ast.keyword) and node.arg == "reason":
        for each in ast.walk(node.value):
            if isinstance(each, ast.Name) and each.id in constants:
                yield constants[each.id]


def constants_of(module: ast.Module) -> dict[str, str]:
    return {
        target.id: statement.value.value
        for statement in module.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        for target in statement.targets
        if isinstance(target, ast.Name) and isinstance(statement.value.value, str) and target.id.isupper()
    }


def reasons_in_code() -> set[str]:
    conditions = ast.parse((SERVER / "engine" / "conditions.py").read_text())
    reasons = set(words(conditions, LONG))
    modules = [ast.parse(path.read_text()) for path in SERVER.rglob("*.py")]
    constants = {name: value for module in modules for name, value in constants_of(module).items()}
    for module in modules:
        for node in ast.walk(module):
            reasons.update(reasons_of(node))
            reasons.update(named_reasons_of(node, constants))
    return reasons


def test_reasons_are_documented_exactly() -> None:
    rows = re.findall(
        r"^\| `([A-Z_0-9]+)` \| (.+) \| (.+) \| (.+) \|$", (ROOT / "docs" / "errors.md").read_text(), re.M
    )
    documented = [row[0] for row in rows]
    assert documented == sorted(set(documented)), "by name, each once"
    assert set(documented) == reasons_in_code()
    assert {
        "PAUSED",
        "IN_SYNC",
        "DELETION_LOST",
        "CONCURRENCY_LIMITED",
        "OVERLOADED",
        "QUOTA_EXCEEDED",
    } <= reasons_in_code()
    assert {"SCOPE_V2_IRREVERSIBLE", "DESTINATION_POLICY_MISSING", "REGION_UNREADABLE"} <= reasons_in_code()
