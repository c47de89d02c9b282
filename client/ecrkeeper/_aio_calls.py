"""How the asyncio client sends calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import grpc
import grpc.aio
from google.protobuf.message import Message

from ecrkeeper._base import BaseClient, LongRunning, Paged, Unary, Watched, call_of, wire
from ecrkeeper._channel import Endpoint
from ecrkeeper._errors import Cancelled
from ecrkeeper._failures import from_rpc
from ecrkeeper._operation import AsyncOperation
from ecrkeeper._pager import AsyncPager
from ecrkeeper._watch import AsyncStream, AsyncWatch

P = ParamSpec("P")
T = TypeVar("T")
Response = TypeVar("Response", bound=Message)


class AsyncCalls(BaseClient):
    """Sends the calls of the methods."""

    _endpoint: Endpoint
    _channel: grpc.aio.Channel | None

    async def _unary(self, build: Callable[P, Unary[Response]], *args: P.args, **kwargs: P.kwargs) -> Response:
        return await self._send(call_of(build, *args, **kwargs))

    def _paged(
        self, build: Callable[P, Paged[T, Response]], *args: P.args, **kwargs: P.kwargs
    ) -> AsyncPager[T, Response]:
        return AsyncPager(call_of(build, *args, **kwargs), self._send)

    def _watched(
        self, build: Callable[P, Watched[Response]], *args: P.args, **kwargs: P.kwargs
    ) -> AsyncWatch[Response]:
        return AsyncWatch(call_of(build, *args, **kwargs), self._subscribe)

    async def _long_running(
        self, build: Callable[P, LongRunning[Response]], *args: P.args, **kwargs: P.kwargs
    ) -> AsyncOperation[Response]:
        call = call_of(build, *args, **kwargs)
        latest = await self._send(call.start)
        return AsyncOperation(latest.name, response=call.response, send=self._send, latest=latest)

    def _open(self) -> grpc.aio.Channel:
        self._reject_if_closed()
        if self._channel is None:
            self._channel = self._endpoint.open_aio()
        return self._channel

    async def _send(self, call: Unary[Response]) -> Response:
        invoke = self._open().unary_unary(*wire(call))
        metadata = await self._endpoint.metadata_aio()
        try:
            answer = await invoke(call.request, timeout=self._deadline(call.timeout), metadata=metadata)
        except grpc.RpcError as error:
            raise from_rpc(error, call.request) from error
        except asyncio.CancelledError as error:
            # For a running call, a closed channel looks like the cancellation of its task.
            task = asyncio.current_task()
            if not self._closed or (task is not None and task.cancelling()):
                raise
            raise Cancelled("the client was closed", code=grpc.StatusCode.CANCELLED) from error
        self._answered = True
        return answer

    async def _subscribe(self, call: Watched[Response], timeout: float | None) -> AsyncStream[Response]:
        invoke = self._open().unary_stream(*wire(call))
        stream: Any = invoke(call.request, timeout=timeout, metadata=await self._endpoint.metadata_aio())
        return cast(AsyncStream[Response], stream)
