"""How often a write waits for Postgres."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from ecrkeeper_server.declarations.commands import PutDeclaration
from ecrkeeper_server.declarations.committer import Committer
from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import claims, queue, schema, sweep
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.specs import DeclarationSpec
from sqlalchemy import make_url

pytestmark = pytest.mark.skipif(
    os.environ.get("TEST_PUBLIC_INTERFACES") == "1",
    reason="psycopg's public interface waits for each statement",
)
_PAUSE_SECONDS = 0.01
_TIMES, _PREPARED = 25, 10
NAME = SettingsName(RegistryName("111111111111", "us-east-1"), "team-a")


class Relay:
    """Forwards connections to Postgres, with a pause before each answer.

    Bytes that a client sends after an answer begin a round trip. The pause is much longer than the time between
    statements that do not wait for each other.
    """

    def __init__(self, port: int) -> None:
        self.trips = 0
        self._port = port

    async def accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Forward one connection in both directions."""
        server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
        answered = asyncio.Event()
        answered.set()

        async def send() -> None:
            while data := await client.read(65536):
                if answered.is_set():
                    answered.clear()
                    self.trips += 1
                to_server.write(data)
            to_server.close()

        async def answer() -> None:
            while data := await server.read(65536):
                await asyncio.sleep(_PAUSE_SECONDS)
                to_client.write(data)
                answered.set()
            to_client.close()

        await asyncio.gather(send(), answer())


@pytest.fixture
async def relay(postgres_url: str) -> AsyncIterator[tuple[Relay, str]]:
    """A relay, and the URL of the database through it."""
    url = make_url(postgres_url)
    assert url.port is not None
    relay = Relay(url.port)
    async with await asyncio.start_server(relay.accept, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield relay, url.set(port=port).render_as_string(hide_password=False)


@pytest.fixture
async def db(relay: tuple[Relay, str]) -> AsyncIterator[Database]:
    opened = await asyncio.to_thread(schema.open_database, relay[1], pool_size=1)
    yield opened
    await opened.close()


@pytest.fixture
def trips(relay: tuple[Relay, str]) -> Callable[[], int]:
    """The number of round trips so far."""
    return lambda: relay[0].trips


def update(n: int) -> PutDeclaration:
    prefix = {"ecrRepositoryPrefix": f"p{n}", "upstreamRegistryUrl": "quay.io"}
    spec = DeclarationSpec({"pull_through_cache_rules": {"rules": [prefix]}}, "REMOVE", False)
    caller = Caller("UpdateRegistrySettings", f"00000000-0000-4000-8000-{n:012d}", str(n))
    return PutDeclaration(name=NAME, change=lambda _: spec, caller=caller, create=True, update=True)


async def test_update_waits_for_three_round_trips(db: Database, trips: Callable[[], int]) -> None:
    committer, counts = Committer(db), []
    for n in range(_TIMES):
        before = trips()
        await committer.write(update(n))
        counts.append(trips() - before)
    # Statements are prepared by now. Other load on the machine can part what is sent at once, so the least is right.
    assert min(counts[_PREPARED:]) == 3, counts


async def test_unchanged_attempt_waits_for_six_round_trips(db: Database, trips: Callable[[], int]) -> None:
    committer, counts = Committer(db), []
    await committer.write(update(0))
    for _ in range(_TIMES):
        before = trips()
        (row,) = await db.write(lambda tx: _claimed(tx))
        outcome = queue.Outcome(row.state, 0, 0.0, 0, observed_at=None)
        assert await db.write(lambda tx, row=row, outcome=outcome: sweep.finish_unchanged(tx, [(row, outcome)]))  # type: ignore[misc]
        counts.append(trips() - before)
    assert min(counts[_PREPARED:]) == 6, counts


def _claimed(tx: Any) -> list[Any]:
    rows = claims.claim(tx, lease=30, backlog=claims.Capacity(1))
    assert sweep.desired(tx, rows)
    return rows
