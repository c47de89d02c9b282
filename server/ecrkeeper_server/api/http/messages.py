"""Conversion of messages between their JSON and their wire format, with bounds.

Requests become the bytes that gRPC delivers, so the layers check both in the same way.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message

from ecrkeeper_server.api.http.conversion import json_of, wire_of
from ecrkeeper_server.api.http.converter import OUTCOME, order_of
from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.errors import InvalidArgument, Unavailable, Violation
from ecrkeeper_server.turns import FairLock, work

# Longer messages take more than some milliseconds, in which the event loop answers other calls.
_SHORT_BYTES = 32 * 1024
# The longest message takes two.
_SECONDS = 20.0
CONVERTER = (sys.executable, "-m", "ecrkeeper_server.api.http.converter")


class JsonMessages:
    """Converts messages, long ones in a process of its own.

    The first long message starts the process. The callers take turns.
    """

    def __init__(self, converter: Sequence[str] = CONVERTER, seconds: float = _SECONDS) -> None:
        self._converter = converter
        self._seconds = seconds
        self._turns = FairLock()
        self._process: Process | None = None

    async def close(self) -> None:
        """End the process."""
        await self._end()

    async def wire(self, content: bytes, kind: type[Message]) -> bytes:
        """Return the wire format of a request, or raise InvalidArgument."""
        if len(content) <= _SHORT_BYTES:
            return wire_of(content, kind)
        return await self._convert(order_of(content, kind, to_json=False))

    async def json(self, answer: Answer[Any]) -> bytes:
        """Return the JSON format of an answer."""
        if len(answer.content) <= _SHORT_BYTES:
            return json_of(answer.message)
        return await self._convert(order_of(answer.content, answer.kind, to_json=True))

    async def _convert(self, order: bytes) -> bytes:
        async with self._turns.of(work().key):
            exchange = asyncio.create_task(self._exchange_in_time(order))
            try:
                converted, content = await asyncio.shield(exchange)
            except asyncio.CancelledError:
                # The next caller must not get this answer. Killing the process would cost a start.
                await asyncio.wait([exchange])
                raise
            finally:
                if not exchange.done():
                    await self._end()
        if not converted:
            field, description = json.loads(content)
            raise InvalidArgument([Violation(field, description)])
        return content

    async def _exchange_in_time(self, order: bytes) -> tuple[bool, bytes]:
        try:
            async with asyncio.timeout(self._seconds):
                converted, seconds, content = await self._exchange(order)
        except (TimeoutError, EOFError, OSError) as error:
            await self._end()
            text = "the process that converts JSON ended; use gRPC or repeat the call"
            raise Unavailable(text, reason="CONVERTER_ENDED") from error
        work().used(seconds)
        return converted, content

    async def _exchange(self, order: bytes) -> tuple[bool, float, bytes]:
        process = self._process
        if process is None:
            process = self._process = await asyncio.create_subprocess_exec(*self._converter, stdin=PIPE, stdout=PIPE)
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both are pipes")
        process.stdin.write(order)
        await process.stdin.drain()
        converted, seconds, length = OUTCOME.unpack(await process.stdout.readexactly(OUTCOME.size))
        return converted, seconds, await process.stdout.readexactly(length)

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
