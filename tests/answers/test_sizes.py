"""No answer of any call is as long as 3 MiB, and none is rejected for its length."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.messages.sizes import ANSWER_BYTES
from ecrkeeper_server.api.server import methods

from tests.answers import state
from tests.answers.large_aws import LargeAws
from tests.answers.table import Row, rows
from tests.edge.calls import Calls
from tests.edge.conftest import Serve

_STREAMED = 3


def test_every_method_has_a_row_at_its_largest() -> None:
    ids = dict.fromkeys(("registry", "deletion", "running"), "x")
    assert {row.method for row in rows(ids) if row.least or row.reason} == set(methods())


async def _once(request: bytes) -> AsyncIterator[bytes]:
    yield request


async def _sizes(calls: Calls, row: Row) -> list[int]:
    """Return the sizes of the answers of a call, or of the first messages of a stream."""
    kind, request = methods()[row.method], row.request.SerializeToString()
    if kind == "unary":
        return [len(await calls.channel.unary_unary(row.method)(request, timeout=60))]
    if kind == "bidi_stream":
        stream = calls.channel.stream_stream(row.method)(_once(request), timeout=60)
    else:
        stream = calls.channel.unary_stream(row.method)(request, timeout=60)
    sizes: list[int] = []
    async for message in stream:
        sizes.append(len(message))
        if len(sizes) == _STREAMED or sizes[-1] >= max(row.least, 1):
            break
    stream.cancel()
    return sizes


@pytest.mark.timeout(600)
async def test_answers_on_the_largest_state_are_below_3_mib(serve: Serve) -> None:
    wrong = []
    # One caller asks for the largest answers one after another.
    async with serve(Limits(elements_per_principal=0, cpu_per_principal=0), LargeAws()) as server:
        operations = await server.db.write(state.store)
        async with server.calls(grpc__max_receive_message_length=2**26) as calls:
            for row in rows(operations):
                code, text, sizes = "OK", "", [0]
                try:
                    sizes = await _sizes(calls, row)
                except grpc.aio.AioRpcError as error:
                    code, text = error.code().name, error.details() or ""
                if code != row.code or (code == "OK" and not row.least <= max(sizes) < ANSWER_BYTES):
                    wrong.append((row.method, row.reason, code, max(sizes), text[:300]))
    assert not wrong, "\n".join(map(str, wrong))
