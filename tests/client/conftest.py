from __future__ import annotations

from collections.abc import Iterator

import ecrkeeper
import pytest

from .fake import FakeServer


@pytest.fixture
def server() -> Iterator[FakeServer]:
    fake = FakeServer()
    yield fake
    fake.stop()


@pytest.fixture
def client(server: FakeServer) -> Iterator[ecrkeeper.Client]:
    with ecrkeeper.Client(server.target, insecure=True) as opened:
        yield opened
