"""`describe` shows who changed a registry, and whether images arrive."""

from __future__ import annotations

import click
from ecrkeeper.v1.common_pb2 import Cause, Drift
from ecrkeeper.v1.registry_pb2 import ImageDelivery, Registry, Remediation
from ecrkeeper_cli.describe_command import _lines
from google.protobuf.timestamp_pb2 import Timestamp

NAME = "accounts/111111111111/registries/us-east-1"


def shown(registry: Registry) -> list[str]:
    return [click.unstyle(line) for line in _lines(registry)]


def test_remediation_names_the_caller_of_the_change() -> None:
    cause = Cause(principal="arn:aws:iam::111111111111:role/Admin", session="ann\n", source_ip="203.0.113.12")
    drift = [Drift(setting="registry_policy", key="a")]
    lines = shown(Registry(name=NAME, last_remediation=Remediation(drift=drift, cause=cause)))
    assert lines[-1] == "  changed by arn:aws:iam::111111111111:role/Admin (ann\\n) from 203.0.113.12"
    nobody = shown(Registry(name=NAME, last_remediation=Remediation(drift=drift)))
    assert nobody[-1] == "  registry_policy a"


def test_images_are_shown_by_destination_and_cache_rule() -> None:
    failed = ImageDelivery(
        setting="pull_through_cache_rules", target="quay", last_failure_time=Timestamp(seconds=1_800_000_000),
        failure_reason="UPSTREAM_ACCESS_DENIED",
    )  # fmt: skip
    arrived = ImageDelivery(
        setting="replication_configuration", target="111111111111/eu-west-1",
        last_success_time=Timestamp(seconds=1_800_000_000),
    )  # fmt: skip
    lines = shown(Registry(name=NAME, image_deliveries=[arrived, failed]))
    *_, heading, replication, cache = [line.split() for line in lines]
    assert heading[0] == "BY"
    assert replication == ["replication", "to", "111111111111/eu-west-1", "2027-01-15", "08:00:00Z", "-", "-"]
    assert cache == ["cache", "rule", "quay", "-", "2027-01-15", "08:00:00Z", "UPSTREAM_ACCESS_DENIED"]
