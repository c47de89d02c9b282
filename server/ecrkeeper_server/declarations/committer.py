"""Commit calls that write declarations; concurrent calls share a transaction."""

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
    """A call that writes a declaration."""

    @property
    def name(self) -> SettingsName:
        """The declaration."""

    @property
    def caller(self) -> Caller:
        """The caller and its request."""

    @property
    def slow_to_check(self) -> bool:
        """Whether `check` takes so long that other calls must not wait for it."""

    def check(self) -> None:
        """Raise the errors of the call that do not depend on stored data."""

    def decide(self, unit: UnitOfWork) -> T_co:
        """Change the unit of work and return the result; a rejected call changes nothing."""


# The maximum number of calls in one transaction, which locks their registries.
_MAX_CALLS = 64


class _Retry(Enum):
    """The outcome of a call that must be committed alone.

    Another transaction holds its registry.
    """

    BUSY = "BUSY"


class Committer:
    """Decides calls separately, and stores their results."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._batch: Batch[Call[Any], Any] = Batch(self._together, eager=True, max_items=_MAX_CALLS)

    async def write(self, call: Call[T]) -> T:
        """Check a call, commit it, and return its result."""
        await _check(call)
        outcome = await self._batch.put(call)
        if outcome is _Retry.BUSY:
            (outcome,) = await self._together([call])
        if isinstance(outcome, Exception):
            raise outcome
        result: T = outcome
        return result

    async def attempt(self, call: Call[T]) -> T:
        """Return the result that a call would have, after all checks; store nothing."""
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
    """Return the result or exception of each call, or the mark to commit it alone."""
    # Several calls never wait for a lock: one registry with a long lock would delay all of them.
    names, ids = [call.name for call in calls], [call.caller.request_id for call in calls]
    unit = work.load(tx, names, ids, wait=len(calls) == 1)
    outcomes: list[Any] = []
    for call in calls:
        if call.name.registry in unit.busy:
            outcomes.append(_Retry.BUSY)
            continue
        try:
            outcomes.append(call.decide(unit))
        except Exception as error:  # a rejection, or an error of this call only
            outcomes.append(error)
    work.save(tx, unit)
    return outcomes
