"""Child processes of tests, benchmarks and examples."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Options of subprocess that make it use fork instead of vfork.
FORKING = {"user", "group", "extra_groups", "preexec_fn"}


def forks(call: ast.Call) -> bool:
    return (
        isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "subprocess"
        and bool(FORKING & {keyword.arg for keyword in call.keywords})
    )


def test_children_are_not_started_by_fork() -> None:
    uses = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("tests", "benchmarks", "examples")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and forks(node)
    ]
    assert not uses, f"ecrkeeper_testing.users runs a program as another user without a fork: {uses}"
