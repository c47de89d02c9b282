"""`topology`: who replicates to whom."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

import click
from ecrkeeper import names
from ecrkeeper_topology import (
    Drawing,
    Edge,
    Graph,
    Grouping,
    Mark,
    Node,
    dot,
    drawing,
    explained,
    graph_of,
    mermaid,
    svg,
)
from ecrkeeper_topology.drawing import filters_text

from ecrkeeper_cli import render
from ecrkeeper_cli.read_commands import ACCOUNT, FILTER
from ecrkeeper_cli.resources import PatternType
from ecrkeeper_cli.session import Session, pass_session

if TYPE_CHECKING:
    from ecrkeeper import Client, Registry

_AT_ONCE = 8
_PART = "[a-z0-9]+(?:[._-][a-z0-9]+)*"
_REPOSITORY = PatternType("name", rf"(?=.{{2,256}}$){_PART}(?:/{_PART})*", "the form of a repository's name")
_PICTURES: dict[str, Callable[[Drawing], str]] = {"svg": svg, "mermaid": mermaid, "dot": dot}
_COLOURS = {
    Mark.WORKING: "green", Mark.PENDING: "cyan", Mark.UNKNOWN: "magenta", Mark.PARTIAL: "yellow",
    Mark.ONE_SIDED: "red", Mark.BROKEN: "red",
}  # fmt: skip
T = TypeVar("T")
R = TypeVar("R")


@click.command()
@click.option(
    "--repository", type=_REPOSITORY, default="", metavar="NAME", help="Only the replication of this repository."
)
@ACCOUNT
@FILTER
@click.option(
    "--group", type=click.Choice([each.value for each in Grouping]), default="auto", show_default=True,
    help="What one box of a picture is; auto is the finest that stays readable.",
)  # fmt: skip
@render.output_option("table", "json", "yaml", "markdown", *_PICTURES)
@pass_session
def topology(session: Session, repository: str, account: str, filter_: str, group: str, output: str) -> None:
    """Show who replicates to whom, and what does not work.

    --account and --filter select the sources. With --repository, the output shows where the images of one repository
    arrive; ECR does not replicate them from there. `-o svg`, `mermaid` and `dot` print a picture.
    """
    client = session.client
    graph = graph_of(_registries(client, f"accounts/{account}", filter_))
    if repository:
        graph = _of_repository(client, graph, repository)
    for node in graph.incomplete:
        click.echo(f"warning: the answer for {node} is too long: some of its replications may be missing", err=True)
    drawn = drawing(graph, Grouping(group), repository=repository)
    if output in _PICTURES:
        sys.stdout.buffer.write(_PICTURES[output](drawn).encode())
        sys.stdout.buffer.flush()
    elif output in ("json", "yaml"):
        render.show([_shape(edge) for edge in graph.edges], output)
    else:
        if graph.edges:
            render.table(_HEADINGS, map(_row, graph.edges), output)
        click.echo(drawn.summary, err=True)


def _registries(client: Client, parent: str, filter_: str) -> list[Registry]:
    """Return registries; those that replicate with all of their fields."""
    from ecrkeeper import NotFound

    def full(registry: Registry) -> Registry:
        if all(each.setting != "replication_configuration" for each in registry.element_counts):
            return registry
        try:
            return client.get_registry(registry.name)
        except NotFound:  # It was deleted since it was listed.
            return registry

    return _at_once(full, client.list_registries(parent, filter_))


def _of_repository(client: Client, graph: Graph, repository: str) -> Graph:
    """Return the edges of a repository; the server decides where the marks do not."""
    graph = graph.of_repository(repository)
    doubtful = {edge.source for edge in graph.edges if edge.mark in (Mark.PARTIAL, Mark.UNKNOWN)}

    def edges(source: Node) -> list[Edge]:
        replications = client.explain_repository(names.registry(source.account, source.region), repository).replications
        by_place = {Node(each.destination.registry_id, each.destination.region): each for each in replications}
        reached = graph.reach(source, repository)
        return [explained(edge, by_place[edge.destination]) for edge in reached if edge.destination in by_place]

    return graph.marked(edge for group in _at_once(edges, sorted(doubtful)) for edge in group)


def _at_once(call: Callable[[T], R], values: Iterable[T]) -> list[R]:
    from ecrkeeper._many import threads

    with threads(_AT_ONCE) as pool:
        return list(pool.map(call, values))


_HEADINGS = ("source", "destination", "repositories", "images", "reason")


def _row(edge: Edge) -> Sequence[str | render.Cell]:
    mark = render.Cell(str(edge.mark), _COLOURS[edge.mark])
    return str(edge.source), str(edge.destination), filters_text(edge.filters, 5), mark, edge.note


def _shape(edge: Edge) -> dict[str, object]:
    return {
        "source": str(edge.source),
        "destination": str(edge.destination),
        "filters": [each for each in edge.filters if each],
        "images": str(edge.mark),
        "reason": edge.note,
    }
