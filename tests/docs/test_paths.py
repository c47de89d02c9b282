"""The modules that the documentation names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Pages name a module of the server by its path in the package, and others by the full path.
BASES = [ROOT, ROOT / "server" / "ecrkeeper_server", ROOT / "server", ROOT / "client" / "ecrkeeper"]
MODULE = re.compile(r"`((?:[a-z_0-9]+/)+[a-z_0-9]+\.py)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_modules_exist(page: Path) -> None:
    named = set(MODULE.findall(page.read_text()))
    missing = [path for path in sorted(named) if not any((base / path).is_file() for base in BASES)]
    assert not missing, f"{page} names modules that do not exist"


def test_pages_name_modules() -> None:
    paths = [path for page in PAGES for path in MODULE.findall(page.read_text())]
    assert len(paths) > 50, "the pattern finds what the pages name"
