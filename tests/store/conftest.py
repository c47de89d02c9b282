"""An open database of each kind, with a manual clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from ecrkeeper_server.store import schema
from ecrkeeper_server.store.database import Database
from ecrkeeper_testing.clock import fixed_time


@dataclass
class Clock:
    """Return the current time in seconds since 1970."""

    seconds: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def db(database_url: str, clock: Clock) -> AsyncIterator[Database]:
    opened = schema.open_database(database_url, now=fixed_time(clock))
    yield opened
    await opened.close()
