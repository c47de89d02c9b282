"""How the synchronous client sends calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import grpc
import grpc.aio
from google.protobuf.message import Message

from ecrkeeper._base import BaseClient, LongRunning, Paged, Unary, Watched, call_of, wire
from ecrkeeper._channel import Endpoint
from ecrkeeper._failures import from_rpc
from ecrkeeper._operation import Operation
from ecrkeeper._pager import Pager
from ecrkeeper._watch import Stream, Watch

P = ParamSpec("P")
T = TypeVar("T")
Response = TypeVar("Response", bound=Message)


class Calls(BaseClient):
    """Sends the calls of the methods."""

    _endpoint: Endpoint
    _channel: grpc.Channel

    def _unary(self, build: Callable[P, Unary[Response]], *args: P.args, **kwargs: P.kwargs) -> Response:
        return self._send(call_of(build, *args, **kwargs))

    def _paged(self, build: Callable[P, Paged[T, Response]], *args: P.args, **kwargs: P.kwargs) -> Pager[T, Response]:
        return Pager(call_of(build, *args, **kwargs), self._send)

    def _watched(self, build: Callable[P, Watched[Response]], *args: P.args, **kwargs: P.kwargs) -> Watch[Response]:
        return Watch(call_of(build, *args, **kwargs), self._subscribe)

    def _long_running(
        self, build: Callable[P, LongRunning[Response]], *args: P.args, **kwargs: P.kwargs
    ) -> Operation[Response]:
        call = call_of(build, *args, **kwargs)
        latest = self._send(call.start)
        return Operation(latest.name, response=call.response, send=self._send, latest=latest)

    def _send(self, call: Unary[Response]) -> Response:
        self._reject_if_closed()
        invoke = self._channel.unary_unary(*wire(call))
        try:
            answer = invoke(call.request, timeout=self._deadline(call.timeout), metadata=self._endpoint.metadata())
        except grpc.RpcError as error:
            raise from_rpc(error, call.request) from error
        self._answered = True
        return answer

    def _subscribe(self, call: Watched[Response], timeout: float | None) -> Stream[Response]:
        self._reject_if_closed()
        invoke = self._channel.unary_stream(*wire(call))
        stream: Any = invoke(call.request, timeout=timeout, metadata=self._endpoint.metadata())
        return cast(Stream[Response], stream)
