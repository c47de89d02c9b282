"""The colours of marks, with a contrast of at least 4.5 to 1 on their backgrounds."""

from __future__ import annotations

from collections.abc import Mapping

from ecrkeeper_topology.graph import Mark

Colours = Mapping[str, str]

LIGHT: Colours = {
    "background": "#ffffff", "box": "#f6f8fa", "line": "#8c959f", "text": "#1f2328", "quiet": "#57606a",
    "working": "#57606a", "pending": "#0969da", "unknown": "#7d4cdb", "partial": "#8a5a00", "one_sided": "#bc4c00",
    "broken": "#cf222e",
}  # fmt: skip
DARK: Colours = {
    "background": "#0d1117", "box": "#161b22", "line": "#6e7681", "text": "#e6edf3", "quiet": "#9da7b3",
    "working": "#9da7b3", "pending": "#58a6ff", "unknown": "#bc8cff", "partial": "#d4a72c", "one_sided": "#f0883e",
    "broken": "#ff7b72",
}  # fmt: skip


def colour_of(mark: Mark, colours: Colours) -> str:
    """Return the colour of a mark."""
    return colours[mark.name.lower()]
