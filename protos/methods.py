"""Generate the methods of both clients, one for each function that builds a call.

Usage: `python protos/methods.py client`.

Editors and type checkers read the methods as they are: with their parameters, their result and their text.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MODULES = (
    "_roles",
    "_registries",
    "_backfills",
    "_declarations",
    "_revisions",
    "_accounts",
    "_sets",
    "_rollouts",
    "_audit",
    "_server",
    "_operation",
)
# The kind of a call, and the result of a method: of `Client`, and of `AsyncClient`.
KINDS = {
    "Unary": ("", ""),
    "Paged": ("Pager", "AsyncPager"),
    "Watched": ("Watch", "AsyncWatch"),
    "LongRunning": ("Operation", "AsyncOperation"),
}
SENT = {"Unary": "_unary", "Paged": "_paged", "Watched": "_watched", "LongRunning": "_long_running"}
# Kinds whose methods of `AsyncClient` are awaited.
AWAITED = ("Unary", "LongRunning")


@dataclass(frozen=True)
class Function:
    """A function that builds a call, with the names that its module imports."""

    module: str
    node: ast.FunctionDef
    kind: str
    result: str
    imports: dict[str, str]


class _Renamed(ast.NodeTransformer):
    """Names modules as they are called: short names are not unique."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """Rename one name."""
        return ast.Name(self._names.get(node.id, node.id), node.ctx)


def functions(folder: Path) -> Iterator[Function]:
    """Yield the functions of all modules in their order."""
    for module in MODULES:
        tree = ast.parse((folder / f"{module}.py").read_text(encoding="utf-8"))
        imports, short = {}, {}
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module:
                for each in node.names:
                    imports[each.name] = f"from {node.module} import {each.name}"
                    if each.asname:
                        short[each.asname] = each.name
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            renamed = _Renamed(short).visit(node)
            kind, _, result = ast.unparse(renamed.returns).partition("[") if renamed.returns else ("", "", "")
            if kind in KINDS:
                yield Function(module, renamed, kind, result.removesuffix("]"), imports)


def module_text(functions: list[Function], *, aio: bool) -> str:
    """Return the module with the methods of one client."""
    results = sorted({KINDS[each.kind][aio] for each in functions} - {""})
    homes = {"Pager": "_pager", "AsyncPager": "_pager", "Watch": "_watch", "AsyncWatch": "_watch"}
    lines = {f"from ecrkeeper.{homes.get(name, '_operation')} import {name}" for name in results}
    for each in functions:
        used = {node.id for node in ast.walk(each.node.args) if isinstance(node, ast.Name)}
        used |= {node.id for node in ast.walk(ast.parse(each.result)) if isinstance(node, ast.Name)}
        lines |= {each.imports[name] for name in used & each.imports.keys()}
    head = [
        f'"""The methods of `{"AsyncClient" if aio else "Client"}`; made by protos/methods.py."""',
        "# ruff: noqa: E501",
        "from __future__ import annotations",
        f"from ecrkeeper import {', '.join(sorted({each.module for each in functions}))}",
        *sorted(lines),
        f"from ecrkeeper.{'_aio_calls' if aio else '_calls'} import {'AsyncCalls' if aio else 'Calls'}",
        f"class {'AsyncMethods(AsyncCalls)' if aio else 'Methods(Calls)'}:",
        '    """One method for each RPC."""',
    ]
    return "\n".join([*head, *(_method(each, aio=aio) for each in functions)]) + "\n"


def _method(function: Function, *, aio: bool) -> str:
    node, kind = function.node, function.kind
    parameters = node.args
    wrapper = KINDS[kind][aio]
    result = f"{wrapper}[{function.result}]" if wrapper else function.result
    awaited = aio and kind in AWAITED
    passed = [each.arg for each in parameters.args] + [f"{each.arg}={each.arg}" for each in parameters.kwonlyargs]
    call = f"self.{SENT[kind]}({', '.join([f'{function.module}.{node.name}', *passed])})"
    text = ast.get_docstring(node) or ""
    body = "\n".join(f"        {line}".rstrip() for line in text.splitlines()).strip()
    end = "\n        " if "\n" in text else ""
    return (
        f"    {'async ' if awaited else ''}def {node.name}(self, {ast.unparse(parameters)}) -> {result}:\n"
        f'        """{body}{end}"""\n'
        f"        return {'await ' if awaited else ''}{call}\n"
    )


def main() -> None:
    """Write both modules."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder / "ecrkeeper"
    client_functions = list(functions(folder))
    for aio, name in ((False, "_methods.py"), (True, "_methods_aio.py")):
        (folder / name).write_text(module_text(client_functions, aio=aio), encoding="utf-8")


if __name__ == "__main__":
    main()
