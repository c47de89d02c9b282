"""The fenced blocks of the pages in order, and their marks."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *(path for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md") for path in [ROOT / name]),
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
MARK = re.compile(r"\s*<!-- not runnable: (?P<reason>.+) -->")
# Diagrams and samples are shown but not run.
SHOWN = "text"


@dataclass(frozen=True, slots=True)
class Block:
    """One block; `reason` is set if it is not run."""

    page: Path
    line: int
    language: str
    text: str
    reason: str | None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def runs(self) -> bool:
        return self.reason is None and self.language != SHOWN


def blocks_of(page: Path) -> list[Block]:
    """Return every block of a page; AssertionError for one without an end."""
    blocks: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    begun: int | None = None
    for at, line in enumerate(lines):
        if not line.lstrip().startswith("```"):
            continue
        if begun is None:
            begun = at
            continue
        mark = MARK.fullmatch(lines[begun - 1]) if begun else None
        content = textwrap.dedent("\n".join(lines[begun + 1 : at])) + "\n"
        language = lines[begun].strip().removeprefix("```")
        blocks.append(Block(page, begun + 1, language, content, mark["reason"] if mark else None))
        begun = None
    assert begun is None, f"{page}: the block of line {begun} does not end"
    return blocks


@dataclass
class Reading:
    """The blocks of a page that have not been run, in order."""

    page: str
    left: list[Block] = field(init=False)

    def __post_init__(self) -> None:
        self.left = [block for block in blocks_of(ROOT / self.page) if block.runs]

    def next(self, language: str, holds: str = "") -> Block:
        """Return the next block, which is in this language and contains this text."""
        assert self.left, f"{self.page} has no more blocks to run"
        block = self.left.pop(0)
        assert block.language == language, f"{block}: {block.language}, not {language}"
        assert holds in block.text, f"{block}: another block than the test expects"
        return block

    def ended(self) -> None:
        """Fail if a block was not run."""
        assert self.left == [], f"no test runs {', '.join(map(str, self.left))}"
