"""Group the registries of a graph into boxes, and its edges into links.

A drawing has the texts of a picture, and no positions. All texts are visible characters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from ecrkeeper_files.plain_text import escaped

from ecrkeeper_topology.graph import Edge, Graph, Mark, Node
from ecrkeeper_topology.steps import STEP, Steps, finish

_MAX_BOXES = {"registry": 48, "account": 120}
_MAX_LINKS = {"registry": 64, "account": 240}
_FILTERS = 2
_LABEL = 34
CHAINING = "ECR does not replicate an image that arrived by replication: an image follows one arrow, and no second one."


class Grouping(StrEnum):
    """The place that one box of a picture stands for.

    AUTO is the finest of the others that stays readable.
    """

    AUTO = "auto"
    REGISTRY = "registry"
    ACCOUNT = "account"
    REGION = "region"


@dataclass(frozen=True, slots=True)
class Box:
    """A registry, or all registries of an account or of a Region.

    `cluster` is the account of a registry, and empty otherwise.
    """

    key: str
    label: str
    cluster: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """All edges from the registries of one box to those of another.

    `mark` is the worst of the edges, and `usual` the most frequent one.
    """

    source: str
    destination: str
    mark: Mark
    usual: Mark
    label: str
    title: str
    count: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """The boxes and links of a picture, with the texts around them.

    A box can be a source and a destination. `problems` explains edges that do not work.
    """

    title: str
    summary: str
    grouping: Grouping
    sources: tuple[Box, ...]
    destinations: tuple[Box, ...]
    links: tuple[Link, ...]
    problems: tuple[tuple[Mark, str], ...]

    @property
    def boxes(self) -> tuple[Box, ...]:
        """All boxes, each once."""
        return tuple(dict.fromkeys(sorted((*self.sources, *self.destinations), key=lambda box: box.key)))

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The marks that occur."""
        present = {link.mark for link in self.links}
        return tuple(mark for mark in Mark if mark in present)


def drawing(graph: Graph, grouping: Grouping = Grouping.AUTO, *, repository: str = "") -> Drawing:
    """Return the drawing of a graph, or of one repository in it."""
    return finish(drawing_steps(graph, grouping, repository=repository))


def drawing_steps(graph: Graph, grouping: Grouping = Grouping.AUTO, *, repository: str = "") -> Steps[Drawing]:
    """Return the same in steps."""
    if repository:
        graph = replace(graph, edges=tuple((yield from _replicating(graph.edges, repository))))
    yield
    if grouping is Grouping.AUTO:
        grouping = _readable(graph)
    yield
    problems = yield from _problems(graph)
    links, sources, destinations = yield from _grouped(graph.edges, _KEYS[grouping])
    drawn = []
    for ends, edges in sorted(links.items()):
        yield
        drawn.append(_link(*ends, edges))
    yield
    return Drawing(
        title=f"Replication of {escaped(repository)}" if repository else "Replication",
        summary=_summary(graph) if graph.edges else _nothing(repository),
        grouping=grouping,
        sources=_boxes(sources, grouping),
        destinations=_boxes(destinations, grouping),
        links=tuple(drawn),
        problems=problems,
    )


def _replicating(edges: Iterable[Edge], repository: str) -> Steps[list[Edge]]:
    """Return those edges that replicate a repository, in steps."""
    replicating = []
    for edge in edges:
        yield
        if edge.replicates(repository):
            replicating.append(edge)
    return replicating


def _problems(graph: Graph) -> Steps[tuple[tuple[Mark, str], ...]]:
    """Return the explanations of edges that do not work, in steps."""
    problems = []
    for number, edge in enumerate(graph.problems):
        if number % STEP == 0:
            yield
        problems.append((edge.mark, _problem(edge)))
    return tuple(problems)


Boxes = dict[str, set[Node]]


def _grouped(
    edges: Iterable[Edge], key: Callable[[Node], str]
) -> Steps[tuple[dict[tuple[str, str], list[Edge]], Boxes, Boxes]]:
    """Return the edges of each link, and the registries of each box, in steps."""
    links: dict[tuple[str, str], list[Edge]] = {}
    sources: Boxes = {}
    destinations: Boxes = {}
    for number, edge in enumerate(edges):
        if number % STEP == 0:
            yield
        source, destination = key(edge.source), key(edge.destination)
        links.setdefault((source, destination), []).append(edge)
        sources.setdefault(source, set()).add(edge.source)
        destinations.setdefault(destination, set()).add(edge.destination)
    return links, sources, destinations


