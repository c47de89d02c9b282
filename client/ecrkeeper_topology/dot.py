"""Write a drawing in the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from ecrkeeper_topology.colours import LIGHT, colour_of
from ecrkeeper_topology.drawing import Box, Drawing
from ecrkeeper_topology.graph import Mark

_STYLES = {
    Mark.WORKING: "solid", Mark.PENDING: "dotted", Mark.UNKNOWN: "dotted", Mark.PARTIAL: "dashed",
    Mark.ONE_SIDED: "dashed", Mark.BROKEN: "bold",
}  # fmt: skip
_HEADS = {Mark.ONE_SIDED: "tee", Mark.BROKEN: "tee"}


def dot(drawn: Drawing) -> str:
    """Return the graph; every text is a quoted string."""
    lines = [
        "digraph replication {",
        "  rankdir=LR;",
        f"  label={_quoted(f'{drawn.title}: {drawn.summary}')};",
        '  node [shape=box, style=rounded, fontname="sans-serif"];',
        '  edge [fontname="sans-serif", fontsize=10];',
        *_boxes(drawn),
    ]
    for link in drawn.links:
        colour = colour_of(link.mark, LIGHT)
        options = [f"label={_quoted(link.label)}", f"tooltip={_quoted(link.title)}", f'color="{colour}"']
        options += [f"style={_STYLES[link.mark]}", f"arrowhead={_HEADS.get(link.mark, 'normal')}"]
        lines.append(f"  {_quoted(link.source)} -> {_quoted(link.destination)} [{', '.join(options)}];")
    return "\n".join([*lines, "}", ""])


def _boxes(drawn: Drawing) -> Iterator[str]:
    for number, (cluster, boxes) in enumerate(groupby(drawn.boxes, key=lambda box: box.cluster)):
        indent = "    " if cluster else "  "
        if cluster:
            yield f"  subgraph cluster_{number} {{"
            yield f"    label={_quoted(cluster)};"
        yield from (f"{indent}{_quoted(box.key)} [label={_quoted(_text(box))}];" for box in boxes)
        if cluster:
            yield "  }"


def _text(box: Box) -> str:
    return f"{box.label}\n{box.detail}" if box.detail else box.label


def _quoted(text: str) -> str:
    """Return a string whose backslashes and quotes are literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
