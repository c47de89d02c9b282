"""Failed calls leave no cycles, which would keep requests until a collection."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator, Callable
from types import FrameType
from typing import Any

import pytest
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.aws.answers import AnswerTooLarge
from ecrkeeper_server.aws.attempts import Attempts
from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws.limits import Limiter
from ecrkeeper_server.aws.reading import Answer
from ecrkeeper_server.aws.telemetry import CallTelemetry
from ecrkeeper_server.aws.transport import Address, Transport
from ecrkeeper_server.aws.wire import Credentials
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.ecr.observe import observe
from ecrkeeper_server.metrics.server import Metrics
from ecrkeeper_server.names import RegistryName

from tests.edge.calls import SETTINGS, WATCH
from tests.edge.conftest import Serve

REGISTRY = RegistryName("111111111111", "us-east-1")
NAME = f"{REGISTRY}/settings/team-a"


@contextlib.asynccontextmanager
async def garbage() -> AsyncIterator[list[Any]]:
    """Collect what is in cycles at the end."""
    objects: list[Any] = []
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield objects
        # The loop holds what has just ended.
        for _ in range(5):
            await asyncio.sleep(0)
        gc.collect()
        objects += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def kept(objects: list[Any]) -> list[str]:
    """Return the frames and the objects of the server that are in cycles."""
    codes = [each.f_code for each in objects if isinstance(each, FrameType)]
    frames = [f"{code.co_filename}:{code.co_qualname}" for code in codes if "/ecrkeeper_server/" in code.co_filename]
    return frames + [repr(type(each)) for each in objects if type(each).__module__.startswith("ecrkeeper_server.")]


def update(etag: str = "", **fields: Any) -> bytes:
    request = pb.UpdateRegistrySettingsRequest(allow_missing=True, **fields)
    request.registry_settings.name = NAME
    request.registry_settings.etag = etag
    request.registry_settings.settings.SetInParent()
    return request.SerializeToString()


FAILING: list[tuple[str, str, bytes, str]] = [
    ("GetRegistry", "NOT_FOUND", pb.GetRegistryRequest(name=str(REGISTRY)).SerializeToString(), "read in the store"),
    ("GetRegistry", "INVALID_ARGUMENT", b"", "rejected by validation"),
    ("GetRegistry", "INVALID_ARGUMENT", b"\xff", "not a message"),
    ("ReconcileRegistry", "NOT_FOUND", pb.ReconcileRegistryRequest(name=str(REGISTRY)).SerializeToString(), "raised in it"),
    ("UpdateRegistrySettings", "ABORTED", update(etag="other"), "rejected in the transaction"),
    ("UpdateRegistrySettings", "INVALID_ARGUMENT", update(update_mask={"paths": ["x"]}), "rejected before it"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "code", "request_", "reason"), FAILING, ids=[row[3] for row in FAILING])
async def test_failed_call_leaves_no_cycle(serve: Serve, method: str, code: str, request_: bytes, reason: str) -> None:
    async with serve(Limits()) as server, server.calls() as calls:
        await calls.failure(request_, f"{SETTINGS}/{method}")
        async with garbage() as objects:
            for _ in range(20):
                failure = await calls.failure(request_, f"{SETTINGS}/{method}")
                assert failure.code == code, (reason, failure)
            del failure
        assert kept(objects) == [], reason


async def test_rejected_stream_leaves_no_cycle(serve: Serve) -> None:
    async with serve(Limits()) as server, server.calls() as calls:
        invalid = pb.WatchRegistriesRequest(parent="accounts/x").SerializeToString()
        async with garbage() as objects:
            for _ in range(5):
                await calls.stream_failure(calls.stream(WATCH, invalid))
        assert kept(objects) == []


def rejecting() -> Any:
    """Return an AWS whose calls fail as in the server."""
    metrics = CallTelemetry(Metrics().aws)
    clock: Callable[[], float] = lambda: 0.0  # noqa: E731

    async def rejected(call: Call, _credentials: Credentials) -> Answer:
        if call.operation == "GetRegistryScanningConfiguration":
            return Answer(200, {"scanningConfiguration": {"scanType": "BASIC", "rules": []}})
        return Answer(400, {}, "InvalidParameter", "not in this Region")

    class Aws:
        attempts = Attempts(rejected, Limiter(clock), metrics, clock)

        async def call(self, account: str, region: str, service: str, operation: str, params: Any) -> Any:
            return await self.attempts.run(
                Call(account, region, service, operation, params), Credentials("key", "secret", "token")
            )

    return Aws()


async def test_rejected_call_of_aws_leaves_no_cycle() -> None:
    aws = rejecting()
    async with garbage() as objects:
        with contextlib.suppress(AwsError):
            await aws.call("111111111111", "us-east-1", "ecr", "DescribeRegistry", {})
    assert kept(objects) == []


async def test_failed_observation_leaves_no_cycle() -> None:
    aws = rejecting()
    async with garbage() as objects:
        with pytest.raises(AwsError, match="GetRegistryPolicy"):
            await observe(aws, REGISTRY, ["registry_policy", "scanning_configuration"])
    assert kept(objects) == []


async def test_failed_exchange_leaves_no_cycle() -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(close, "127.0.0.1", 0, family=socket.AF_INET) as server:
        transport = Transport(5.0, 4, None)
        address = Address("127.0.0.1", server.sockets[0].getsockname()[1], False)
        async with garbage() as objects:
            with pytest.raises(AnswerTooLarge):
                await transport.exchange(address, b"GET / HTTP/1.1\r\n\r\n")
        transport.close()
    # A connection and its parser refer to each other, and hold nothing else.
    assert [each for each in kept(objects) if "Connection'" not in each] == []
