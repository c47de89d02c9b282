"""The description of `AuditEvent.reason` names every value that the server writes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "server" / "ecrkeeper_server"
# The calls with the reason of an audit event, and its position among the arguments; None if only by keyword.
CARRIERS = {"Caller": 4, "Origin": 3, "NewEvent": None, "AwsWrite": 7, "accepted": None}
# Each reason that the server makes itself, as in the code, and as described.
DESCRIBED = {
    "f'taken over by {name.owner}'": "`taken over by OWNER`",
    "f'{rollout.name}: {rollout.reason}' if rollout.reason else rollout.name": "`ROLLOUT: REASON`",
    "f'document {number} of {file}'": "`document NUMBER of FILE`",
    "REASON": "`EVENT_PROBE`",
}


def trees() -> Iterator[ast.Module]:
    for path in sorted(SERVER.rglob("*.py")):
        yield ast.parse(path.read_text())


def reason_expressions(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the expressions that become the reason of an event."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CARRIERS:
            at = CARRIERS[node.func.id]
            yield from (each.value for each in node.keywords if each.arg == "reason")
            yield from node.args[at : at + 1] if at is not None else ()
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "write.reason":
            yield node.value


def assigned(tree: ast.Module, name: str) -> Iterator[ast.expr]:
    """Yield what a local variable of this name is set to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(ast.unparse(each) == name for each in node.targets):
            yield node.value


def original_reasons(tree: ast.Module) -> Iterator[str]:
    """Yield the reasons that are not passed on from somewhere else."""
    for value in reason_expressions(tree):
        inner = value.value if isinstance(value, ast.Subscript) else value
        if isinstance(inner, ast.Name) and inner.id.islower():
            # A parameter, or a variable of the function.
            yield from (ast.unparse(each) for each in assigned(tree, inner.id) if not _passes_on(each))
        elif not _passes_on(inner):
            yield ast.unparse(inner)


def _passes_on(value: ast.expr) -> bool:
    if isinstance(value, ast.IfExp) and ast.unparse(value) not in DESCRIBED:
        return _passes_on(value.body) and _passes_on(value.orelse)
    # A member of something else, such as `caller.reason`, a parameter, or the field of a request.
    return isinstance(value, ast.Attribute | ast.Call) or (isinstance(value, ast.Name) and value.id.islower())


def description() -> str:
    """Return the comment above the field."""
    lines = (ROOT / "protos/ecrkeeper/v1/audit.proto").read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if line.strip().startswith("string reason ="))
    begin = at
    while lines[begin - 1].strip().startswith("//"):
        begin -= 1
    return "\n".join(lines[begin:at])


def test_every_reason_of_the_server_is_described() -> None:
    assert {reason for tree in trees() for reason in original_reasons(tree)} == set(DESCRIBED)
    missing = [phrase for phrase in DESCRIBED.values() if phrase not in description()]
    assert missing == []
