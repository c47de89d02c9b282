"""The context of a call over HTTP, with the interface of gRPC's."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NoReturn

import grpc
import grpc.aio
from google.protobuf.message import Message
from google.rpc import code_pb2, status_pb2

Metadata = tuple[tuple[str, str | bytes], ...]

# The key of the error details among gRPC's trailing metadata, which Connect sends in another form.
_DETAILS = "grpc-status-details-bin"
_GRPC = "grpc-"


class HttpContext:
    """The part of `grpc.aio.ServicerContext` that layers and servicers use.

    `read` returns the request in the wire format, and `write` sends one message of a stream.
    """

    def __init__(
        self,
        metadata: Metadata,
        peer: str,
        auth: Mapping[str, Iterable[bytes]],
        timeout: float | None,
        read: Callable[[], Awaitable[bytes]],
        write: Callable[[Message], Awaitable[None]],
    ) -> None:
        self._metadata = metadata
        self._peer = peer
        self._auth = auth
        self._ends = None if timeout is None else time.monotonic() + timeout
        self._read = read
        self._write = write
        self._was_read = False
        self._trailing: Metadata = ()
        self._code: grpc.StatusCode | None = None
        self._message = ""

    def invocation_metadata(self) -> Metadata:
        """Return the headers of the request, with lower-case names."""
        return self._metadata

    def peer(self) -> str:
        """Return the address of the caller in gRPC's form."""
        return self._peer

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        """Return the names of the caller's certificate, as gRPC names them."""
        return self._auth

    def time_remaining(self) -> float | None:
        """Return the seconds to the deadline; None without one."""
        return None if self._ends is None else max(0.0, self._ends - time.monotonic())

    def set_trailing_metadata(self, trailing_metadata: Metadata) -> None:
        """Replace the metadata that follow the answer."""
        self._trailing = tuple(trailing_metadata)

    def code(self) -> grpc.StatusCode | None:
        """Return the status of an aborted call; None for any other."""
        return self._code

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Metadata = ()) -> NoReturn:
        """End the call with a status."""
        self._code, self._message = code, details
        if trailing_metadata:
            self._trailing = tuple(trailing_metadata)
        raise grpc.aio.AbortError

    async def read(self) -> Any:
        """Return the request, then EOF."""
        if self._was_read:
            return grpc.aio.EOF
        self._was_read = True
        return await self._read()

    async def write(self, message: Message) -> None:
        """Send one message of a stream."""
        await self._write(message)

    def status(self) -> status_pb2.Status:
        """Return the status of an aborted call, with its details."""
        packed = next((value for key, value in self._trailing if key == _DETAILS), None)
        if isinstance(packed, bytes):
            return status_pb2.Status.FromString(packed)
        code = "UNKNOWN" if self._code is None else self._code.name
        return status_pb2.Status(code=code_pb2.Code.Value(code), message=self._message)

    def trailing(self) -> dict[str, str]:
        """Return the trailing metadata that are not gRPC's own."""
        return {key: value for key, value in self._trailing if isinstance(value, str) and not key.startswith(_GRPC)}
