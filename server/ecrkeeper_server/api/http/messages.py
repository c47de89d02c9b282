"""Conversion of messages between their JSON and their wire format, with bounds.

Requests become the bytes that gRPC delivers, so the layers check both in the same way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from google.protobuf.message import Message

from ecrkeeper_server.api.http.conversion import json_of, wire_of
from ecrkeeper_server.turns import work

T = TypeVar("T")

# Longer messages take more than some milliseconds, in which the event loop answers other calls.
_SHORT_BYTES = 32 * 1024
_THREADS = 2


class JsonMessages:
    """Converts messages, long ones in threads."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "json")

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def wire(self, content: bytes, kind: type[Message]) -> bytes:
        """Return the wire format of a request, or raise InvalidArgument."""
        return await self._run(len(content), lambda: wire_of(content, kind))

    async def json(self, message: Message) -> bytes:
        """Return the JSON format of an answer."""
        return await self._run(message.ByteSize(), lambda: json_of(message))

    async def _run(self, size: int, convert: Callable[[], T]) -> T:
        if size <= _SHORT_BYTES:
            return convert()
        loop, used = asyncio.get_running_loop(), work().used

        def timed() -> T:
            began = time.thread_time()
            try:
                return convert()
            finally:
                # The GIL lets only one thread run, so the caller pays for it as for work on the
                # loop, even if it cancels the call meanwhile.
                loop.call_soon_threadsafe(used, time.thread_time() - began)

        return await loop.run_in_executor(self._threads, timed)
