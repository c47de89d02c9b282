"""Commit calls that write declarations.

Calls on registries with few elements are decided in the transaction that stores them, which concurrent calls share.
A decision on many elements takes long, so it is made in turns on the event loop before its transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, Protocol, TypeVar

from cachetools import LRUCache

from ecrkeeper_server import turns
from ecrkeeper_server.declarations.costs import costs_in_turns
from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.errors import detached
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.settings.elements import CHARACTERS
from ecrkeeper_server.store import decided, work
from ecrkeeper_server.store.batch import Batch
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.unit_of_work import UnitOfWork
from ecrkeeper_server.turns import MANY, Steps

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
    def elements(self) -> int:
        """The cost of the call's settings."""

    def check(self) -> Steps[None]:
        """Raise the errors of the call that do not depend on stored rows, in steps."""

    def deciding(self, unit: UnitOfWork) -> Steps[T_co]:
        """Decide in steps."""

    def decide(self, unit: UnitOfWork) -> T_co:
        """Change the unit of work and return the result; a rejected call changes nothing."""


# The maximum number of calls in one transaction, which locks their registries.
_MAX_CALLS = 64
# The maximum weight of a registry's declarations that are decided on in a transaction.
_MOST = 20_000
# How often a large decision is repeated because its registry has changed.
_TRIES = 3
_REGISTRIES = 10_000


class _Retry(Enum):
    """The outcome of a call that must be committed alone."""

    BUSY = "BUSY"
    """Another transaction holds its registry."""

    LARGE = "LARGE"
    """Its registry has many elements."""


class Committer:
    """Decides calls separately, and stores their results."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._batch: Batch[Call[Any], Any] = Batch(self._together, eager=True, max_items=_MAX_CALLS)
        # The elements that owners of each registry have declared through this process.
        self._known: LRUCache[tuple[str, str], dict[str, int]] = LRUCache(_REGISTRIES)

    async def write(self, call: Call[T]) -> T:
        """Check a call, commit it, and return its result."""
        own = call.elements
        elements = await self._check(call, own)
        large = elements >= MANY or await self._has_many(call.name.registry)
        # In a batch, small calls would wait for it.
        outcome = _Retry.LARGE if large else await self._batch.put(call)
        if outcome is _Retry.BUSY:
            (outcome,) = await self._together([call])
        if outcome is _Retry.LARGE:
            outcome = await self._alone(call, elements)
        if isinstance(outcome, Exception):
            try:
                raise outcome
            finally:
                # This frame would hold the error, the error this frame, and both the declaration.
                del outcome
        self._remember(call.name, own)
        result: T = outcome
        return result

    async def attempt(self, call: Call[T]) -> T:
        """Return the result that a call would have: make every check, and store nothing."""
        unit, elements = await self._load(call, await self._check(call, call.elements))
        return await turns.work().run(call.deciding(unit), elements)

    async def _alone(self, call: Call[Any], elements: int) -> Any:
        """Return the result or exception of a call on many elements."""
        work_of_call = turns.work()
        async with work_of_call.deciding():
            for _ in range(_TRIES):
                unit, elements = await self._load(call, elements)
                try:
                    outcome = await work_of_call.run(call.deciding(unit), elements)
                except Exception as error:  # a rejection, or an error of this call only
                    outcome = detached(error)
                if await self._save(call, unit, elements):
                    return outcome
            # Others change the registry again and again, until it is locked.
            async with work_of_call.writing(elements):
                (outcome,) = await self._db.write(lambda tx: _decide(tx, [call], most=None))
            return outcome

    async def _load(self, call: Call[Any], known: int) -> tuple[UnitOfWork, int]:
        """Return what a call is decided on, and its cost; `known` is charged already."""
        texts = await self._db.read_in_turns(lambda tx: work.reading(tx, [call.name], [call.caller.request_id]))
        unit = await turns.work().run(work.parsing(texts), texts.weight // CHARACTERS)
        registry = call.name.registry
        declared = unit.declared[registry]
        costs = dict(zip(declared, await costs_in_turns([one.settings for one in declared.values()]), strict=True))
        if costs:
            # Owners may have declared through other processes, and before the start of this one. Their texts count as
            # well, because they make a registry large.
            lengths = unit.characters[registry]
            sizes = {owner: max(cost, lengths[owner] // CHARACTERS) for owner, cost in costs.items()}
            self._known[registry.account, registry.region] = sizes
        elements = call.elements + sum(costs.values())
        turns.work().charge(elements - known)
        return unit, elements

    async def _save(self, call: Call[Any], unit: UnitOfWork, elements: int) -> bool:
        """Store a decision unless its registry has changed; return whether it is stored."""
        basis = await turns.work().run(decided.describing(unit))
        await turns.work().run(decided.writing(unit))
        async with turns.work().writing(elements):
            return await self._db.write(lambda tx: decided.save_if_current(tx, unit, basis, call.caller.request_id))

    async def _check(self, call: Call[Any], own: int) -> int:
        """Check a call of that cost; return the cost of composing all owners' settings."""
        known = self._known_of(call.name.registry)
        elements = own + sum(known.values()) - known.get(call.name.owner, 0)
        if elements < MANY:
            for _ in call.check():
                pass
        else:
            await turns.work().charged(call.check(), elements)
        return elements

    async def _has_many(self, registry: RegistryName) -> bool:
        """Return whether a registry that is not known yet has many declarations.

        Small calls would wait for their rows. Postgres would need another round trip, and
        reads the rows without delaying others.
        """
        if not self._db.reads_inline or (registry.account, registry.region) in self._known:
            return False
        return await self._db.read(lambda tx: work.has_many(tx, registry, _MOST))

    def _known_of(self, registry: RegistryName) -> dict[str, int]:
        try:
            return self._known[registry.account, registry.region]
        except KeyError:
            return {}

    def _remember(self, name: SettingsName, elements: int) -> None:
        known = self._known_of(name.registry)
        known[name.owner] = elements
        if len(known) == 1:
            self._known[name.registry.account, name.registry.region] = known

    async def _together(self, calls: list[Call[Any]]) -> list[Any]:
        return await self._db.write(lambda tx: _decide(tx, calls, _MOST))


def _decide(tx: Tx, calls: Sequence[Call[Any]], most: int | None) -> list[Any]:
    """Return the result or exception of each call, or the mark to commit it alone."""
    # Several calls never wait for a lock: one registry with a long lock would delay all of them.
    names, ids = [call.name for call in calls], [call.caller.request_id for call in calls]
    unit = work.load(tx, names, ids, wait=len(calls) == 1, most=most)
    outcomes: list[Any] = []
    for call in calls:
        if call.name.registry in unit.busy or call.name.registry in unit.large:
            outcomes.append(_Retry.BUSY if call.name.registry in unit.busy else _Retry.LARGE)
            continue
        try:
            outcomes.append(call.decide(unit))
        except Exception as error:  # a rejection, or an error of this call only
            outcomes.append(detached(error))
    work.save(tx, unit)
    return outcomes
