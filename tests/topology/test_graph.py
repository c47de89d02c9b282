"""The graph: edges of messages, the way of an image, and marks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from ecrkeeper.v1.registry_pb2 import Registry, ReplicationArrival, ReplicationCheck, RepositoryReplication
from ecrkeeper.v1.settings_pb2 import ReplicationDestination
from ecrkeeper_topology import Edge, Graph, Mark, Node, explained, graph_of
from google.protobuf.json_format import ParseDict
from hypothesis import given
from hypothesis import strategies as st

from tests.topology.graphs import edges, graphs, texts

HERE, THERE, FAR = Node("1" * 12, "us-east-1"), Node("2" * 12, "eu-west-1"), Node("3" * 12, "sa-east-1")


def rules(*places: Node, filters: Iterable[str] = ()) -> dict[str, Any]:
    destinations = [{"registryId": place.account, "region": place.region} for place in places]
    rule = {"destinations": destinations, "repositoryFilters": [{"filter": each} for each in filters]}
    return {"replicationConfiguration": {"rules": [rule]}}


def check(place: Node, result: str, *reasons: str) -> dict[str, object]:
    return {
        "destination": {"registryId": place.account, "region": place.region},
        "result": result,
        "findings": [{"reason": each, "message": f"about {each}"} for each in reasons],
    }


def registry(node: Node = HERE, **fields: object) -> Registry:
    name = f"accounts/{node.account}/registries/{node.region}"
    return ParseDict({"name": name, **fields}, Registry())


@given(graphs, texts)
def test_image_goes_along_one_edge_only(graph: Graph, repository: str) -> None:
    for node in graph.nodes:
        reached = graph.reach(node, repository)
        assert all(edge.source == node for edge in reached)
        assert set(reached) == {edge for edge in graph.of_repository(repository).edges if edge.source == node}
        assert all(any(repository.startswith(each) for each in edge.filters) for edge in reached)


@given(graphs, st.lists(edges, max_size=3))
def test_marking_keeps_the_ends(graph: Graph, others: list[Edge]) -> None:
    assert [edge.ends for edge in graph.marked(others).edges] == [edge.ends for edge in graph.edges]
    assert graph.marked(graph.edges) == graph


@given(graphs)
def test_problems_begin_with_the_worst(graph: Graph) -> None:
    ranks = [edge.mark.rank for edge in graph.problems]
    assert ranks == sorted(ranks, reverse=True)
    assert set(graph.problems) == {edge for edge in graph.edges if edge.mark not in (Mark.WORKING, Mark.PENDING)}
    assert sum(graph.counts().values()) == len(graph.edges)


def test_edges_with_the_same_ends_are_rejected() -> None:
    edge = Edge(HERE, THERE, ("",), Mark.WORKING)
    with pytest.raises(ValueError, match="same source and destination"):
        Graph.of([], [edge, edge])


def test_edges_join_declared_and_observed_rules() -> None:
    graph = graph_of([
        registry(
            observed=rules(THERE, filters=("prod/",)),
            desired=rules(THERE, FAR, filters=("base/",)),
            replicationChecks=[check(THERE, "OK")],
        ),
        registry(FAR),
    ])  # fmt: skip
    assert graph.nodes == (HERE, THERE, FAR)
    assert graph.edges == (
        Edge(HERE, THERE, ("base/", "prod/"), Mark.WORKING),
        Edge(HERE, FAR, ("base/",), Mark.PENDING),
    )


def test_destinations_have_the_filters_of_their_rules() -> None:
    first, second = (
        rules(*places, filters=filters) for places, filters in (([HERE, THERE], "ba"), ([THERE, FAR], "c"))
    )
    merged = {"rules": [rule for each in (first, second) for rule in each["replicationConfiguration"]["rules"]]}
    graph = graph_of([registry(observed={"replicationConfiguration": merged}, desired=rules(FAR, filters=("d",)))])
    assert {edge.destination: edge.filters for edge in graph.edges} == {
        HERE: ("a", "b"), THERE: ("a", "b", "c"), FAR: ("c", "d")
    }  # fmt: skip


def test_rule_without_filters_replicates_every_repository() -> None:
    (edge,) = graph_of([registry(observed=rules(THERE))]).edges
    assert edge.filters == ("",)
    assert edge.replicates("any/name")


def test_cut_answers_are_incomplete() -> None:
    cut = registry(truncatedFields=["desired.replication_configuration"])
    assert graph_of([cut, registry(THERE, truncatedFields=["elements"])]).incomplete == (HERE,)


@pytest.mark.parametrize(
    ("result", "reasons", "mark", "reason"),
    [
        ("OK", (), Mark.WORKING, "all images arrive"),
        ("CONDITIONAL", ("DESTINATION_POLICY_OTHER_REPOSITORIES",), Mark.PARTIAL, "some images arrive"),
        ("UNKNOWN", ("AWS_ACCESS_DENIED",), Mark.UNKNOWN, "the destination cannot be read"),
        ("RESULT_UNSPECIFIED", (), Mark.UNKNOWN, "a result of a later version"),
        ("BROKEN", ("DESTINATION_POLICY_MISSING",), Mark.ONE_SIDED, "only the policy is missing"),
        ("BROKEN", ("DESTINATION_POLICY_MISSING", "DESTINATION_OTHER_PARTITION"), Mark.BROKEN, "no policy can help"),
        ("BROKEN", ("REPLICATION_FILTER_MATCHES_NOTHING",), Mark.BROKEN, "the fault is at the source"),
        ("BROKEN", (), Mark.BROKEN, "no reason is known"),
        (None, (), Mark.UNKNOWN, "the check has not run yet"),
    ],
)
def test_mark_follows_the_check(result: str | None, reasons: tuple[str, ...], mark: Mark, reason: str) -> None:
    checks = [] if result is None else [check(THERE, result, *reasons)]
    (edge,) = graph_of([registry(observed=rules(THERE), replicationChecks=checks)]).edges
    assert edge.mark is mark, reason
    assert result is None or edge.note == "; ".join(f"about {each}" for each in reasons), reason


def test_every_result_and_outcome_has_its_mark() -> None:
    place = ReplicationDestination(registry_id=THERE.account, region=THERE.region)
    before = Edge(HERE, THERE, ("",), Mark.PARTIAL)
    outcomes = {
        name: explained(before, RepositoryReplication(destination=place, outcome=number)).mark
        for name, number in ReplicationArrival.Outcome.items()
    }
    assert outcomes == {
        "OUTCOME_UNSPECIFIED": Mark.UNKNOWN,
        "ARRIVES": Mark.WORKING,
        "ARRIVES_IF_REPOSITORY_EXISTS": Mark.PARTIAL,
        "DOES_NOT_ARRIVE": Mark.BROKEN,
        "UNKNOWN": Mark.UNKNOWN,
    }
    assert set(ReplicationCheck.Result.keys()) == {"RESULT_UNSPECIFIED", "OK", "BROKEN", "UNKNOWN", "CONDITIONAL"}
