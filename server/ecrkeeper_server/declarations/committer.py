"""Carrying out calls that write declarations: those that come at the same time share a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import Enum
from typing import Any, Protocol, TypeVar

from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.store import work
from ecrkeeper_server.store.batch import Batch
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.unit_of_work import UnitOfWork

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Call(Protocol[T_co]):
    """A call on a declaration."""

    @property
    def name(self) -> SettingsName:
        """The declaration."""

    @property
    def caller(self) -> Caller:
        """Who calls, and with which request."""

    @property
    def slow_to_check(self) -> bool:
        """Whether `check` takes so long that other calls must go on meanwhile."""

    def check(self) -> None:
        """Reject what is wrong with the call whatever is stored."""

    def decide(self, unit: UnitOfWork) -> T_co:
        """Change the unit of work; a refusal leaves it as it was."""


# As many calls in one transaction: it holds their registries.
_MOST = 64


class _Alone(Enum):
    """Instead of an outcome: another transaction holds the registry, so the call waits for it by itself."""

    BUSY = "BUSY"


class Committer:
    """Decides calls and stores what they leave; each is accepted or refused for itself."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._batch: Batch[Call[Any], Any] = Batch(self._together, eager=True, most=_MOST)

    async def write(self, call: Call[T]) -> T:
        """Check a call, carry it out, and return what it leaves."""
        await _check(call)
        outcome = await self._batch.put(call)
        if outcome is _Alone.BUSY:
            (outcome,) = await self._together([call])
        if isinstance(outcome, Exception):
            raise outcome
        left: T = outcome
        return left

    async def attempt(self, call: Call[T]) -> T:
        """Return what the call would leave: every check is made, and nothing is stored."""
        await _check(call)
        return await self._db.read(lambda tx: call.decide(work.load(tx, [call.name], [call.caller.request_id])))

    async def _together(self, calls: list[Call[Any]]) -> list[Any]:
        return await self._db.write(lambda tx: _decide(tx, calls))


async def _check(call: Call[Any]) -> None:
    if call.slow_to_check:
        await asyncio.to_thread(call.check)
    else:
        call.check()


def _decide(tx: Tx, calls: Sequence[Call[Any]]) -> list[Any]:
    """What each call leaves, or the exception that it ends with, or that it is to wait by itself."""
    # Several calls wait for nobody: one registry that is held for long would hold up all of them.
    names, ids = [call.name for call in calls], [call.caller.request_id for call in calls]
    unit = work.load(tx, names, ids, wait=len(calls) == 1)
    outcomes: list[Any] = []
    for call in calls:
        if call.name.registry in unit.busy:
            outcomes.append(_Alone.BUSY)
            continue
        try:
            outcomes.append(call.decide(unit))
        except Exception as error:  # a refusal, or a fault that concerns this call only
            outcomes.append(error)
    work.save(tx, unit)
    return outcomes
