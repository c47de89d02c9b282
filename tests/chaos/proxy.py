"""A network that can fail: a TCP proxy in its own thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class Proxy:
    """Forward connections to one local port, or fail them on request."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._hanging = False
        # The transports of each connection, and whether bytes of it were lost.
        self._open: dict[asyncio.StreamWriter, bool] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = 0
        self.port = self._do(self._listen())

    def cut(self) -> None:
        """Break every connection and reject new ones."""
        self._do(self._close())

    def reset(self) -> None:
        """Break every connection, but accept new ones."""
        self._do(self._abort(listening=True))

    def hang(self) -> None:
        """Silently discard everything, in old and new connections."""
        self._hanging = True

    def heal(self) -> None:
        """Forward again; connections that lost bytes are broken."""
        self._hanging = False
        self._do(self._abort(listening=False))
        if self._server is None:
            self._do(self._listen())

    def stop(self) -> None:
        """Close permanently."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        return int(self._server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._abort(listening=True)

    async def _abort(self, *, listening: bool) -> None:
        for writer, peer in list(self._open.items()):
            if peer or listening:
                writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = False
        far: asyncio.StreamWriter | None = None
        try:
            far_reader, far = await asyncio.open_connection("127.0.0.1", self._target)
            self._open[far] = False
            upstream = asyncio.create_task(self._pass(reader, far))
            back = asyncio.create_task(self._pass(far_reader, writer))
            await asyncio.wait([upstream, back], return_when=asyncio.FIRST_COMPLETED)
            upstream.cancel()
            back.cancel()
        except OSError:
            pass
        finally:
            for end in (writer, far):
                if end is not None:
                    self._open.pop(end, None)
                    end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if self._hanging:
                    self._open[writer] = True
                    continue
                writer.write(data)
                await writer.drain()


@contextlib.contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """Provide a proxy, and close it afterwards."""
    running = Proxy(target)
    try:
        yield running
    finally:
        running.stop()
