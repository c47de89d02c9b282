"""Violations that reach the caller within gRPC's own limits."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import grpc
import grpc.aio
import pytest
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.layers.limits import Limits
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.edge.calls import SETTINGS
from tests.edge.conftest import Serve

UPDATE = f"{SETTINGS}/UpdateRegistrySettings"
METADATA_BYTES = 8192


def wrong(filters: int, text: str) -> bytes:
    """Return a request with this many invalid filters."""
    request = pb.UpdateRegistrySettingsRequest()
    declared = request.registry_settings
    declared.name = "accounts/111111111111/registries/us-east-1/settings/a"
    rules = declared.settings.replication_configuration.rules
    for first in range(0, filters, 100):
        rule = rules.add()
        rule.destinations.add(region="eu-west-1", registry_id="222222222222")
        for at in range(first, min(first + 100, filters)):
            rule.repository_filters.add(filter=f"{text}{at}", filter_type="PREFIX_MATCH")
    return request.SerializeToString()


async def rejection(serve: Serve, request: bytes) -> grpc.aio.AioRpcError:
    async with serve(Limits()) as running, running.calls() as calls:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await calls.get(request, UPDATE)
        return caught.value


def sent(error: grpc.aio.AioRpcError) -> int:
    """Return the size of the trailing metadata as HTTP/2 counts it, with base64."""
    entries: list[tuple[str, Any]] = [
        (":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "3"),
        ("grpc-message", quote(error.details() or "", safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~")),
        *(error.trailing_metadata() or ()),
    ]  # fmt: skip
    values = [(k, base64.b64encode(v).rstrip(b"=") if isinstance(v, bytes) else v) for k, v in entries]
    return sum(len(name) + len(value) + 32 for name, value in values)


def violations(error: grpc.aio.AioRpcError) -> list[Any]:
    listed: list[Any] = []
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    for detail in status.details if status else ():
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(bad):
            listed += bad.field_violations
    return listed


# invalid filters, prefix of each, reported number, last entry, reason
MANY = [
    (1, "A", (1, 1), "", "one"),
    (18, "A", (18, 18), "", "all of those that fit"),
    (60, "A", (18, 59), "and {left} more violations", "the rest is counted"),
    (2000, "A", (18, 99), "and at least ", "nobody counts thousands"),
    (60, "\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 60, (6, 59), "and {left} more violations", "the message is escaped"),
]


@pytest.mark.parametrize(("count", "text", "named", "last", "reason"), MANY, ids=[row[4] for row in MANY])
async def test_violations_are_returned_up_to_metadata_limit(
    serve: Serve, count: int, text: str, named: tuple[int, int], last: str, reason: str
) -> None:
    error = await rejection(serve, wrong(count, text))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    returned = violations(error)
    more = [each for each in returned if each.reason == "MORE_VIOLATIONS"]
    described = [each for each in returned if each.reason != "MORE_VIOLATIONS"]
    assert named[0] <= len(described) <= named[1], reason
    assert len({each.field for each in described}) == len(described)
    assert sent(error) <= METADATA_BYTES
    if last:
        assert more and returned[-1] is more[-1]
        assert more[0].description.startswith(last.format(left=count - len(described)))
        # One more would not fit.
        assert sent(error) + 2 * max(each.ByteSize() for each in described) > METADATA_BYTES - 400
    else:
        assert not more
