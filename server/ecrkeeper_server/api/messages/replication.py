"""Messages of replication: checks of destinations, and deliveries of images."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ecrkeeper.v1 import registry_pb2

from ecrkeeper_server.api.messages import fields
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.setting import Warning
from ecrkeeper_server.store.findings import Findings
from ecrkeeper_server.store.replication_checks import StoredCheck


def replication_check(check: StoredCheck) -> registry_pb2.ReplicationCheck:
    """Return the check of one destination."""
    message = registry_pb2.ReplicationCheck(
        result=fields.number(registry_pb2.ReplicationCheck, "Result", check.result),
        check_time=fields.timestamp(check.time),
    )
    _fill_outcome(message, check.destination, check.findings)
    for arrival in check.arrivals:
        message.arrivals.add(
            outcome=_outcome(arrival.outcome),
            filters=arrival.whole,
            partial_filters=arrival.partial,
            omitted_filters=arrival.omitted,
            example_repository=arrival.example,
        )
    return message


def repository_replication(
    destination: RegistryName, outcome: str, findings: Iterable[Warning]
) -> registry_pb2.RepositoryReplication:
    """Return the outcome of a repository at one replication destination."""
    message = registry_pb2.RepositoryReplication(outcome=_outcome(outcome))
    _fill_outcome(message, destination, findings)
    return message


def _fill_outcome(message: Any, destination: RegistryName, findings: Iterable[Warning]) -> None:
    message.destination.registry_id, message.destination.region = destination.account, destination.region
    for finding in findings:
        message.findings.add(reason=finding.reason, subject=finding.subject, message=finding.message)


def image_deliveries(findings: Findings) -> Iterable[registry_pb2.ImageDelivery]:
    """Return the last deliveries of images by target."""
    for setting in ("replication_configuration", "pull_through_cache_rules"):
        for target, last in sorted(findings.deliveries(setting).items()):
            yield registry_pb2.ImageDelivery(
                setting=setting,
                target=target,
                last_success_time=fields.timestamp(last.last_success),
                last_failure_time=fields.timestamp(last.last_failure),
                failure_reason=last.reason or "",
            )


def _outcome(name: str) -> Any:
    return fields.number(registry_pb2.ReplicationArrival, "Outcome", name)