def filters_text(filters: Iterable[str], maximum: int = 0) -> str:
    """Return filters as people read them; with `maximum`, only the first ones."""
    all_filters = list(filters)
    names = [escaped(each) or "all repositories" for each in all_filters[: maximum or None]]
    if len(names) < len(all_filters):
        names.append(f"{len(all_filters) - len(names)} more")
    return ", ".join(names)


def shortened(text: str, length: int) -> str:
    """Return a text of at most that many characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _readable(graph: Graph) -> Grouping:
    for grouping, ends in (
        (Grouping.REGISTRY, {edge.ends for edge in graph.edges}),
        (Grouping.ACCOUNT, {(edge.source.account, edge.destination.account) for edge in graph.edges}),
    ):
        boxes = len({source for source, _ in ends}) + len({destination for _, destination in ends})
        if boxes <= _MAX_BOXES[grouping] and len(ends) <= _MAX_LINKS[grouping]:
            return grouping
    return Grouping.REGION


_KEYS: dict[Grouping, Callable[[Node], str]] = {
    Grouping.REGISTRY: lambda node: escaped(str(node)),
    Grouping.ACCOUNT: lambda node: escaped(node.account),
    Grouping.REGION: lambda node: escaped(node.region),
}


def _boxes(groups: Boxes, grouping: Grouping) -> tuple[Box, ...]:
    return tuple(_box(key, members, grouping) for key, members in sorted(groups.items()))


def _box(key: str, nodes: set[Node], grouping: Grouping) -> Box:
    if grouping is Grouping.REGISTRY:
        node = min(nodes)
        return Box(key, escaped(node.region), cluster=escaped(node.account))
    return Box(key, key, detail=_counted(len(nodes), "Region" if grouping is Grouping.ACCOUNT else "account"))


def _link(source: str, destination: str, edges: list[Edge]) -> Link:
    marks = [edge.mark for edge in edges]
    counts = {mark: marks.count(mark) for mark in set(marks)}
    worst = max(counts, key=lambda mark: mark.rank)
    usual = max(counts, key=lambda mark: (counts[mark], mark.rank))
    label = _filters_and_mark(edges[0]) if len(edges) == 1 else _count_and_mark(marks, worst)
    return Link(source, destination, worst, usual, label, _title(edges), len(edges))


def _filters_and_mark(edge: Edge) -> str:
    suffix = "" if edge.mark is Mark.WORKING else f" · {edge.mark}"
    return shortened(filters_text(edge.filters, _FILTERS), _LABEL - len(suffix)) + suffix


def _count_and_mark(marks: list[Mark], worst: Mark) -> str:
    alike = marks.count(worst)
    if worst is Mark.WORKING:
        return str(alike)
    return f"{alike} {worst}" if alike == len(marks) else f"{len(marks)} · {alike} {worst}"


def _title(edges: list[Edge]) -> str:
    lines = [f"{_ends(edge)}: {filters_text(edge.filters, 10)}: {edge.mark}" for edge in edges[:10]]
    return "\n".join([*lines, *([f"and {len(edges) - 10} more"] if len(edges) > 10 else [])])


def _problem(edge: Edge) -> str:
    return f"{_ends(edge)}: {escaped(edge.note) or edge.mark}"


def _ends(edge: Edge) -> str:
    return escaped(f"{edge.source} → {edge.destination}")


def _nothing(repository: str) -> str:
    return f"No registry replicates {escaped(repository)}." if repository else "No registry replicates to another."


def _summary(graph: Graph) -> str:
    ends = {node for edge in graph.edges for node in edge.ends}
    accounts = len({node.account for node in ends})
    parts = [f"{count} {mark}" for mark, count in graph.counts().items()]
    return (
        f"{_counted(len(graph.edges), 'replication')} between {_counted(len(ends), 'registry', 'registries')}"
        f" in {_counted(accounts, 'account')}: {', '.join(parts)}"
    )


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or f'{one}s'}"
