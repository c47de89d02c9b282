"""Calls over HTTP in Connect's protocol, by the handlers that also answer gRPC."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc.aio
import structlog
from aiohttp import web
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from msgspec import Struct

from ecrkeeper_server.api.http import connect
from ecrkeeper_server.api.http.body import read_message
from ecrkeeper_server.api.http.context import HttpContext, Metadata
from ecrkeeper_server.api.http.messages import JsonMessages
from ecrkeeper_server.api.http.origins import Origins
from ecrkeeper_server.api.http.peers import auth_of, peer_of
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.messages.answer import Answer

log = structlog.get_logger("ecrkeeper.api")

_HEADERS = {"Server": "ecrkeeper", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class _Method(Struct, frozen=True):
    """A served method: its handler behind all layers, and the type of its requests."""

    handler: Any
    request: type[Message]

    @property
    def is_stream(self) -> bool:
        return bool(self.handler.response_streaming)


class Rejected(Exception):
    """A request that no handler gets."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = status_pb2.Status(code=code_pb2.Code.Value(code), message=message)
        self.headers = headers


class HttpCalls:
    """Answers the requests of all connections."""

    def __init__(self, handlers: Mapping[str, Any], limits: Limits, messages: JsonMessages, origins: Origins) -> None:
        self._methods = {name: _Method(handler, _request_of(name)) for name, handler in handlers.items()}
        self._limits = limits
        self._messages = messages
        self._origins = origins

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        origin = request.headers.get("Origin")
        headers = {**_HEADERS, **self._origins.headers(origin)}
        try:
            method = self._method(request, origin)
            if request.method == "OPTIONS":
                return web.Response(status=204, headers={**headers, **self._origins.preflight(str(origin))})
            form = _form(request, is_stream=method.is_stream)
            call = _Call(request, method, form, _timeout(request), self._limits, self._messages, headers)
        except Rejected as error:
            return _error(error.error, error.status, {**headers, **error.headers})
        return await (call.stream() if method.is_stream else call.unary())

    def _method(self, request: web.BaseRequest, origin: str | None) -> _Method:
        """Return the method of a request from an allowed page, or raise Rejected."""
        if sum(map(len, (part for pair in request.raw_headers for part in pair))) > self._limits.metadata_bytes:
            raise Rejected(431, "RESOURCE_EXHAUSTED", f"headers must be at most {self._limits.metadata_bytes} bytes")
        if not self._origins.allows(origin):
            raise Rejected(403, "PERMISSION_DENIED", "pages of this origin may not call the server")
        method = self._methods.get(request.rel_url.raw_path)
        if method is None:
            raise Rejected(404, "UNIMPLEMENTED", "there is no such method; the path must be /SERVICE/METHOD")
        if request.method != "POST" and not (request.method == "OPTIONS" and origin is not None):
            raise Rejected(405, "UNIMPLEMENTED", f"the method must be POST, got {request.method}", Allow="POST")
        return method


def _request_of(name: str) -> type[Message]:
    service, _, method = name[1:].partition("/")
    described = descriptor_pool.Default().FindServiceByName(service).methods_by_name[method]
    return message_factory.GetMessageClass(described.input_type)


def _form(request: web.BaseRequest, *, is_stream: bool) -> connect.Form:
    """Return the form of a call; Rejected if a page of any site could have sent it."""
    form = connect.form_of(request.headers.get("Content-Type", ""), is_stream=is_stream)
    if form is None:
        accepted = ", ".join(form.content_type for form in connect.forms(is_stream=is_stream))
        raise Rejected(415, "INVALID_ARGUMENT", f"Content-Type must be one of {accepted}", **{"Accept-Post": accepted})
    if request.headers.getall(connect.VERSION_HEADER, []) != [connect.VERSION]:
        raise Rejected(400, "INVALID_ARGUMENT", f"the header `{connect.VERSION_HEADER}: {connect.VERSION}` is missing")
    header = "Connect-Content-Encoding" if is_stream else "Content-Encoding"
    if request.headers.get(header, "identity").lower() != "identity":
        accept = header.replace("Content", "Accept")
        raise Rejected(501, "UNIMPLEMENTED", f"{header} must be identity", **{accept: "identity"})
    return form


