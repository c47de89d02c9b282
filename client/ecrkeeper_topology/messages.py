"""Make a graph of the `Registry` messages of the API.

This module reads the fields of messages and imports no protobuf.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ecrkeeper_topology.graph import Edge, Graph, Mark, Node
from ecrkeeper_topology.steps import Steps, finish

_SETTING = "replication_configuration"
# The numbers of `ReplicationCheck.Result`, and of `ReplicationArrival.Outcome`.
_BROKEN, _DOES_NOT_ARRIVE = 2, 3
_RESULTS = {1: Mark.WORKING, 4: Mark.PARTIAL}
_OUTCOMES = {1: Mark.WORKING, 2: Mark.PARTIAL}
_NOT_CHECKED = "ecrkeeper has not compared the destination's policy with the rules yet"

Rules = tuple[frozenset[str], ...]
"""The filters of each rule."""


def graph_of(registries: Iterable[Any]) -> Graph:
    """Return the graph of `Registry` messages in the view FULL.

    A registry in another view is a node without edges.
    """
    return finish(graph_steps(registries))


def graph_steps(registries: Iterable[Any]) -> Steps[Graph]:
    """Return the same in steps."""
    nodes, edges, incomplete = [], [], []
    for registry in registries:
        node = node_of(registry.name)
        nodes.append(node)
        edges += yield from _edges(node, registry)
        if any(field.endswith((_SETTING, "replication_checks")) for field in registry.truncated_fields):
            incomplete.append(node)
    yield
    return Graph.of(nodes, edges, incomplete)


def node_of(name: str) -> Node:
    """Return the node of a registry by its name.

    A name is `accounts/{account}/registries/{region}`.
    """
    _, account, _, region = name.split("/")
    return Node(account, region)


def explained(edge: Edge, replication: Any) -> Edge:
    """Return an edge with the outcome for one repository.

    The outcome is a `RepositoryReplication` message.
    """
    mark = _OUTCOMES.get(replication.outcome, Mark.UNKNOWN)
    if replication.outcome == _DOES_NOT_ARRIVE:
        mark = _broken(replication.findings)
    return replace(edge, mark=mark, note=_note(replication.findings))


def _broken(findings: Iterable[Any]) -> Mark:
    """Return the mark of images that do not arrive.

    If the destination's policy is the only cause, the replication is declared on one side only.
    """
    reasons = [finding.reason for finding in findings]
    policy = bool(reasons) and all(reason.startswith("DESTINATION_POLICY_") for reason in reasons)
    return Mark.ONE_SIDED if policy else Mark.BROKEN


def _note(findings: Iterable[Any]) -> str:
    return "; ".join(finding.message for finding in findings)


def _edges(source: Node, registry: Any) -> Steps[list[Edge]]:
    observed, desired = (yield from _rules(registry.observed)), (yield from _rules(registry.desired))
    checks = {_node(check.destination): check for check in registry.replication_checks}
    # Most destinations are in the same rules.
    joined: dict[tuple[Rules, Rules], tuple[str, ...]] = {}
    edges = []
    for destination in sorted({*observed, *desired}):
        yield
        rules = observed.get(destination, ()), desired.get(destination, ())
        if rules not in joined:
            joined[rules] = tuple(sorted(frozenset().union(*rules[0], *rules[1])))
        mark, note = _marked(checks.get(destination), is_pending=destination not in observed)
        edges.append(Edge(source, destination, joined[rules], mark, note))
    return edges


def _marked(check: Any, *, is_pending: bool) -> tuple[Mark, str]:
    if is_pending:
        return Mark.PENDING, ""
    if check is None:
        return Mark.UNKNOWN, _NOT_CHECKED
    mark = _broken(check.findings) if check.result == _BROKEN else _RESULTS.get(check.result, Mark.UNKNOWN)
    return mark, _note(check.findings)


def _rules(settings: Any) -> Steps[dict[Node, Rules]]:
    """Return the rules of each destination, in steps."""
    rules: dict[Node, list[frozenset[str]]] = {}
    for rule in settings.replication_configuration.rules:
        yield
        patterns = frozenset({each.filter for each in rule.repository_filters} or {""})
        for destination in rule.destinations:
            rules.setdefault(_node(destination), []).append(patterns)
    return {destination: tuple(own) for destination, own in rules.items()}


def _node(destination: Any) -> Node:
    return Node(destination.registry_id, destination.region)
