"""botocore's models of the simulated services, compiled on first use.

Each operation is compiled on its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.session

from ecrkeeper_sim.constraints import Shape, compile_shape

SERVICES = ("ecr", "iam", "sts", "secretsmanager", "account", "cloudtrail", "sqs", "organizations")
# Services that answer in XML, with their own names for common errors.
XML_SERVICES = ("iam", "sts")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a service with what is needed to parse, check and answer it."""

    service: str
    name: str
    model: Any
    input: Shape | None

    def secret_members(self) -> frozenset[str]:
        """Return the input members that the model marks as sensitive."""
        shape = self.model.input_shape
        members = shape.members.items() if shape is not None else ()
        return frozenset(name for name, member in members if member.metadata.get("sensitive"))


@cache
def service_model(service: str) -> Any:
    """Return botocore's model of the service."""
    return botocore.session.get_session().get_service_model(service)


@cache
def operation(service: str, name: str) -> Operation | None:
    """Return the operation, or None when the model has none of that name."""
    model = service_model(service)
    if name not in model.operation_names:
        return None
    operation_model = model.operation_model(name)
    shape = operation_model.input_shape
    return Operation(service, name, operation_model, compile_shape(shape) if shape is not None else None)


@cache
def protocol(service: str) -> str:
    """Return `json`, `query` or `rest-json`."""
    return str(service_model(service).metadata["protocol"])


@cache
def target_prefix(service: str) -> str:
    """Return the part before the dot of the service's X-Amz-Target header."""
    return str(service_model(service).metadata.get("targetPrefix", ""))


@cache
def rest_operation(service: str, method: str, path: str) -> str | None:
    """Return the name of the REST operation at that method and path."""
    model = service_model(service)
    for name in model.operation_names:
        http = model.operation_model(name).http
        if http["method"] == method and http["requestUri"].rstrip("/") == path.rstrip("/"):
            return str(name)
    return None