def _timeout(request: web.BaseRequest) -> float | None:
    value = request.headers.get(connect.TIMEOUT_HEADER)
    if value is None:
        return None
    try:
        return connect.seconds_of(value)
    except ValueError as error:
        raise Rejected(400, "INVALID_ARGUMENT", f"{connect.TIMEOUT_HEADER} {error}") from None


class _Call:
    """One call."""

    def __init__(
        self,
        request: web.BaseRequest,
        method: _Method,
        form: connect.Form,
        timeout: float | None,
        limits: Limits,
        messages: JsonMessages,
        headers: dict[str, str],
    ) -> None:
        self._request = request
        self._method = method
        self._form = form
        self._limits = limits
        self._messages = messages
        self._headers = headers
        self._response = web.StreamResponse()
        transport = request.transport
        self._context = HttpContext(
            _metadata(request), peer_of(transport), auth_of(transport), timeout, self._read, self._write
        )

    async def unary(self) -> web.StreamResponse:
        """Return the answer of a unary call."""
        error, body = await self._ended(self._answered())
        trailers = {f"Trailer-{key}": value for key, value in self._context.trailing().items()}
        headers = {**self._headers, **trailers}
        if error is not None:
            return _error(error, connect.HTTP_STATUS[_code(error)], headers)
        return web.Response(body=body, headers={"Content-Type": self._form.content_type, **headers})

    async def stream(self) -> web.StreamResponse:
        """Send the answers of a stream."""
        self._response.headers.update({"Content-Type": self._form.content_type, **self._headers})
        await self._response.prepare(self._request)
        error, _ = await self._ended(self._streamed())
        shown = None if error is None else connect.error_json(error, _code(error))
        trailing = {key: [value] for key, value in self._context.trailing().items()}
        await self._response.write(connect.end_of_stream(shown, trailing))
        await self._response.write_eof()
        return self._response

    async def _ended(self, work: Any) -> tuple[status_pb2.Status | None, bytes]:
        """Return the error of a call or its answer."""
        try:
            async with asyncio.timeout(self._context.time_remaining()):
                return None, await work
        except grpc.aio.AbortError:
            return self._context.status(), b""
        except TimeoutError:
            return status_pb2.Status(code=code_pb2.DEADLINE_EXCEEDED, message="the deadline of the call passed"), b""
        except ConnectionError:
            raise
        except Exception:  # After any error of one call, the connection serves the next one.
            log.exception("failed", method=self._request.rel_url.raw_path)
            return status_pb2.Status(code=code_pb2.INTERNAL, message="internal error; see the log"), b""

    async def _answered(self) -> bytes:
        answer = await self._method.handler.stream_unary(None, self._context)
        return await self._encode(answer)

    async def _streamed(self) -> bytes:
        answers: AsyncIterator[Answer[Any]] = self._method.handler.stream_stream(None, self._context)
        async with contextlib.aclosing(answers):  # type: ignore[type-var]  # every handler is a generator
            async for answer in answers:
                await self._send(answer)
        return b""

    async def _read(self) -> bytes:
        content = await read_message(self._request, self._limits.message_bytes, is_stream=self._form.is_stream)
        return await self._messages.wire(content, self._method.request) if self._form.is_json else content

    async def _write(self, message: Message) -> None:
        # gRPC's own service of health writes to its context.
        await self._send(Answer.of(message))

    async def _send(self, answer: Answer[Any]) -> None:
        await self._response.write(connect.envelope(0, await self._encode(answer)))

    async def _encode(self, answer: Answer[Any]) -> bytes:
        return await self._messages.json(answer) if self._form.is_json else answer.content


def _metadata(request: web.BaseRequest) -> Metadata:
    """Return the headers; values that are not ASCII are bytes, as in gRPC."""
    pairs: Any = ((key.decode("ascii", "replace").lower(), value) for key, value in request.raw_headers)
    return tuple((key, value.decode() if value.isascii() else value) for key, value in pairs)


def _code(status: status_pb2.Status) -> str:
    return code_pb2.Code.Name(status.code)  # type: ignore[no-any-return]


def _error(status: status_pb2.Status, http_status: int, headers: Mapping[str, str]) -> web.Response:
    retry = error_details_pb2.RetryInfo()
    after = {}
    if any(detail.Unpack(retry) for detail in status.details):
        after["Retry-After"] = str(max(1, math.ceil(retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9)))
    body = connect.dumped(connect.error_json(status, _code(status)))
    return web.Response(status=http_status, body=body, headers={**headers, **after, "Content-Type": "application/json"})
