"""Parse an ARN, and check that its resource belongs to a registry."""

from __future__ import annotations

from typing import NamedTuple

from ecrkeeper_server.errors import Violation
from ecrkeeper_server.names import RegistryName, shown


class Arn(NamedTuple):
    """`arn:{partition}:{service}:{region}:{account}:{resource}`."""

    partition: str
    service: str
    region: str
    account: str
    resource: str


def parse(text: str) -> Arn | None:
    """Return the parts of an ARN, or None if the text is not one."""
    parts = text.split(":", 5)
    return Arn(*parts[1:]) if len(parts) == 6 and parts[0] == "arn" else None


def validate_region(text: str, registry: RegistryName, field: str, *, same_account: bool) -> list[Violation]:
    """Return a violation for each part in which an ARN differs from its registry."""
    arn = parse(text)
    if arn is None:
        return [Violation(field, f"must be an ARN, got {shown(text)}")]
    wanted = [("partition", arn.partition, registry.partition), ("Region", arn.region, registry.region)]
    if same_account:
        wanted.append(("account", arn.account, registry.account))
    return [
        Violation(field, f"must be in the registry's {part} {want}; the ARN names {shown(actual)}")
        for part, actual, want in wanted
        if actual != want
    ]


def validate_role(text: str, registry: RegistryName, field: str) -> list[Violation]:
    """Return the violations of a role that a service assumes.

    IAM lets a caller pass only roles of its own account.
    """
    arn = parse(text)
    if arn is None or arn.service != "iam" or not arn.resource.startswith("role/") or len(arn.resource) == 5:
        wanted = f"arn:{registry.partition}:iam::{registry.account}:role/..."
        return [Violation(field, f"must be the ARN of an IAM role such as `{wanted}`, got {shown(text)}")]
    wanted_parts = (("partition", arn.partition, registry.partition), ("account", arn.account, registry.account))
    return [
        Violation(field, f"must be a role of the registry's {part} {want}, got {shown(actual)}")
        for part, actual, want in wanted_parts
        if actual != want
    ]
