"""A change that many watches send is rendered and serialized once."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.layers.capacity import Limits
from ecrkeeper_server.api.layers.serialized import SerializedOnce
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.database import Tx
from google.protobuf.message import Message

from tests.edge.conftest import Serve
from tests.views import largest

WATCHES = 8


def response(name: str) -> pb.WatchRegistriesResponse:
    return pb.WatchRegistriesResponse(registry={"name": name})


def test_same_object_is_serialized_once_and_an_equal_one_again() -> None:
    serialized: list[Message] = []

    def serialize(message: Message) -> bytes:
        serialized.append(message)
        return message.SerializeToString()

    once, first, other = SerializedOnce(serialize), response("a"), response("a")
    assert once(first) == once(first) == once(other) == first.SerializeToString()
    assert [id(each) for each in serialized] == [id(first), id(other)]


def test_kept_messages_are_bounded_and_rendered_again() -> None:
    once = SerializedOnce(lambda message: message.SerializeToString())
    messages = [response(str(at).ljust(1_000_000, "x")) for at in range(10)]
    for message in [*messages, *messages]:
        assert once(message) == message.SerializeToString()
    assert once._kept.currsize <= once._kept.maxsize


async def test_watches_share_the_bytes_of_a_change(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    serialized: list[bytes] = []
    keep = SerializedOnce.__call__

    def counted(self: SerializedOnce, message: Any) -> bytes:
        before = len(self._kept)
        content = keep(self, message)
        if message.registry.mode and len(self._kept) > before:
            serialized.append(content)
        return content

    monkeypatch.setattr(SerializedOnce, "__call__", counted)
    async with serve(Limits()) as server, server.calls() as calls:
        await server.db.write(lambda tx: resources.ensure(tx, largest.REGISTRY, {}))
        request = pb.WatchRegistriesRequest(parent="accounts/-").SerializeToString()
        streams = [calls.stream(request=request) for _ in range(WATCHES)]
        for stream in streams:
            kinds = [pb.WatchRegistriesResponse.FromString(await stream.read()).kind for _ in range(2)]
            assert kinds == [pb.WatchRegistriesResponse.CURRENT, pb.WatchRegistriesResponse.SNAPSHOT_COMPLETE]
        serialized.clear()

        def change(tx: Tx) -> None:
            resources.set_spec(tx, str(largest.REGISTRY), {"mode": "OBSERVE"})

        await server.db.write(change)
        answers = {await stream.read() for stream in streams}
        for stream in streams:
            stream.cancel()
    assert len(answers) == 1
    assert serialized == list(answers)
