"""Write a drawing as a flowchart of Mermaid, which code hosts show in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from ecrkeeper_topology.colours import LIGHT, colour_of
from ecrkeeper_topology.drawing import Box, Drawing
from ecrkeeper_topology.graph import Mark

# Mermaid reads entities such as #35; in quoted texts.
_PLAIN = re.compile(r"[A-Za-z0-9 ./_:,·→-]")
_ARROWS = {Mark.BROKEN: "--x", Mark.ONE_SIDED: "--x", Mark.UNKNOWN: "-.->", Mark.PENDING: "-.->"}


def mermaid(drawn: Drawing) -> str:
    """Return the flowchart.

    Every text is quoted, with entities for special characters.
    """
    ids = {box.key: f"n{number}" for number, box in enumerate(drawn.boxes)}
    lines = ["flowchart LR", *_boxes(drawn, ids)]
    for number, link in enumerate(drawn.links):
        arrow = _ARROWS.get(link.mark, "-->")
        lines.append(f"  {ids[link.source]} {arrow}|{_quoted(link.label)}| {ids[link.destination]}")
        if link.mark is not Mark.WORKING:
            lines.append(f"  linkStyle {number} stroke:{colour_of(link.mark, LIGHT)},stroke-width:2px")
    return "\n".join([*lines, ""])


def _boxes(drawn: Drawing, ids: dict[str, str]) -> Iterator[str]:
    for number, (cluster, boxes) in enumerate(groupby(drawn.boxes, key=lambda box: box.cluster)):
        indent = "    " if cluster else "  "
        if cluster:
            yield f"  subgraph c{number}[{_quoted(cluster)}]"
        yield from (f"{indent}{ids[box.key]}[{_quoted(_text(box))}]" for box in boxes)
        if cluster:
            yield "  end"


def _text(box: Box) -> str:
    return f"{box.label}, {box.detail}" if box.detail else box.label


def _quoted(text: str) -> str:
    return '"' + "".join(each if _PLAIN.fullmatch(each) else f"#{ord(each)};" for each in text) + '"'
