"""Write a drawing as SVG.

Every mark has a colour, a dash pattern and a word. Elements have classes for the stylesheet of a
page; their own attributes are those of a light page, and `has_style` adds rules for dark ones.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from ecrkeeper_topology.colours import DARK, LIGHT, colour_of
from ecrkeeper_topology.drawing import CHAINING, Drawing, Link, shortened
from ecrkeeper_topology.graph import Mark
from ecrkeeper_topology.layout import BOX_WIDTH, LEFT_END, MARGIN, RIGHT_START, WIDTH, Column, Layout, layout
from ecrkeeper_topology.steps import STEP, Steps, finish

_TOP = 96
_LABEL_RUN = 210
_CURVE = 120
_LINE = 17
_MAX_PROBLEMS = 12
_PROBLEM_WIDTH = 150
_FONT = "ui-sans-serif, system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"
_DASHES = {Mark.PENDING: "12 5", Mark.UNKNOWN: "2 4", Mark.PARTIAL: "8 3", Mark.ONE_SIDED: "8 3", Mark.BROKEN: "4 3"}
_LEGEND = {
    Mark.WORKING: "images arrive",
    Mark.PENDING: "declared, not in AWS yet",
    Mark.UNKNOWN: "unknown",
    Mark.PARTIAL: "partial: some images arrive",
    Mark.ONE_SIDED: "one-sided: the destination's policy does not permit it",
    Mark.BROKEN: "broken: no image arrives",
}


def svg(drawn: Drawing, *, has_style: bool = True) -> str:
    """Return the picture; it has neither scripts nor links nor ids.

    A page whose policy forbids styles inside of it passes `has_style=False`.
    """
    return finish(svg_steps(drawn, has_style=has_style))


def svg_steps(drawn: Drawing, *, has_style: bool = True) -> Steps[str]:
    """Return the same in steps."""
    placed = layout(drawn, _TOP)
    yield
    foot = list(_foot(drawn, placed.end + 18 if drawn.links else _TOP))
    height = (foot[-1][0] if foot else _TOP) + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="topology" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}"'
        f' height="{height:g}" role="img" aria-label={quoteattr(f"{drawn.title}. {drawn.summary}")}'
        f' font-family="{_FONT}" font-size="12">',
        *([_style()] if has_style else []),
        f'<rect class="background" width="{WIDTH}" height="{height:g}" fill="{LIGHT["background"]}"/>',
        *_head(drawn),
    ]
    for number, ends in enumerate(_worst_last(placed)):
        if number % STEP == 0:
            yield
        lines.append(_link(*ends, has_label=placed.has_labels))
    yield
    lines += [*_column(placed.left), *_column(placed.right), *(line for _, line in foot), "</svg>"]
    return "\n".join([*lines, ""])


def _style() -> str:
    fills = {"background": "background", "box": "box", "text": "text", "quiet": "quiet"}
    rules = [f".topology .{name}{{fill:{DARK[colour]}}}" for name, colour in fills.items()]
    rules += [".topology .box{stroke:" + DARK["line"] + "}"]
    for mark in Mark:
        name, colour = _class(mark), colour_of(mark, DARK)
        rules += [f".topology .{name} path{{stroke:{colour}}}", f".topology .{name} text{{fill:{colour}}}"]
    return f"<style>@media (prefers-color-scheme: dark){{{''.join(rules)}}}</style>"


def _head(drawn: Drawing) -> Iterator[str]:
    yield _text(MARGIN, 30, shortened(drawn.title, 90), size=18, weight="600")
    yield _text(MARGIN, 52, shortened(drawn.summary, 170), kind="quiet")
    if drawn.links:
        yield _text(MARGIN, 84, "Images that are pushed to", kind="quiet", weight="600")
        yield _text(RIGHT_START, 84, "are copied to", kind="quiet", weight="600")


def _column(column: Column) -> Iterator[str]:
    for cluster, place in column.clusters:
        yield _rectangle(place.x, place.y, place.height, radius=6)
        yield _text(place.x + 10, place.y + 15, shortened(cluster, 34), weight="600")
    for box, place in column.boxes:
        middle = place.y + place.height / 2 + 4
        if not box.cluster:
            yield _rectangle(place.x, place.y, place.height, radius=6)
        room = 34 - len(box.detail)
        yield _text(place.x + 10, middle, shortened(box.label, room), title=box.key if len(box.label) > room else "")
        if box.detail:
            yield _text(place.x + BOX_WIDTH - 10, middle, box.detail, kind="quiet", anchor="end", size=11)


def _worst_last(placed: Layout) -> list[tuple[Link, float, float]]:
    """Return the links in the order of drawing, so that problems are on top."""
    return sorted(placed.ends, key=lambda ends: ends[0].mark.rank)


def _link(link: Link, start: float, stop: float, *, has_label: bool) -> str:
    tip = RIGHT_START - 2
    run = tip - (_LABEL_RUN if has_label else 24)
    curve = f"M{LEFT_END:g} {start:g} C{LEFT_END + _CURVE} {start:g} {run - _CURVE} {stop:g} {run} {stop:g} H{tip}"
    usual, colour = link.usual, colour_of(link.mark, LIGHT)
    is_faint = usual is Mark.WORKING and not has_label
    options = _dashes(usual) + (' stroke-opacity="0.6"' if is_faint else "")
    label = (
        f'<text x="{tip - 14}" y="{stop - 4:g}" text-anchor="end" font-size="11" fill="{colour}">'
        f"{escape(link.label)}</text>"
    )
    return (
        f"<g><title>{escape(link.title)}</title>"
        f'<g class="{_class(usual)}">{_path(curve, usual, options, 1 if is_faint else 1.5)}</g>'
        f'<g class="{_class(link.mark)}">{_path(_tip(link.mark, tip, stop), link.mark, "", 1.8)}'
        f"{label if has_label else ''}</g></g>"
    )


def _path(path: str, mark: Mark, options: str, width: float) -> str:
    return f'<path d="{path}" fill="none" stroke="{colour_of(mark, LIGHT)}" stroke-width="{width}"{options}/>'


def _class(mark: Mark) -> str:
    return mark.name.lower()


def _dashes(mark: Mark) -> str:
    return f' stroke-dasharray="{_DASHES[mark]}"' if mark in _DASHES else ""


def _tip(mark: Mark, x: float, y: float) -> str:
    """Return the end of a link: an arrow, or a cross where images do not arrive."""
    if mark in (Mark.BROKEN, Mark.ONE_SIDED):
        return f"M{x - 10:g} {y - 4:g} l8 8 m0 -8 l-8 8"
    return f"M{x - 6:g} {y - 4:g} L{x:g} {y:g} L{x - 6:g} {y + 4:g}"


def _foot(drawn: Drawing, top: float) -> Iterator[tuple[float, str]]:
    """Yield the lines below the columns, each with its y."""
    y = top
    if drawn.problems:
        yield y, _text(MARGIN, y, "Needs attention", weight="600")
        for mark, problem in drawn.problems[:_MAX_PROBLEMS]:
            for line in textwrap.wrap(f"{mark}: {problem}", _PROBLEM_WIDTH, subsequent_indent="    ")[:3]:
                y += _LINE
                yield y, f'<g class="{_class(mark)}">{_problem(mark, y, line)}</g>'
        if len(drawn.problems) > _MAX_PROBLEMS:
            y += _LINE
            yield y, _text(MARGIN, y, f"and {len(drawn.problems) - _MAX_PROBLEMS} more", kind="quiet")
        y += _LINE * 1.6
    for mark in drawn.marks:
        yield y, _sample(mark, y)
        y += _LINE
    if drawn.links:
        yield y, _text(MARGIN, y, CHAINING, kind="quiet", size=11)


def _problem(mark: Mark, y: float, line: str) -> str:
    indent = 16 if line.startswith(" ") else 0
    return _marked_text(mark, MARGIN + indent, y, line.strip())


def _sample(mark: Mark, y: float) -> str:
    tip = MARGIN + 44
    line = _path(f"M{MARGIN} {y - 4:g} H{tip}", mark, _dashes(mark), 1.5)
    end = _path(_tip(mark, tip, y - 4), mark, "", 1.8)
    return f'<g class="{_class(mark)}">{line}{end}{_marked_text(mark, tip + 10, y, _LEGEND[mark])}</g>'


def _marked_text(mark: Mark, x: float, y: float, text: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="11" fill="{colour_of(mark, LIGHT)}">{escape(text)}</text>'


def _rectangle(x: float, y: float, height: float, *, radius: int) -> str:
    return (
        f'<rect class="box" x="{x:g}" y="{y:g}" width="{BOX_WIDTH}" height="{height:g}" rx="{radius}"'
        f' fill="{LIGHT["box"]}" stroke="{LIGHT["line"]}"/>'
    )


def _text(
    x: float,
    y: float,
    text: str,
    *,
    kind: str = "text",
    size: int = 12,
    weight: str = "",
    anchor: str = "",
    title: str = "",
) -> str:
    options = f' font-size="{size}"' if size != 12 else ""
    options += f' font-weight="{weight}"' if weight else ""
    options += f' text-anchor="{anchor}"' if anchor else ""
    tip = f"<title>{escape(title)}</title>" if title else ""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" fill="{LIGHT[kind]}"{options}>{tip}{escape(text)}</text>'
