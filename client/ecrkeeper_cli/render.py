"""Output: tables, JSON, YAML, names and Markdown.

The output is plain unless it goes to a terminal.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click
from ecrkeeper_files.plain_text import escaped

if TYPE_CHECKING:
    from google.protobuf.message import Message

FORMATS = ("table", "json", "yaml", "name", "markdown")
# GitHub takes comments of 65,536 characters.
MARKDOWN_LIMIT = 65_000
F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell with a colour for terminals."""

    text: str
    colour: str = ""


Row = Sequence[str | Cell]


def output_option(*formats: str) -> Callable[[F], F]:
    """Return the option `-o`."""
    return click.option(
        "-o", "--output", type=click.Choice(formats or FORMATS), default="table", show_default=True, help="The format."
    )


def limit_option() -> Callable[[F], F]:
    """Return the option `-n`."""
    return click.option(
        "-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="The most that are shown."
    )


def is_terminal() -> bool:
    """Whether the output goes to a terminal that shows colours."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def as_json(message: Message) -> Any:
    """Return a message in the shape of its JSON."""
    from google.protobuf import json_format

    return json_format.MessageToDict(message)


def show(value: Any, output: str) -> None:
    """Write a value of JSON as JSON or YAML."""
    if output == "json":
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
        return
    from ecrkeeper_files.written import dump

    sys.stdout.flush()
    for each in value if isinstance(value, list) else [value]:
        dump(each, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def listed(
    messages: Sequence[T],
    output: str,
    headings: Sequence[str],
    row: Callable[[T], Row],
    *,
    name: Callable[[Any], str] = lambda each: str(each.name),
    shape: Callable[[Any, str], Any] = lambda each, _: as_json(each),
    single: bool = False,
) -> None:
    """Write messages in the chosen format.

    `single` writes one as an object instead of a list of one.
    """
    if output == "name":
        click.echo("\n".join(map(name, messages)), nl=bool(messages))
    elif output in ("json", "yaml"):
        shapes = [shape(each, output) for each in messages]
        show(shapes[0] if single else shapes, output)
    else:
        table(headings, [row(each) for each in messages], output)


def table(headings: Sequence[str], rows: Iterable[Row], output: str = "table") -> None:
    """Write a table for a terminal, for a program that reads columns, or in Markdown."""
    shown = cells(rows)
    if output == "markdown":
        click.echo(markdown_table(headings, [[cell.text for cell in row] for row in shown]))
    elif is_terminal():
        _rich_table(headings, shown)
    else:
        click.echo("\n".join(plain_table(headings, shown)))


def cells(rows: Iterable[Row]) -> list[list[Cell]]:
    """Return rows of cells whose text cannot act on a terminal."""
    styled = [[each if isinstance(each, Cell) else Cell(each) for each in row] for row in rows]
    return [[Cell(escaped(each.text), each.colour) for each in row] for row in styled]


def plain_table(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """Return the lines of a table, each column as wide as its widest cell."""
    texts = [[heading.upper() for heading in headings], *([cell.text or "-" for cell in row] for row in rows)]
    widths = [max(len(row[at]) for row in texts) for at in range(len(headings))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in texts]


def rich_table(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Any:
    """Return a table of rich: long cells are wrapped at the width of the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for at, heading in enumerate(headings):
        grid.add_column(heading.upper(), overflow="fold", no_wrap=at == 0)
    for row in rows:
        grid.add_row(*(Text(cell.text or "-", style=cell.colour if cell.text else "dim") for cell in row))
    return grid


def _rich_table(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    from rich.console import Console

    Console().print(rich_table(headings, rows))


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown.

    Rows beyond the length that GitHub takes are counted instead.
    """
    head = [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}"]
    return bounded(head, [f"| {' | '.join(_cell(text) for text in row)} |" for row in rows])


def bounded(head: Sequence[str], lines: Sequence[str], limit: int = MARKDOWN_LIMIT) -> str:
    """Return lines up to a number of characters, with a count of those that were cut."""
    kept, length = list(head), sum(len(line) + 1 for line in head) + 80
    for at, line in enumerate(lines):
        length += len(line) + 1
        if length > limit:
            return "\n".join([*kept, "", f"{len(lines) - at} more lines were cut to stay under {limit:,} characters."])
        kept.append(line)
    return "\n".join(kept)


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
