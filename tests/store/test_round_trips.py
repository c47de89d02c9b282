"""How often a write waits for Postgres.

A wait is a call of psycopg that ends when an answer has arrived.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
from ecrkeeper_server.declarations.commands import PutDeclaration
from ecrkeeper_server.declarations.committer import Committer
from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import claims, queue, schema, sweep
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.specs import DeclarationSpec
from psycopg.waiting import Wait

pytestmark = pytest.mark.skipif(
    os.environ.get("TEST_PUBLIC_INTERFACES") == "1",
    reason="psycopg's public interface waits for each statement",
)
NAME = SettingsName(RegistryName("111111111111", "us-east-1"), "team-a")


@pytest.fixture
async def db(postgres_url: str) -> AsyncIterator[Database]:
    opened = schema.open_database(postgres_url, pool_size=1)
    yield opened
    await opened.close()


# On a busy machine most answers are there at once.
_TIMES = 120


class Waits:
    """Counts the calls of psycopg that wait to read."""

    def __init__(self) -> None:
        self.count = 0

    def watched(self, generator: Any) -> Iterator[Any]:
        """Run a generator of psycopg, and count it once if it waits to read."""
        ready, counted = None, False
        while True:
            try:
                event = generator.send(ready)
            except StopIteration as end:
                return end.value
            if event == Wait.R and not counted:
                self.count, counted = self.count + 1, True
            ready = yield event


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    counting, wait = Waits(), psycopg.Connection.wait

    def counted(self: Any, generator: Any, *arguments: Any, **options: Any) -> Any:
        return wait(self, counting.watched(generator), *arguments, **options)

    monkeypatch.setattr(psycopg.Connection, "wait", counted)
    return counting


def update(n: int) -> PutDeclaration:
    prefix = {"ecrRepositoryPrefix": f"p{n}", "upstreamRegistryUrl": "quay.io"}
    spec = DeclarationSpec({"pull_through_cache_rules": {"rules": [prefix]}}, "REMOVE", False)
    caller = Caller("UpdateRegistrySettings", f"00000000-0000-4000-8000-{n:012d}", str(n))
    return PutDeclaration(name=NAME, change=lambda _: spec, caller=caller, create=True, update=True)


async def test_update_waits_for_three_round_trips(db: Database, waits: Waits) -> None:
    committer, statements = Committer(db), []
    for n in range(_TIMES):
        before = waits.count
        await committer.write(update(n))
        statements.append(waits.count - before)
    # Statements are prepared by now. An answer that was there at once is not counted, so the most says how many.
    assert max(statements[10:]) == 3, statements


async def test_unchanged_attempt_waits_for_six_round_trips(db: Database, waits: Waits) -> None:
    committer, statements = Committer(db), []
    await committer.write(update(0))
    for _ in range(_TIMES):
        before = waits.count
        (row,) = await db.write(lambda tx: _claimed(tx))
        outcome = queue.Outcome(row.state, 0, 0.0, 0, observed_at=None)
        assert await db.write(lambda tx, row=row, outcome=outcome: sweep.finish_unchanged(tx, [(row, outcome)]))  # type: ignore[misc]
        statements.append(waits.count - before)
    assert max(statements[10:]) == 6, statements


def _claimed(tx: Any) -> list[Any]:
    rows = claims.claim(tx, lease=30, backlog=claims.Capacity(1))
    assert sweep.desired(tx, rows)
    return rows
