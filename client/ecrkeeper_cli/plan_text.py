"""A plan as text, JSON and Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click
from ecrkeeper_files.plain_text import escaped

from ecrkeeper_cli import render
from ecrkeeper_cli.items import CREATE, DELETE, UNCHANGED, UPDATE, Item, Result
from ecrkeeper_cli.resources import short

if TYPE_CHECKING:
    from ecrkeeper import Change

SIGNS = {"ADD": ("+", "green"), "UPDATE": ("~", "yellow"), "REPLACE": ("±", "magenta"), "REMOVE": ("-", "red")}
_ACTIONS = {CREATE: ("+", "green"), UPDATE: ("~", "yellow"), UNCHANGED: (" ", ""), DELETE: ("-", "red")}


def lines(result: Result, *, values: bool = False) -> Iterator[str]:
    """Yield the lines of a plan: the changes by resource and element.

    With `values`, each member that differs has a line.
    """
    for item in result.items:
        if item or item.warnings or item.omitted_warnings:
            yield from _item(item, values)
            yield ""
    yield summary(result)


def summary(result: Result) -> str:
    """Return the counts of a plan in one sentence."""
    if not result:
        return f"No changes in {counted(len(result.items), 'document')}: AWS has what is declared."
    actions = (
        f"{result.actions(CREATE)} to create, {result.actions(UPDATE)} to update, {result.actions(UNCHANGED)} unchanged"
    )
    if deleted := result.actions(DELETE):
        actions += f", {deleted} to delete"
    elements = (
        f"{result.count('ADD')} to add, {result.count('UPDATE')} to change, {result.count('REPLACE')} to replace, "
        f"{result.count('REMOVE')} to remove"
    )
    return f"{counted(len(result.items), 'document')}: {actions}. Elements in AWS: {elements}."


def counted(count: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _item(item: Item, values: bool) -> Iterator[str]:
    sign, colour = _ACTIONS[item.action]
    where = click.style(f"  {item.document.source.at()}", dim=True) if item.document.source.file else ""
    kind = "" if item.kind == "RegistrySettings" else f" ({item.kind})"
    yield click.style(f"{sign} {short(item.name)}{kind}", fg=colour or None, bold=True) + where
    for name, before, after in item.members:
        yield f"    {click.style('~', fg='yellow')} {name}: {_value(before)} -> {_value(after)}"
    width = widths((change.setting, change.key) for change in item.changes)
    for change in item.changes:
        yield f"    {element_line(change, width, item.owner)}"
        if values:
            yield from (f"        {line}" for line in member_lines(change))
    for note in item.notes:
        yield f"    {escaped(note)}"
    for each in item.takeovers:
        yield f"    {click.style('!', fg='magenta')} {escaped(str(each))} is taken over"
    if item.omitted:
        yield f"    and {item.omitted} changes that the server left out"
    if item.least_seconds:
        yield f"    takes at least {item.least_seconds:.0f} s, because the server limits its calls to AWS"
    for warning in item.warnings:
        yield f"    {click.style('warning:', fg='yellow')} {escaped(str(warning))}"
    if item.omitted_warnings:
        yield f"    and {item.omitted_warnings} warnings that the server left out"


def widths(elements: Iterable[tuple[str, str]]) -> tuple[int, int]:
    """Return the widths of the columns of settings and keys."""
    pairs = list(elements)
    settings = max((len(each[0]) for each in pairs), default=0)
    return settings, max((len(escaped(each[1])) for each in pairs), default=0)


def element_line(change: Change, width: tuple[int, int], owner: str) -> str:
    """Return the line of one element with its owner."""
    sign, colour = SIGNS[change.kind]
    several = f" and {change.count - 1} alike" if change.count > 1 else ""
    by = click.style(f"  {escaped(owner)}", dim=True) if owner else ""
    key = escaped(change.key) + several
    return (
        click.style(f"{sign} {change.setting.ljust(width[0])}  {key.ljust(width[1] if owner else 0)}", fg=colour) + by
    )


def member_lines(change: Change) -> list[str]:
    """Return a line for each member that differs, aligned."""
    if change.values_omitted:
        return ["(the values are longer than 2 KiB)"]
    before, after = dict(flat(change.before)), dict(flat(change.after))
    paths = [path for path in {**before, **after} if before.get(path) != after.get(path)]
    width = max((len(path) for path in paths), default=0)
    lines = []
    for path in paths:
        old, new = before.get(path), after.get(path)
        sides = [click.style(old, fg="red")] if old is not None else []
        sides += [click.style(new, fg="green")] if new is not None else []
        sign = "~" if len(sides) == 2 else "-" if new is None else "+"
        lines.append(f"{sign} {path.ljust(width)}  {' -> '.join(sides)}")
    return lines


def flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each member of a value."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from flat(inner, f"{path}.{name}" if path else name)
    elif value is not None:
        yield escaped(path or "value"), _value(value)


def _value(value: Any) -> str:
    return escaped(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def shape(result: Result) -> dict[str, Any]:
    """Return a plan as JSON."""
    return {
        "changes": bool(result),
        "documents": [_shape(item) for item in result.items],
        "elements": {kind.lower(): result.count(kind) for kind in SIGNS},
    }


def _shape(item: Item) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "name": item.name,
        "action": item.action,
        "members": [{"name": name, "before": old, "after": new} for name, old, new in item.members],
        "changes": [
            {
                "kind": change.kind,
                "setting": change.setting,
                "key": change.key,
                "count": change.count,
                "before": change.before,
                "after": change.after,
            }
            for change in item.changes
        ],
        "takeovers": [
            {"owner": each.owner, "setting": each.setting, "key": each.key, "count": each.count, "value": each.value}
            for each in item.takeovers
        ],
        "warnings": [{"reason": w.reason, "subject": w.subject, "message": w.message} for w in item.warnings],
        "notes": list(item.notes),
        "omitted": item.omitted,
        "leastSeconds": item.least_seconds,
        "omittedWarnings": item.omitted_warnings,
    }


def markdown(result: Result) -> str:
    """Return a plan for a pull request.

    The order is stable, and the text is short enough for a comment.
    """
    head = [f"**ecrkeeper plan.** {summary(result)}", ""]
    rows = []
    for item in sorted(result.items, key=lambda each: each.name):
        name = f"`{short(item.name)}`"
        rows += [
            f"| {name} | ~ | {each[0]} | {_code(_value(each[1]))} to {_code(_value(each[2]))} |"
            for each in item.members
        ]
        for change in sorted(item.changes, key=lambda each: (each.setting, each.key)):
            key = _code(change.key) + (f" and {change.count - 1} alike" if change.count > 1 else "")
            rows.append(f"| {name} | {SIGNS[change.kind][0]} | {change.setting} | {key} |")
        rows += [f"| {name} | ~ | registries | {_text(note)} |" for note in item.notes]
        rows += [f"| {name} | ! | takeover | {_code(str(each))} |" for each in item.takeovers]
        if item and not item.members and not item.changes:
            rows.append(f"| {name} | {_ACTIONS[item.action][0]} | declaration | nothing changes in AWS |")
        rows += [f"| {name} | ! | {each.reason} | {_text(each.message)} |" for each in item.warnings]
        if item.omitted:
            rows.append(f"| {name} | ~ | omitted | {item.omitted} changes that the server left out |")
        if item.omitted_warnings:
            rows.append(f"| {name} | ! | omitted | {item.omitted_warnings} warnings that the server left out |")
    if rows:
        head += ["| declaration | change | setting | element |", "|---|---|---|---|"]
    return render.bounded(head, rows)


def _code(text: str) -> str:
    return f"`{_text(text).replace('`', chr(0x2019))}`"


def _text(text: str) -> str:
    return escaped(text).replace("|", "\\|").replace("\n", " ")
