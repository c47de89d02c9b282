"""The report of a benchmark: tables, and targets with PASS or FAIL, also as JSON."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and its limit; `at_most` distinguishes upper from lower limits."""

    name: str
    figure: float
    limit: float
    at_most: bool = True
    unit: str = ""

    @property
    def passed(self) -> bool:
        """Whether the figure keeps the limit."""
        return self.figure <= self.limit if self.at_most else self.figure >= self.limit

    def __str__(self) -> str:
        relation = "at most" if self.at_most else "at least"
        verdict = "PASS" if self.passed else "FAIL"
        return f"{verdict}  {self.name}: {_text(self.figure)}{self.unit} ({relation} {_text(self.limit)}{self.unit})"


@dataclass(slots=True)
class Report:
    """Collects the results of one benchmark."""

    name: str
    sizes: str
    tables: list[dict[str, Any]] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Print a table and keep it."""
        self.tables.append({"title": title, "rows": [dict(zip(columns, row, strict=True)) for row in rows]})
        shown = [list(columns), *([_text(cell) for cell in row] for row in rows)]
        widths = [max(len(row[i]) for row in shown) for i in range(len(columns))]
        print(f"\n{title}")
        for row in shown:
            first, *rest = (cell for cell in zip(row, widths, strict=True))
            print("  " + "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]))

    def target(self, name: str, figure: float, limit: float, *, at_most: bool = True, unit: str = "") -> None:
        """Print a figure beside its limit and keep both."""
        self.targets.append(Target(name, figure, limit, at_most, unit))
        print(f"  {self.targets[-1]}", flush=True)

    def note(self, text: str) -> None:
        """Print a remark that belongs to the figures and keep it."""
        self.notes.append(text)
        print(f"  {text}", flush=True)

    def write(self, folder: Path) -> Path:
        """Write everything as JSON to `folder/NAME.json`."""
        folder.mkdir(exist_ok=True)
        path = folder / f"{self.name}.json"
        document = {
            "benchmark": self.name,
            "sizes": self.sizes,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
            "tables": self.tables,
            "targets": [
                {
                    "name": t.name,
                    "figure": t.figure,
                    "limit": t.limit,
                    "relation": "<=" if t.at_most else ">=",
                    "unit": t.unit,
                    "passed": t.passed,
                }
                for t in self.targets
            ],
            "notes": self.notes,
        }
        path.write_text(json.dumps(document, indent=1) + "\n")
        return path


def _text(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    if value != value:
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
