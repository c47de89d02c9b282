"""Large transactions are charged to the call that waits for them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ecrkeeper_server.metrics.server import Metrics
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.instrumented import InstrumentedDatabase
from ecrkeeper_server.turns import WORK, Turns, Work


@contextmanager
def calling(free: float) -> Iterator[list[float]]:
    """Make a call in which so many seconds are free; collect its charges."""
    seconds = list[float]()
    before = WORK.set(lambda: Work(Turns(), "caller", spent=seconds.append, free=free))
    yield seconds
    WORK.reset(before)


def busy(_: Any) -> None:
    """Use more CPU than passes between two readings of its clock."""
    end = time.thread_time() + 0.002
    while time.thread_time() < end:
        pass


def fail(_: Any) -> None:
    busy(_)
    raise KeyError("x")


async def test_transactions_are_charged_whether_they_succeed_or_fail(db: Database) -> None:
    counting = InstrumentedDatabase(db, Metrics().store)
    for run in (counting.read, counting.write):
        with calling(free=0.0) as spent:
            await run(busy)
            assert len(spent) == 1
            with pytest.raises(KeyError):
                await run(fail)
            assert len(spent) == 2


async def test_transactions_shorter_than_a_slice_are_free(db: Database) -> None:
    counting = InstrumentedDatabase(db, Metrics().store)
    with calling(free=60.0) as spent:
        await counting.read(lambda _: None)
        await counting.write(lambda _: None)
    assert spent == []
