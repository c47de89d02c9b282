"""Calls from within the process, by the handlers that also answer gRPC and HTTP.

A page of the console is a caller like any other: its calls pass every layer with the credentials
of the browser's session.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine, Iterable, Mapping
from typing import Any

import grpc.aio
import structlog
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from msgspec import Struct

from ecrkeeper_server.api.http.context import HttpContext, Metadata

log = structlog.get_logger("ecrkeeper.api")

SECONDS = 20.0
"""The deadline of a unary call."""


class CallError(Exception):
    """A call ended with a status."""

    def __init__(self, status: status_pb2.Status) -> None:
        super().__init__(status.message)
        self.status = status

    @property
    def code(self) -> str:
        """The name of the code, such as `NOT_FOUND`."""
        return str(code_pb2.Code.Name(self.status.code))

    @property
    def reason(self) -> str:
        """The reason for programs; empty if the status has none."""
        info = error_details_pb2.ErrorInfo()
        return info.reason if any(each.Unpack(info) for each in self.status.details) else ""

    @property
    def violations(self) -> list[str]:
        """The violations of an invalid request, each with its field."""
        bad_request = error_details_pb2.BadRequest()
        for each in self.status.details:
            if each.Unpack(bad_request):
                return [
                    f"{v.field}: {v.description}" if v.field else v.description for v in bad_request.field_violations
                ]
        return []


class Caller(Struct, frozen=True):
    """The credentials and the address with which a call arrives."""

    metadata: Metadata
    peer: str
    auth: Mapping[str, Iterable[bytes]]


class InProcessCalls:
    """Calls methods with messages, and without serializing the answers."""

    def __init__(self, handlers: Mapping[str, Any]) -> None:
        self._handlers = handlers

    async def unary(self, caller: Caller, method: str, request: Message) -> Any:
        """Return the answer of a unary method, or raise CallError."""
        context = _context(caller, request, SECONDS)
        # The layers set variables of the context: each call has its own, as with gRPC.
        return await asyncio.create_task(_ended(context, self._answer(method, context)))

    async def stream(self, caller: Caller, method: str, request: Message) -> AsyncGenerator[Any]:
        """Yield the answers of a stream; raise CallError where it ends with a status."""
        context = _context(caller, request, None)
        answers = self._handlers[method].stream_stream(None, context)
        async with contextlib.aclosing(answers):
            while True:
                try:
                    answer = await _ended(context, anext(answers))
                except StopAsyncIteration:
                    return
                yield answer.message

    async def _answer(self, method: str, context: HttpContext) -> Any:
        async with asyncio.timeout(SECONDS):
            return (await self._handlers[method].stream_unary(None, context)).message


async def _ended(context: HttpContext, work: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await work
    except grpc.aio.AbortError:
        raise CallError(context.status()) from None
    except TimeoutError:
        status = status_pb2.Status(code=code_pb2.DEADLINE_EXCEEDED, message="the server did not answer in time")
        raise CallError(status) from None
    except (StopAsyncIteration, ConnectionError):
        raise
    except Exception:  # After any error of one call, its page says so.
        log.exception("failed")
        status = status_pb2.Status(code=code_pb2.INTERNAL, message="internal error; see the log")
        raise CallError(status) from None


def _context(caller: Caller, request: Message, timeout: float | None) -> HttpContext:
    content = request.SerializeToString()

    async def read() -> bytes:
        return content

    async def write(_: Message) -> None:
        raise NotImplementedError("no method of ecrkeeper writes to its context")

    return HttpContext(caller.metadata, caller.peer, caller.auth, timeout, read, write)
