"""Rejection of names with a Region of another partition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from google.api import resource_pb2
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor

from ecrkeeper_server.api.layers.layer import ECRKEEPER
from ecrkeeper_server.errors import Violation
from ecrkeeper_server.names import partition_of, region_shapes, shown

_REGION = re.compile(r"accounts/[^/]*/registries/([^/]+)")


class Partitions:
    """Finds Regions of other partitions in the names of a request.

    It does not report Regions that belong to no partition.
    """

    def __init__(self, partition: str) -> None:
        self._partition = partition
        others = "|".join(shape for name, shape in region_shapes() if name != partition)
        # Matches every name that `violations` may report, so most requests need only this check.
        self.suspect = re.compile(rf"accounts/[^/]*/registries/(?:{others})(?![^/])").match

    def violations(self, request: Any, fields: tuple[str, ...]) -> list[Violation]:
        """Return a violation for each field whose Region is in another partition."""
        violations = []
        for field in fields:
            value = request
            for part in field.split("."):
                value = getattr(value, part)
            match = _REGION.match(value)
            partition = partition_of(match[1]) if match else None
            if match and partition not in (None, self._partition):
                text = f"is in partition {partition}, and this server serves partition {self._partition}"
                violations.append(Violation(field, f"region {shown(match[1])} {text}"))
        return violations


def name_fields(method: str) -> tuple[str, ...]:
    """Return the fields of a method's request that hold resource names.

    The annotations of the protos mark them.
    """
    return tuple(_names(method)) if method.startswith(ECRKEEPER) else ()


def _names(method: str) -> Iterator[str]:
    service, _, name = method[1:].partition("/")
    request: Descriptor = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name].input_type
    for field in request.fields:
        inside = field.message_type
        if field.GetOptions().HasExtension(resource_pb2.resource_reference):
            yield field.name
        elif inside is not None and inside.GetOptions().HasExtension(resource_pb2.resource):
            yield f"{field.name}.name"
