"""Place the boxes and links of a drawing: sources left, destinations right.

Two columns suffice, because no edge continues another. Each end of a link has a place of its own,
so labels at the destinations do not overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from ecrkeeper_topology.drawing import Box, Drawing, Link

WIDTH = 1080
MARGIN = 20
BOX_WIDTH = 250
LEFT_END = MARGIN + BOX_WIDTH
RIGHT_START = WIDTH - MARGIN - BOX_WIDTH
# More links than this are drawn close to each other, without labels.
MAX_LABELS = 72
_HEADING = 22
_GAP = 12


@dataclass(frozen=True, slots=True)
class Density:
    """The distance of the ends of links and the least height of a box, in pixels."""

    pitch: float
    height: float


SPACIOUS = Density(18, 26)
DENSE = Density(4, 22)


@dataclass(frozen=True, slots=True)
class Rectangle:
    """The place of a box, or of a cluster of boxes with its heading."""

    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """The places of clusters and boxes, and the y that is free below them."""

    clusters: tuple[tuple[str, Rectangle], ...]
    boxes: tuple[tuple[Box, Rectangle], ...]
    end: float

    def middles(self) -> Mapping[str, float]:
        """Return the y of the middle of each box, by its key."""
        return {box.key: place.y + place.height / 2 for box, place in self.boxes}


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of a whole drawing; `ends` are the two y of each link."""

    left: Column
    right: Column
    ends: tuple[tuple[Link, float, float], ...]
    has_labels: bool

    @property
    def end(self) -> float:
        """The y that is free below both columns."""
        return max(self.left.end, self.right.end)


def layout(drawn: Drawing, top: float) -> Layout:
    """Return the places of a drawing that begins at a y."""
    has_labels = len(drawn.links) <= MAX_LABELS
    density = SPACIOUS if has_labels else DENSE
    left = _column(drawn.sources, _counts(link.source for link in drawn.links), MARGIN, top, density)
    right = _column(drawn.destinations, _counts(link.destination for link in drawn.links), RIGHT_START, top, density)
    left_y, right_y = left.middles(), right.middles()
    starts = _ends(drawn.links, "source", left_y, lambda link: right_y[link.destination], density)
    stops = _ends(drawn.links, "destination", right_y, lambda link: left_y[link.source], density)
    return Layout(left, right, tuple((link, starts[_key(link)], stops[_key(link)]) for link in drawn.links), has_labels)


def _key(link: Link) -> tuple[str, str]:
    return link.source, link.destination


def _counts(keys: Iterable[str]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for key in keys:
        counts[key] = counts.get(key, 0) + 1
    return counts


def _column(boxes: Sequence[Box], counts: Mapping[str, int], x: float, top: float, density: Density) -> Column:
    clusters, placed, y = [], [], top
    for cluster, members in groupby(boxes, key=lambda box: box.cluster):
        begin = y
        y += _HEADING if cluster else 0
        for box in members:
            height = max(density.height, density.pitch * counts[box.key] + 8)
            placed.append((box, Rectangle(x, y, height)))
            y += height + (0 if cluster else _GAP / 2)
        if cluster:
            clusters.append((cluster, Rectangle(x, begin, y - begin)))
            y += _GAP
    return Column(tuple(clusters), tuple(placed), y)


def _ends(
    links: Sequence[Link], side: str, middles: Mapping[str, float], other: Callable[[Link], float], density: Density
) -> Mapping[tuple[str, str], float]:
    """Return the y of each link at one side, in the order of their other ends."""
    groups: dict[str, list[Link]] = {}
    for link in sorted(links, key=other):
        groups.setdefault(getattr(link, side), []).append(link)
    return {
        _key(link): middles[key] + (number - (len(group) - 1) / 2) * density.pitch
        for key, group in groups.items()
        for number, link in enumerate(group)
    }
