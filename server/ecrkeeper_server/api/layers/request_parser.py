"""From the bytes of a request to a message; for a large request in steps."""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message

from ecrkeeper_server.api.layers.message_bounds import Malformed, bounding
from ecrkeeper_server.turns import Steps, finish

LARGE_BYTES = 8_192
"""The size from which a request is parsed and checked in turns: a smaller one takes less than a slice."""


class RequestParser:
    """Parses requests of one type; rejects those beyond the bounds of their lists."""

    def __init__(self, parse: Callable[[bytes], Message], message: Descriptor) -> None:
        self._parse = parse
        self._message = message

    def __call__(self, content: bytes) -> Message | None:
        """Return the message; None for malformed bytes, which gRPC would answer with UNKNOWN."""
        return finish(self.steps(content))

    def steps(self, content: bytes) -> Steps[Message | None]:
        """Return the same in steps."""
        try:
            left = yield from bounding(content, self._message)
            yield
            return self._parse(left)
        except (DecodeError, Malformed):
            return None
