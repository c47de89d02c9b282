"""Long messages are converted by a process of its own, in turns and in time."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from ecrkeeper.v1.registry_settings_service_pb2 import ListRegistriesRequest, ListRegistriesResponse
from ecrkeeper_server.api.http.conversion import json_of, wire_of
from ecrkeeper_server.api.http.messages import JsonMessages
from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.errors import InvalidArgument, Unavailable
from ecrkeeper_server.turns import WORK, Turns, Work

# Reads one order; answers after half a second that it took 1.5 seconds of CPU; then works as usual.
SLOW_ONCE = """
import sys, time
from ecrkeeper_server.api.http.converter import ORDER, OUTCOME, serve
orders, outcomes = sys.stdin.buffer, sys.stdout.buffer
orders.read(sum(ORDER.unpack(orders.read(ORDER.size))[1:]))
time.sleep(0.5)
outcomes.write(OUTCOME.pack(True, 1.5, 3) + b"old")
outcomes.flush()
serve(orders, outcomes)
"""
SERVER = """
import asyncio, time
from ecrkeeper.v1.registry_settings_service_pb2 import ListRegistriesRequest
from ecrkeeper_server.api.http.messages import JsonMessages
from ecrkeeper_server.api.messages.answer import Answer
async def main():
    messages = JsonMessages()
    await messages.json(Answer.of(ListRegistriesRequest(parent="a" * 100_000)))
    print(messages._process.pid, flush=True)
    time.sleep(60)
asyncio.run(main())
"""


def long_request(letter: str = "a") -> ListRegistriesRequest:
    return ListRegistriesRequest(parent=letter * 100_000)


@pytest.fixture
async def messages() -> AsyncIterator[JsonMessages]:
    converter = JsonMessages()
    yield converter
    await converter.close()


async def test_long_messages_are_converted_as_short_ones(messages: JsonMessages) -> None:
    request = long_request()
    answer = ListRegistriesResponse(next_page_token="\u00e4" * 50_000)
    assert await messages.json(Answer.of(answer)) == json_of(answer)
    assert await messages.wire(json_of(request), ListRegistriesRequest) == request.SerializeToString()
    content = b'{"parent": 1, "filter": "' + b"a" * 50_000 + b'"}'
    with pytest.raises(InvalidArgument) as short:
        wire_of(content, ListRegistriesRequest)
    with pytest.raises(InvalidArgument) as long:
        await messages.wire(content, ListRegistriesRequest)
    assert long.value.violations == short.value.violations


async def test_concurrent_callers_get_their_own_messages(messages: JsonMessages) -> None:
    letters = "abcdefgh"
    answers = await asyncio.gather(*(messages.json(Answer.of(long_request(letter))) for letter in letters))
    assert answers == [json_of(long_request(letter)) for letter in letters]


async def test_caller_that_cancels_pays_and_leaves_no_answer() -> None:
    messages = JsonMessages((sys.executable, "-c", SLOW_ONCE))
    spent: list[float] = []
    WORK.set(lambda: Work(Turns(), "caller", spent=spent.append))
    try:
        call = asyncio.create_task(messages.json(Answer.of(long_request())))
        await asyncio.sleep(0.1)
        call.cancel()
        assert await messages.json(Answer.of(long_request("b"))) == json_of(long_request("b"))
        with pytest.raises(asyncio.CancelledError):
            await call
        assert spent[0] == 1.5
    finally:
        await messages.close()


async def test_ended_process_is_replaced(messages: JsonMessages) -> None:
    await messages.json(Answer.of(long_request()))
    assert messages._process is not None
    messages._process.kill()
    await messages._process.wait()
    with pytest.raises(Unavailable) as failed:
        await messages.json(Answer.of(long_request()))
    assert failed.value.reason == "CONVERTER_ENDED"
    assert await messages.json(Answer.of(long_request())) == json_of(long_request())


async def test_conversion_without_an_end_is_given_up() -> None:
    messages = JsonMessages((sys.executable, "-c", "import time; time.sleep(60)"), seconds=0.2)
    try:
        with pytest.raises(Unavailable):
            await messages.json(Answer.of(long_request()))
        assert messages._process is None
    finally:
        await messages.close()


def test_process_ends_with_a_killed_server() -> None:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        os.kill(pid, 0)
        server.kill()
    # The end of its input ends it; a zombie of the killed server is gone with the server.
    deadline = 100
    while _runs(pid) and (deadline := deadline - 1):
        signal.sigtimedwait([], 0.05)
    assert deadline


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
