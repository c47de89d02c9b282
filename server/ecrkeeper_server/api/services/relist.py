"""Polls of all resources for watches, because notifications can be lost."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from contextvars import Context
from itertools import islice

import structlog

from ecrkeeper_server.api.services.broadcaster import Subscription
from ecrkeeper_server.api.services.shared_work import SharedWork
from ecrkeeper_server.store import versions
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.turns import STEP, Turns, work

log = structlog.get_logger("ecrkeeper.watch")

_SECONDS = 30.0
_PAGE = 500


class Relist:
    """Polls the versions of all resources of a kind while there are watches.

    It sends each new version to every listener. Only rounds update the known versions, and a
    listener that joins reads after the first round. Every listener therefore has read at least the
    known versions, and needs only the new ones. The principals of the listeners pay for the rounds.
    """

    def __init__(self, db: Database, kind: str, turns: Turns) -> None:
        self._db = db
        self._shared = SharedWork(turns)
        self._kind = kind
        self._listeners: set[Subscription] = set()
        self._known: dict[str, int] = {}
        self._rounds: asyncio.Task[None] | None = None
        self._first_round: asyncio.Future[None] | None = None
        self._wake = asyncio.Event()

    @contextlib.contextmanager
    def joined(self, listener: Subscription) -> Iterator[None]:
        """Send to the listener within the block; polling stops with the last listener."""
        payer = work()
        self._listeners.add(listener)
        self._shared.join(payer)
        try:
            yield
        finally:
            self._listeners.discard(listener)
            self._shared.leave(payer)
            if not self._listeners and self._rounds is not None:
                self._rounds.cancel()
                self._rounds = self._first_round = None
                self._known = {}

    async def first_round(self) -> None:
        """Wait for the first round; later reads are at least as new as the known versions."""
        if self._first_round is None or (self._first_round.done() and self._first_round.exception() is not None):
            self._first_round = asyncio.get_running_loop().create_future()
            # An empty context, because the task belongs neither to the trace nor to the caller of
            # the first call.
            self._rounds = asyncio.create_task(self._run(self._first_round), context=Context())
        await asyncio.shield(self._first_round)

    def poll_now(self) -> None:
        """Poll at once, because notifications were lost."""
        self._wake.set()

    async def _run(self, first_round: asyncio.Future[None]) -> None:
        try:
            await self._round()
        except Exception as error:
            # All callers that wait for the round get the error, whatever it is.
            first_round.set_exception(error)
            return
        first_round.set_result(None)
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._round()
            except Exception as error:
                # The next round sends the changes that this one would have sent.
                log.warning("relist_failed", kind=self._kind, error=str(error))

    async def _round(self) -> None:
        with self._shared.counted():
            await self._poll()

    async def _poll(self) -> None:
        known, after = self._known, ""
        gone: set[str] = set()
        earlier = iter(known)
        while some := list(islice(earlier, STEP)):
            gone.update(some)
            await asyncio.sleep(0)
        while True:
            last = after
            page = await self._db.read_in_turns(lambda tx, last=last: versions.reading(tx, self._kind, last, _PAGE))  # type: ignore[misc]
            new: dict[str, int | None] = {}
            for name, version in page:
                after = name
                gone.discard(name)
                if known.get(name) != version:
                    known[sys.intern(name)] = new[name] = version
            self._send(new)
            if len(page) < _PAGE:
                break
            # Reads of SQLite do not yield to the event loop; let other calls run.
            await asyncio.sleep(0)
        missing = iter(gone)
        while some := list(islice(missing, _PAGE)):
            for name in some:
                del known[name]
            self._send(dict.fromkeys(some))
            await asyncio.sleep(0)

    def _send(self, versions: dict[str, int | None]) -> None:
        if versions and self._first_round is not None and self._first_round.done():
            for listener in self._listeners:
                listener.add_versions(versions)
