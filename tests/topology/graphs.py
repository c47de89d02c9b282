"""Graphs for tests: random ones with hostile texts, and large ones."""

from __future__ import annotations

import random

from ecrkeeper_topology import Edge, Graph, Mark, Node
from hypothesis import strategies as st

HOSTILE = (
    "</title><script>alert(1)</script>", '"];x[', "a\\", '\\" ]; } digraph x {', "%%{init: {}}%%", "x\ny", "\x00\x1b[2J",
    "click n0 call", "&lt;&#38;", "#quot;#59;", "]]>", "\u202e", "\ud800", "<!--", "end", "subgraph", "é→…",
)  # fmt: skip
texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8))
nodes = st.builds(Node, texts, texts)
edges = st.builds(Edge, nodes, nodes, st.tuples(texts) | st.tuples(texts, texts), st.sampled_from(Mark), texts)
graphs = st.builds(Graph.of, st.lists(nodes, max_size=4), st.lists(edges, max_size=8, unique_by=lambda edge: edge.ends))
_REGIONS = ("eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "sa-east-1", "ap-south-1")


def star(accounts: int, *, broken: int = 0) -> Graph:
    """Return a graph whose accounts replicate to all Regions and to a central account."""
    names = [f"{100_000_000_000 + number}" for number in range(accounts)]
    links = [
        Edge(Node(name, _REGIONS[0]), Node(name, region), ("prod/",), Mark.WORKING)
        for name in names
        for region in _REGIONS[1:]
    ]
    links += [
        Edge(Node(name, _REGIONS[0]), Node("999999999999", _REGIONS[0]), ("audit/",), mark, "because")
        for name, mark in zip(names, [Mark.BROKEN] * broken + [Mark.WORKING] * accounts, strict=False)
    ]
    return Graph.of([], links)


def mesh(accounts: int, degree: int) -> Graph:
    """Return a graph with random edges between all registries."""
    chosen = random.Random(1)
    names = [Node(f"{100_000_000_000 + number}", region) for number in range(accounts) for region in _REGIONS]
    ends = {(source, other) for source in names for other in chosen.sample(names, degree) if other != source}
    return Graph.of(names, [Edge(*each, ("",), chosen.choice(list(Mark)), "because") for each in sorted(ends)])
