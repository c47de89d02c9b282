"""The modules that the walks of docs/architecture.md name."""

from __future__ import annotations

import re

from tests.docs.blocks import ROOT

_PAGE = ROOT / "docs" / "architecture.md"


def section(title: str) -> str:
    """Return the text below a heading, until the next one."""
    headings = re.split(r"^#+ (.*)\n", _PAGE.read_text(), flags=re.MULTILINE)
    return dict(zip(headings[1::2], headings[2::2], strict=True))[title]


def modules_of(text: str) -> set[str]:
    """Return the named modules, by their dotted names in the server."""
    return {path.replace("/", ".") for path in re.findall(r"`([a-z_/]+)\.py`", text)}


def steps_of(text: str) -> str:
    """Return the numbered steps of a walk, and its first paragraph."""
    return re.split(r"\n\n(?![0-9]\. )", text.strip(), maxsplit=1)[0]
