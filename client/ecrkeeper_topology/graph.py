"""Registries and the replication between them.

Facts: "Private image replication" in the ECR user guide. ECR replicates an image that is pushed,
and not one that arrived by replication, so an image goes along one edge and no further.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from typing import NamedTuple


class Mark(StrEnum):
    """Whether the images of an edge arrive, from the least to the most serious."""

    WORKING = "working"
    PENDING = "not in AWS yet"
    UNKNOWN = "unknown"
    PARTIAL = "partial"
    ONE_SIDED = "one-sided"
    BROKEN = "broken"

    @property
    def rank(self) -> int:
        """The seriousness; the highest is the worst."""
        return _RANKS[self]

    @property
    def is_problem(self) -> bool:
        """Whether some images do not arrive, or may not."""
        return self.rank >= _RANKS[Mark.UNKNOWN]


_RANKS = {mark: rank for rank, mark in enumerate(Mark)}


class Node(NamedTuple):
    """The registry of an account in a Region."""

    account: str
    region: str

    def __str__(self) -> str:
        return f"{self.account}/{self.region}"


@dataclass(frozen=True, slots=True)
class Edge:
    """The replication from one registry to another.

    `filters` are prefixes of repositories, and the empty one matches all. `note` explains the mark.
    """

    source: Node
    destination: Node
    filters: tuple[str, ...]
    mark: Mark
    note: str = ""

    @property
    def ends(self) -> tuple[Node, Node]:
        """The source and the destination."""
        return self.source, self.destination

    def replicates(self, repository: str) -> bool:
        """Return whether a filter matches the name of a repository."""
        return repository.startswith(self.filters)


@dataclass(frozen=True, slots=True)
class Graph:
    """All registries, and the edges between them, in order.

    `incomplete` are registries whose answer lacked a part of their rules.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    incomplete: tuple[Node, ...] = ()

    @classmethod
    def of(cls, nodes: Iterable[Node], edges: Iterable[Edge], incomplete: Iterable[Node] = ()) -> Graph:
        """Return a graph; the ends of edges are nodes, too.

        ValueError if two edges have the same ends.
        """
        ordered = sorted(edges, key=lambda edge: edge.ends)
        ends = [edge.ends for edge in ordered]
        if len(set(ends)) != len(ends):
            raise ValueError("two edges have the same source and destination")
        return cls(tuple(sorted({*nodes, *chain.from_iterable(ends)})), tuple(ordered), tuple(sorted(set(incomplete))))

    def of_repository(self, repository: str) -> Graph:
        """Return the graph with those edges that replicate a repository.

        An edge that works or is broken does so for each of its repositories. Other marks stay as a
        possibility.
        """
        return replace(self, edges=tuple(edge for edge in self.edges if edge.replicates(repository)))

    def reach(self, source: Node, repository: str) -> tuple[Edge, ...]:
        """Return the edges of an image that is pushed to a repository of a registry.

        There is no second step: ECR does not replicate an image that arrived by replication.
        """
        return tuple(edge for edge in self.edges if edge.source == source and edge.replicates(repository))

    def marked(self, marks: Iterable[Edge]) -> Graph:
        """Return the graph with other edges in the place of those with the same ends."""
        newer = {edge.ends: edge for edge in marks}
        return replace(self, edges=tuple(newer.get(edge.ends, edge) for edge in self.edges))

    @property
    def problems(self) -> tuple[Edge, ...]:
        """The edges along which some images do not arrive, or may not; the worst first."""
        worst_first = [mark for mark in reversed(Mark) if mark.is_problem]
        return tuple(edge for mark in worst_first for edge in self.edges if edge.mark is mark)

    def counts(self) -> dict[Mark, int]:
        """Return the number of edges with each mark that occurs."""
        marks = [edge.mark for edge in self.edges]
        return {mark: marks.count(mark) for mark in Mark if mark in marks}
