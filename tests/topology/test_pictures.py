"""Pictures: every text stays a text, groups keep all edges, and nothing overlaps."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from ecrkeeper_topology import Graph, Grouping, Mark, dot, drawing, mermaid, svg
from ecrkeeper_topology.colours import DARK, LIGHT, Colours, colour_of
from ecrkeeper_topology.layout import BOX_WIDTH, WIDTH, Column, layout
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.topology.graphs import graphs, mesh, star, texts

SVG = "{http://www.w3.org/2000/svg}"
groupings = st.sampled_from(Grouping)
quick = settings(max_examples=30)


@quick
@given(graphs, groupings, texts)
def test_svg_is_xml_whose_texts_are_those_of_the_drawing(graph: Graph, grouping: Grouping, repository: str) -> None:
    drawn = drawing(graph, grouping, repository=repository)
    root = ET.fromstring(svg(drawn))
    assert {each.tag.removeprefix(SVG) for each in root.iter()} <= {
        "svg",
        "style",
        "rect",
        "text",
        "title",
        "g",
        "path",
    }
    assert {name for each in root.iter() for name in each.attrib}.isdisjoint({"href", "id", "onload", "style"})
    assert root.attrib["aria-label"] == f"{drawn.title}. {drawn.summary}"
    written = {"".join(each.itertext()) for each in root.iter(f"{SVG}text")}
    assert {link.label for link in drawn.links} <= written


@quick
@given(graphs, groupings)
def test_dot_has_its_texts_in_quotes(graph: Graph, grouping: Grouping) -> None:
    drawn = drawing(graph, grouping)
    text = dot(drawn)
    strings = re.findall(r'"((?:[^"\\]|\\.)*)"', text)
    plain = [re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], each) for each in strings]
    assert {link.label for link in drawn.links} | {box.key for box in drawn.boxes} <= set(plain)
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    assert re.fullmatch(r"[a-z0-9_=,;\[\]{}> \n-]*", bare, re.IGNORECASE)
    assert bare.count("->") == len(drawn.links)
    assert (bare.count("{"), bare.count("digraph")) == (bare.count("}"), 1)


@quick
@given(graphs, groupings)
def test_mermaid_has_its_texts_in_quotes_and_entities(graph: Graph, grouping: Grouping) -> None:
    drawn = drawing(graph, grouping)
    lines = mermaid(drawn).splitlines()
    quoted = r'"[A-Za-z0-9 ./_:,·→#;-]*"'
    shapes = (
        "flowchart LR", rf"  subgraph c\d+\[{quoted}\]", "  end", rf"  +n\d+\[{quoted}\]",
        rf"  n\d+ (-->|--x|-\.->)\|{quoted}\| n\d+", r"  linkStyle \d+ stroke:#[0-9a-f]{6},stroke-width:2px",
    )  # fmt: skip
    assert [line for line in lines if not any(re.fullmatch(shape, line) for shape in shapes)] == []
    entities = "".join(lines).replace("stroke:#", "")
    assert re.fullmatch(r"[^#]*(#\d+;[^#]*)*", entities)
    labels = re.findall(r'\|"(.*?)"\|', "\n".join(lines))
    assert [re.sub(r"#(\d+);", lambda match: chr(int(match[1])), each) for each in labels] == [
        link.label for link in drawn.links
    ]


@quick
@given(graphs, groupings)
def test_groups_keep_every_edge_and_its_mark(graph: Graph, grouping: Grouping) -> None:
    drawn = drawing(graph, grouping)
    assert sum(link.count for link in drawn.links) == len(graph.edges)
    assert {link.source for link in drawn.links} == {box.key for box in drawn.sources}
    assert {link.destination for link in drawn.links} == {box.key for box in drawn.destinations}
    assert max((edge.mark.rank for edge in graph.edges), default=None) == max(
        (link.mark.rank for link in drawn.links), default=None
    )
    assert len(drawn.problems) == len(graph.problems)
    assert drawing(Graph.of(reversed(graph.nodes), reversed(graph.edges)), grouping) == drawn


def spans(column: Column) -> list[tuple[float, float]]:
    return sorted((place.y, place.y + place.height) for _, place in column.boxes)


@quick
@given(graphs, groupings)
def test_boxes_and_ends_of_links_do_not_overlap(graph: Graph, grouping: Grouping) -> None:
    drawn = drawing(graph, grouping)
    placed = layout(drawn, 100)
    for column in (placed.left, placed.right):
        boxes = spans(column)
        assert all(end <= begin for (_, end), (begin, _) in zip(boxes, boxes[1:], strict=False))
        assert all(place.x >= 0 and place.x + BOX_WIDTH <= WIDTH for _, place in column.boxes)
    for at in (1, 2):
        ends = sorted(end[at] for end in placed.ends)
        assert all(after - before >= 4 for before, after in zip(ends, ends[1:], strict=False))
    inside = {box.key: (place.y, place.y + place.height) for box, place in placed.right.boxes}
    assert all(inside[link.destination][0] <= stop <= inside[link.destination][1] for link, _, stop in placed.ends)


@pytest.mark.parametrize(
    ("graph", "grouping", "boxes", "reason"),
    [
        (star(1), Grouping.REGISTRY, 7, "few registries are shown one by one"),
        (star(50), Grouping.ACCOUNT, 101, "300 registries are grouped by account"),
        (mesh(50, 4), Grouping.REGION, 12, "accounts that all replicate to each other are grouped by Region"),
    ],
)
def test_large_graphs_are_grouped_and_fit_a_page(graph: Graph, grouping: Grouping, boxes: int, reason: str) -> None:
    drawn = drawing(graph)
    assert drawn.grouping is grouping, reason
    assert len(drawn.sources) + len(drawn.destinations) == boxes, reason
    assert layout(drawn, 0).end < 3000, reason


def test_group_says_how_many_of_its_edges_are_broken() -> None:
    drawn = drawing(star(9, broken=2), Grouping.REGION)
    (link,) = (each for each in drawn.links if each.destination == "eu-west-1")
    assert (link.label, link.mark, link.usual) == ("9 · 2 broken", Mark.BROKEN, Mark.WORKING)
    assert drawn.summary.endswith("54 replications between 55 registries in 10 accounts: 52 working, 2 broken")


def test_picture_without_style_has_no_style_element() -> None:
    drawn = drawing(star(1))
    assert "<style" in svg(drawn)
    assert "style" not in svg(drawn, has_style=False).replace("stroke", "")


def test_empty_drawing_has_a_message() -> None:
    empty = Graph.of([], [])
    assert "No registry replicates to another." in svg(drawing(empty))
    assert "No registry replicates prod/api." in svg(drawing(star(1).of_repository("x"), repository="prod/api"))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_colours_have_the_contrast_of_wcag(colours: Colours) -> None:
    for name in ("text", "quiet", *(mark.name.lower() for mark in Mark)):
        for ground in ("background", "box"):
            dim, bright = sorted((luminance(colours[name]), luminance(colours[ground])))
            assert (bright + 0.05) / (dim + 0.05) >= 4.5, (name, ground)
    assert len({colour_of(mark, colours) for mark in Mark}) == len(Mark)
