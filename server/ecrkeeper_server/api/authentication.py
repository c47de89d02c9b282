"""The interceptor that says who calls, before anything else is done for the call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import structlog

from ecrkeeper_server.access.policy import Principal
from ecrkeeper_server.api.access import CALLER
from ecrkeeper_server.api.interceptors import abort
from ecrkeeper_server.api.telemetry import current_call
from ecrkeeper_server.errors import Unauthenticated
from ecrkeeper_server.identity.caller import Authenticator

_HEALTH = "/grpc.health."
_REFLECTION = "/grpc.reflection."


class Authentication(grpc.aio.ServerInterceptor):
    """Refuses callers that do not prove who they are; the outermost interceptor.

    Health answers everybody. Reflection does if `open_reflection` is set.
    """

    def __init__(self, authenticator: Authenticator, *, open_reflection: bool = False) -> None:
        self._authenticator = authenticator
        self._open = (_HEALTH, _REFLECTION) if open_reflection else (_HEALTH,)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The handler, for authenticated callers."""
        handler = await continuation(handler_call_details)
        method: str = handler_call_details.method
        if handler is None or method.startswith(self._open) or not self._authenticator.required:
            return handler
        call_id = current_call().id
        for kind in ("unary_unary", "stream_unary", "unary_stream", "stream_stream"):
            inner = getattr(handler, kind)
            if inner is not None:
                wrap = self._streaming if handler.response_streaming else self._answering
                make: Any = getattr(grpc, f"{kind}_rpc_method_handler")
                return make(wrap(method, call_id, inner), handler.request_deserializer, handler.response_serializer)
        raise AssertionError(method)

    async def _identified(self, context: Any, method: str, call_id: str) -> Principal:
        metadata = context.invocation_metadata() or ()
        given = [value for key, value in metadata if key == "authorization" and isinstance(value, str)]
        try:
            caller = await self._authenticator.identify(given, context.auth_context())
        except Exception as error:
            await abort(context, method, call_id, error)
        CALLER.set(caller)
        structlog.contextvars.bind_contextvars(principal=caller.name)
        return caller

    def _answering(self, method: str, call_id: str, handler: Callable[..., Awaitable[Any]]) -> Any:
        async def call(request: Any, context: Any) -> Any:
            await self._identified(context, method, call_id)
            return await handler(request, context)

        return call

    def _streaming(self, method: str, call_id: str, handler: Callable[..., AsyncIterator[Any]]) -> Any:
        async def call(request: Any, context: Any) -> AsyncIterator[Any]:
            caller = await self._identified(context, method, call_id)
            try:
                async for response in _until_expired(handler(request, context), caller):
                    yield response
            except Unauthenticated as error:
                await abort(context, method, call_id, error)

        return call


async def _until_expired(steps: AsyncIterator[Any], caller: Principal) -> AsyncIterator[Any]:
    """The steps of a stream for as long as its token is valid: a stream shall not outlive what it was opened with."""
    ends_at = None if caller.expires is None else asyncio.get_running_loop().time() + caller.expires - time.time()
    while True:
        try:
            async with asyncio.timeout_at(ends_at) as limit:
                step = await anext(steps)
        except StopAsyncIteration:
            return
        except TimeoutError:
            if limit.expired():
                raise Unauthenticated(
                    "the token of the stream has expired; get a new one", reason="TOKEN_EXPIRED"
                ) from None
            raise
        yield step
