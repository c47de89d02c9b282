"""The layer that refuses names of Regions that this installation has no credentials for: those of other partitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from google.api import resource_pb2
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor

from ecrkeeper_server.api.layers.layer import ECRKEEPER, Context, behaving, behaviour_of
from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.names import partition_of, shown

_REGION = re.compile(r"accounts/[^/]*/registries/([^/]+)")


class Partitions:
    """Checks the names of all requests, by what the protos say is one; Regions that no partition has are not for it."""

    def __init__(self, partition: str) -> None:
        self._partition = partition

    def around(self, method: str, handler: Any) -> Any:
        """The handler, for names of this partition."""
        paths = tuple(_names(method)) if method.startswith(ECRKEEPER) else ()
        if not paths:
            return handler
        inner = behaviour_of(handler)

        async def call(request: Any, context: Context) -> Any:
            self._check(request, paths)
            return await inner(request, context)

        async def stream(request: Any, context: Context) -> Any:
            self._check(request, paths)
            async for response in inner(request, context):
                yield response

        return behaving(handler, stream if handler.response_streaming else call)

    def _check(self, request: Any, paths: tuple[tuple[str, ...], ...]) -> None:
        violations = []
        for path in paths:
            value = request
            for field in path:
                value = getattr(value, field)
            found = _REGION.match(value)
            partition = partition_of(found[1]) if found else None
            if found and partition not in (None, self._partition):
                text = f"is in partition {partition}, and this server works in partition {self._partition}"
                violations.append(Violation(".".join(path), f"region {shown(found[1])} {text}"))
        if violations:
            raise InvalidArgument(violations)


def _names(method: str) -> Iterator[tuple[str, ...]]:
    """The fields of a request that hold names of resources: references, and the names of resources inside of it."""
    service, _, name = method[1:].partition("/")
    request: Descriptor = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name].input_type
    for field in request.fields:
        inside = field.message_type
        if field.GetOptions().HasExtension(resource_pb2.resource_reference):
            yield (field.name,)
        elif inside is not None and inside.GetOptions().HasExtension(resource_pb2.resource):
            yield (field.name, "name")
