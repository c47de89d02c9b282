"""The layers in docs/architecture.md are those of the import contract."""

from __future__ import annotations

import tomllib

from tests.docs.blocks import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text()
# The descriptions of the layers begin in this column.
COLUMN = 41


def contract() -> dict[str, int]:
    """Return the depth of each layer."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (each["layers"] for each in contracts if each["name"] == "Imports point one way")
    return {name: depth for depth, layer in enumerate(layers) for name in layer.split(" | ")}


def documented() -> list[str]:
    block = PAGE.partition("```text\n")[2].partition("```")[0]
    return [name for line in block.splitlines() for name in line[:COLUMN].split()]


def test_page_lists_every_layer_once() -> None:
    assert sorted(documented()) == sorted(contract())


def test_page_lists_layers_from_top_to_bottom() -> None:
    depths = contract()
    assert [depths[name] for name in documented()] == sorted(depths.values())
