"""Large transactions are charged to the call that waits for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ecrkeeper_server.metrics.server import Metrics
from ecrkeeper_server.store import instrumented
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.instrumented import InstrumentedDatabase
from ecrkeeper_server.turns import WORK, Turns, Work


@pytest.fixture
def spent() -> Iterator[list[float]]:
    seconds = list[float]()
    before = WORK.set(lambda: Work(Turns(), "caller", spent=seconds.append))
    yield seconds
    WORK.reset(before)


def fail(_: Any) -> None:
    raise KeyError("x")


async def test_transactions_are_charged_whether_they_succeed_or_fail(
    db: Database, spent: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = InstrumentedDatabase(db, Metrics().store)
    monkeypatch.setattr(instrumented, "SLICE", -1.0)
    for run in (counting.read, counting.write):
        spent.clear()
        await run(lambda _: None)
        assert len(spent) == 1
        with pytest.raises(KeyError):
            await run(fail)
        assert len(spent) == 2


async def test_transactions_shorter_than_a_slice_are_free(
    db: Database, spent: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = InstrumentedDatabase(db, Metrics().store)
    monkeypatch.setattr(instrumented, "SLICE", 60.0)
    await counting.read(lambda _: None)
    await counting.write(lambda _: None)
    assert spent == []
