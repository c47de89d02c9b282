"""One HTTP/1.1 connection that carries one exchange at a time.

httptools parses, and rejects ambiguous answers: two lengths, or a length beside chunks. Anything else
that is not plain HTTP ends the connection, because later bytes could be taken for the answer to
another request. `transport` says what this saves.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import httptools

from ecrkeeper_server.aws.answers import AnswerTooLarge

# An answer of AWS has about ten headers, and its lists have pages. The largest one has a hundred
# creation templates with policies of 40 KiB each.
MAX_HEAD = 64 * 1024
MAX_ANSWER = 8 * 1024 * 1024
_ENDED = "the connection ended before the answer did"


class NoAnswer(Exception):
    """The peer closed the connection, or sent bytes that are not an HTTP answer."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; its header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)


class Connection(asyncio.Protocol):
    """Carries one exchange at a time; `idle_since` is for the pool."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Response] | None = None
        self._begin()

    def _begin(self) -> None:
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._received = 0
        self._with_head = self._whole = self._lasting = self._too_long = False

    @property
    def usable(self) -> bool:
        """Whether another exchange may begin."""
        return self._transport is not None and self._answer is None and not self._transport.is_closing()

    async def exchange(self, request: bytes, until: float) -> Response:
        """Send a request and return its answer.

        The deadline is `until`, by the loop's time.

        Raises NoAnswer, InvalidAnswer if the answer is too long, OSError, or TimeoutError.
        A caller that is cancelled closes the connection.
        """
        if self._transport is None or not self.usable:
            raise NoAnswer(_ENDED)
        self._begin()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Response] = loop.create_future()
        self._answer = answer
        # `asyncio.timeout` would cost a tenth of the call.
        limit = loop.call_at(until, self._fail, TimeoutError())
        try:
            self._transport.write(request)
            return await answer
        except BaseException:
            self.close()
            raise
        finally:
            limit.cancel()
            self._answer = None
            # An idle connection keeps no answer, and this frame no error: the error would hold the frame.
            self._body = []
            del answer

    def close(self) -> None:
        """Close the connection immediately."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to write to."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Parse received bytes."""
        if self._answer is None or self._whole:
            # There is no pending request.
            self.close()
            return
        self._received += len(data)
        if self._received > MAX_ANSWER:
            self._fail(_too_long())
            return
        reason = ""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            reason = f"not an HTTP answer: {error}"
        if not self._with_head and self._received > MAX_HEAD:
            reason = "the headers of the answer are too long"
        if self._too_long:
            self._fail(_too_long())
        elif self._whole:
            self._deliver(reusable=self._lasting and not reason)
        elif reason:
            self._fail(NoAnswer(reason))

    def connection_lost(self, exc: Exception | None) -> None:
        """Complete an answer that lasts until the end of the connection; fail any other."""
        if self._answer is None or self._whole:
            return
        lengths = self._headers.keys() & {"content-length", "transfer-encoding"}
        if exc is None and self._with_head and not lengths:
            self._deliver(reusable=False)
        else:
            self._fail(exc if isinstance(exc, OSError) else NoAnswer(_ENDED))

    def on_message_begin(self) -> None:
        """Begin an answer; called by the parser."""
        if self._whole:
            raise NoAnswer("more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header, unless it trails the body; called by the parser."""
        if not self._with_head:
            key, text = name.decode("ascii").lower(), value.decode("latin-1")
            self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """Handle the headers; called by the parser."""
        # Informational answers such as "Continue" precede the answer.
        self._with_head = self._parser.get_status_code() >= 200
        if not self._with_head:
            self._headers = {}
        # The header declares the length, so the body is rejected before it is stored.
        self._too_long = int(self._headers.get("content-length") or 0) > MAX_ANSWER

    def on_body(self, data: bytes) -> None:
        """Collect a part of the body; called by the parser."""
        self._body.append(data)

    def on_message_complete(self) -> None:
        """Complete the answer; called by the parser."""
        self._whole = self._with_head
        # The parser knows this only until the next byte.
        self._lasting = self._parser.should_keep_alive()

    def _deliver(self, *, reusable: bool) -> None:
        if not reusable:
            self.close()
        if self._answer is not None and not self._answer.done():
            status = self._parser.get_status_code()
            self._answer.set_result(Response(status, self._headers, b"".join(self._body)))

    def _fail(self, error: Exception) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


def _too_long() -> AnswerTooLarge:
    return AnswerTooLarge(f"longer than {MAX_ANSWER // (1024 * 1024)} MiB")
