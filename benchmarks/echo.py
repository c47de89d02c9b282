"""The baseline of the API: a bare grpc.aio server on uvloop that answers bytes.

The method says how many bytes it answers: `/bench.Echo/742`. Run it as `python -m benchmarks.echo`.
"""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
import uvloop

from benchmarks.measure import NEVER


class Echo(grpc.GenericRpcHandler):
    """A handler for each size."""

    def __init__(self) -> None:
        self._handlers: dict[str, Any] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Return the handler of a method, created once."""
        method = str(handler_call_details.method)
        if method not in self._handlers:
            reply = bytes(int(method.rpartition("/")[2]))

            async def call(_request: bytes, _context: Any) -> bytes:
                return reply

            self._handlers[method] = grpc.unary_unary_rpc_method_handler(call)
        return self._handlers[method]


async def _serve() -> None:
    server = grpc.aio.server(options=[("grpc.max_concurrent_streams", 1000), ("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((Echo(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"listening on 127.0.0.1:{port}", flush=True)
    await asyncio.sleep(NEVER)


if __name__ == "__main__":
    uvloop.run(_serve())
