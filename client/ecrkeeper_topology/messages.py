"""Make a graph of the `Registry` messages of the API.

This module reads the fields of messages and imports no protobuf.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ecrkeeper_topology.graph import Edge, Graph, Mark, Node

_SETTING = "replication_configuration"
# The numbers of `ReplicationCheck.Result`, and of `ReplicationArrival.Outcome`.
_BROKEN, _DOES_NOT_ARRIVE = 2, 3
_RESULTS = {1: Mark.WORKING, 4: Mark.PARTIAL}
_OUTCOMES = {1: Mark.WORKING, 2: Mark.PARTIAL}
_NOT_CHECKED = "ecrkeeper has not compared the destination's policy with the rules yet"

Rules = Mapping[Node, frozenset[str]]


def graph_of(registries: Iterable[Any]) -> Graph:
    """Return the graph of `Registry` messages in the view FULL.

    A registry in another view is a node without edges.
    """
    nodes, edges, incomplete = [], [], []
    for registry in registries:
        node = node_of(registry.name)
        nodes.append(node)
        edges += _edges(node, registry)
        if any(field.endswith((_SETTING, "replication_checks")) for field in registry.truncated_fields):
            incomplete.append(node)
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


def _edges(source: Node, registry: Any) -> list[Edge]:
    observed, desired = _rules(registry.observed), _rules(registry.desired)
    checks = {_node(check.destination): check for check in registry.replication_checks}
    return [
        Edge(
            source,
            destination,
            tuple(sorted(observed.get(destination, frozenset()) | desired.get(destination, frozenset()))),
            *_marked(checks.get(destination), is_pending=destination not in observed),
        )
        for destination in sorted({*observed, *desired})
    ]


def _marked(check: Any, *, is_pending: bool) -> tuple[Mark, str]:
    if is_pending:
        return Mark.PENDING, ""
    if check is None:
        return Mark.UNKNOWN, _NOT_CHECKED
    mark = _broken(check.findings) if check.result == _BROKEN else _RESULTS.get(check.result, Mark.UNKNOWN)
    return mark, _note(check.findings)


def _rules(settings: Any) -> Rules:
    filters: dict[Node, set[str]] = {}
    for rule in settings.replication_configuration.rules:
        for destination in rule.destinations:
            patterns = {each.filter for each in rule.repository_filters} or {""}
            filters.setdefault(_node(destination), set()).update(patterns)
    return {destination: frozenset(patterns) for destination, patterns in filters.items()}


def _node(destination: Any) -> Node:
    return Node(destination.registry_id, destination.region)
