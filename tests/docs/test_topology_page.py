"""The page of the topology beside a running `ecrkeeper dev`, and the pictures."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from tests.docs.blocks import ROOT, Reading
from tests.docs.stage import Stage
from tests.docs.test_command_line_pages import beside

__all__ = ["beside"]

PICTURES = ROOT / "docs" / "pictures"


def test_topology(beside: Stage) -> None:
    page = Reading("docs/topology.md")
    output = beside.shell(page.next("sh", "--account"))
    assert re.search(r"111111111111/us-east-1  222222222222/eu-west-1  settlement/ +working", output)
    output = beside.shell(page.next("sh", "--repository"))
    assert output.count("\n") >= 3
    assert "222222222222" not in output
    beside.shell(page.next("sh", "-o svg"))
    assert (beside.folder / "topology.mmd").read_text().startswith("flowchart LR\n")
    assert (beside.folder / "topology.dot").read_text().startswith("digraph ")
    shown = ET.parse(beside.folder / "regions.svg").getroot()
    assert {"eu-west-1", "us-east-1", "us-west-2"} <= {"".join(each.itertext()) for each in shown.iter()}
    page.ended()


@pytest.mark.parametrize("name", ["terminal.svg", "topology.svg"])
def test_pictures_load_nothing(name: str) -> None:
    text = (PICTURES / name).read_text()
    tags = {each.tag.rpartition("}")[2] for each in ET.fromstring(text).iter()}
    assert tags.isdisjoint({"script", "image", "foreignObject", "a", "use"})
    assert set(re.findall(r"https?://[^\s\"')]+", text)) <= {"http://www.w3.org/2000/svg"}


def test_named_pictures_exist() -> None:
    pages = {page: page.read_text() for page in (ROOT / "README.md", ROOT / "docs" / "topology.md")}
    named = {(page.parent / path) for page, text in pages.items() for path in re.findall(r"!\[.*?\]\((.+?)\)", text)}
    assert {path.name for path in named} >= {"terminal.svg", "topology.svg"}
    assert [path for path in named if not path.is_file()] == []
