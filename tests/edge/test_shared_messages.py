"""A change that many watches send is rendered and serialized once."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.layers import errors
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.database import Tx

from tests.edge.conftest import Serve
from tests.views import largest

WATCHES = 8


async def test_watches_share_the_bytes_of_a_change(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    bounded = errors.bounded_answer
    monkeypatch.setattr(errors, "bounded_answer", lambda answer: (sent.append(answer), bounded(answer))[1])
    async with serve(Limits()) as server, server.calls() as calls:
        await server.db.write(lambda tx: resources.ensure(tx, largest.REGISTRY, {}))
        request = pb.WatchRegistriesRequest(parent="accounts/-").SerializeToString()
        streams = [calls.stream(request=request) for _ in range(WATCHES)]
        for stream in streams:
            kinds = [pb.WatchRegistriesResponse.FromString(await stream.read()).kind for _ in range(2)]
            assert kinds == [pb.WatchRegistriesResponse.CURRENT, pb.WatchRegistriesResponse.SNAPSHOT_COMPLETE]
        sent.clear()

        def change(tx: Tx) -> None:
            resources.set_spec(tx, str(largest.REGISTRY), {"mode": "OBSERVE"})

        await server.db.write(change)
        answers = {await stream.read() for stream in streams}
        for stream in streams:
            stream.cancel()
    assert len(answers) == 1
    assert len(sent) == WATCHES
    assert {type(each) for each in sent} == {Answer}
    assert len({id(each.content) for each in sent}) == 1
