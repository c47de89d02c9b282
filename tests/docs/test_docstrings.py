"""Summaries of docstrings are one short line."""

from __future__ import annotations

import ast

import pytest

from tests.docs.blocks import ROOT

FOLDERS = ["benchmarks", "client", "examples", "migrations", "protos", "server", "tests"]
MAX_CHARACTERS = 80


def docstrings(folder: str) -> list[tuple[str, str]]:
    """Return the docstrings of a folder with their places."""
    texts = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        if path.stem.endswith(("_pb2", "_pb2_grpc")):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                line = getattr(node, "lineno", 1)
                texts.append((f"{path.relative_to(ROOT)}:{line}", ast.get_docstring(node) or ""))
    return texts


@pytest.mark.parametrize("folder", FOLDERS)
def test_docstring_summaries_are_one_short_line(folder: str) -> None:
    texts = docstrings(folder)
    assert any(text for _, text in texts), "the walk finds docstrings"
    summaries = [(place, text.partition("\n\n")[0]) for place, text in texts]
    long = [(place, text) for place, text in summaries if "\n" in text or len(text) > MAX_CHARACTERS]
    assert not long, f"summaries of more than {MAX_CHARACTERS} characters or one line"
