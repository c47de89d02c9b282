"""Authentication: the layer that identifies the caller of each call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import structlog

from ecrkeeper_server.access.policy import Principal
from ecrkeeper_server.api.layers.access import CALLER
from ecrkeeper_server.api.layers.admission import address_of
from ecrkeeper_server.api.layers.auth_failure_limiter import AuthFailureLimiter
from ecrkeeper_server.api.layers.errors import abort
from ecrkeeper_server.api.layers.layer import HEALTH, REFLECTION, Context, behaving, behaviour_of
from ecrkeeper_server.api.layers.rejection_log import RejectionLog
from ecrkeeper_server.errors import Unauthenticated
from ecrkeeper_server.identity.caller import Authenticator


class Authentication:
    """Rejects callers without valid credentials; only `Telemetry` is outside of it.

    Health answers every caller, and so does reflection if `open_reflection` is set.
    """

    def __init__(self, authenticator: Authenticator, *, open_reflection: bool = False) -> None:
        self._authenticator = authenticator
        self._failures = AuthFailureLimiter()
        self._rejections = RejectionLog()
        self._open = (HEALTH, REFLECTION) if open_reflection else (HEALTH,)

    def around(self, method: str, handler: Any) -> Any:
        """Return the handler for authenticated callers."""
        if method.startswith(self._open) or not self._authenticator.required:
            return handler
        wrap = self._streaming if handler.response_streaming else self._answering
        return behaving(handler, wrap(behaviour_of(handler)))

    async def _identified(self, context: Context) -> Principal:
        metadata = context.invocation_metadata() or ()
        # A binary value is an invalid token, and must not count as a missing one.
        tokens = [value if isinstance(value, str) else "" for key, value in metadata if key == "authorization"]
        try:
            caller = await self._authenticator.identify(tokens, context.auth_context())
        except Unauthenticated as error:
            sent = self._failures.record(address_of(context.peer()), error)
            if sent is not error:
                self._rejections.note(sent)
            await abort(context, sent)
        except Exception as error:
            await abort(context, error)
        CALLER.set(caller)
        structlog.contextvars.bind_contextvars(principal=caller.name)
        return caller

    def _answering(self, handler: Callable[..., Awaitable[Any]]) -> Any:
        async def call(request: Any, context: Context) -> Any:
            await self._identified(context)
            return await handler(request, context)

        return call

    def _streaming(self, handler: Callable[..., AsyncIterator[Any]]) -> Any:
        async def call(request: Any, context: Context) -> AsyncIterator[Any]:
            caller = await self._identified(context)
            try:
                async for response in _until_expired(handler(request, context), caller):
                    yield response
            except Unauthenticated as error:
                await abort(context, error)

        return call


async def _until_expired(responses: AsyncIterator[Any], caller: Principal) -> AsyncIterator[Any]:
    """Yield the responses of a stream until its token expires."""
    ends_at = None if caller.expires is None else asyncio.get_running_loop().time() + caller.expires - time.time()
    while True:
        try:
            async with asyncio.timeout_at(ends_at) as limit:
                response = await anext(responses)
        except StopAsyncIteration:
            return
        except TimeoutError:
            if limit.expired():
                raise Unauthenticated(
                    "the token of the stream has expired; get a new one", reason="TOKEN_EXPIRED"
                ) from None
            raise
        yield response
