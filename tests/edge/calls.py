"""Calls with raw bytes on their own connection, without retries."""

from __future__ import annotations

from typing import Any, Self

import grpc
import grpc.aio
from google.rpc import error_details_pb2
from grpc_status import rpc_status

SETTINGS = "/ecrkeeper.v1.RegistrySettingsService"
GET = f"{SETTINGS}/GetRegistry"
WATCH = f"{SETTINGS}/WatchRegistries"
WAIT = "/google.longrunning.Operations/WaitOperation"
CHECK = "/grpc.health.v1.Health/Check"
REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
SERVING = b"\x08\x01"

OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0))


class Calls:
    """A channel; every call ends within some seconds."""

    def __init__(self, address: str, **options: Any) -> None:
        arguments = tuple((name.replace("__", "."), value) for name, value in options.items())
        self.channel = grpc.aio.insecure_channel(address, options=(*OPTIONS, *arguments))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()

    async def get(self, request: bytes = b"", method: Any = GET, timeout: float = 10.0, metadata: Any = None) -> Any:
        """Return the response of a unary call, or raise its failure."""
        return await self.channel.unary_unary(method)(request, timeout=timeout, metadata=metadata)

    async def failure(self, request: bytes = b"", method: Any = GET, **more: Any) -> Failure:
        """Return the failure that a unary call must end with."""
        try:
            await self.get(request, method, **more)
        except grpc.aio.AioRpcError as error:
            return Failure(error)
        raise AssertionError(f"{method} succeeded")

    def stream(self, method: str = WATCH, request: bytes = b"", timeout: float = 30.0) -> Any:
        """A running stream."""
        return self.channel.unary_stream(method)(request, timeout=timeout)

    async def stream_failure(self, stream: Any) -> Failure:
        """Return the failure that a stream ends with."""
        try:
            async for _ in stream:
                pass
        except grpc.aio.AioRpcError as error:
            return Failure(error)
        raise AssertionError("the stream ended well")


class Failure:
    """A failed call: its code, its details, and its retry delay."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        self.code = error.code().name
        self.text = error.details() or ""
        self.trailers = dict(error.trailing_metadata() or ())
        status = rpc_status.from_call(error)
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        for detail in status.details if status else ():
            detail.Unpack(info)
            detail.Unpack(retry)
        self.reason = info.reason
        self.metadata = dict(info.metadata)
        self.retry_after = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
