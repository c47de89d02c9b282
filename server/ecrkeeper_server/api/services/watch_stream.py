"""The events of a watch: a snapshot, then changes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping

from msgspec import Struct, field

from ecrkeeper_server.api.layers.needs import resource_target
from ecrkeeper_server.api.services.broadcaster import Subscription, relevant
from ecrkeeper_server.api.services.context import Dependencies, account_of
from ecrkeeper_server.api.services.filters import Fields, filter_expression, matcher
from ecrkeeper_server.api.services.relist import Relist
from ecrkeeper_server.api.services.shared_reads import SharedReads
from ecrkeeper_server.store import listing
from ecrkeeper_server.store.filter_expression import Narrowing, narrowing_of
from ecrkeeper_server.store.listing import Read
from ecrkeeper_server.store.rows import Declaration, Resource, parsed

# Rows of one read; on SQLite, other calls wait meanwhile.
_PAGE = 25
# A changed policy applies after this many seconds, and with every change of a resource.
_POLL_SECONDS = 30.0


class Event(Struct, frozen=True):
    """One event of a stream: its kind, the name and, for `CURRENT`, the resource.

    A registry comes with its declarations.
    """

    kind: str
    name: str = ""
    row: Resource | None = None
    version: int = 0
    declared: list[Declaration] = field(default_factory=list)


async def watched(deps: Dependencies, kind: str, account: str, text: str, fields: Fields) -> AsyncIterator[Event]:
    """Yield the events of the resources that the caller may read.

    `CURRENT` events for the snapshot, `SNAPSHOT_COMPLETE`, then `CURRENT` and `REMOVED` events for
    changes.
    """
    matches, readable = matcher(text, fields), deps.access.readable(resource_target)
    narrowed = narrowing_of(filter_expression(text, fields), kind)
    snapshot_account = account_of(account, text, fields)
    watcher = _Watcher(deps, kind, snapshot_account, lambda row: readable(row) and matches(row), narrowed)
    relist = deps.relists.setdefault(kind, Relist(deps.db, kind, deps.turns))
    with deps.changes.subscribe(kind, account) as listener, relist.joined(listener):
        await relist.first_round()
        policy = deps.access.policy
        async for event in watcher.everything():
            yield event
        yield Event("SNAPSHOT_COMPLETE")
        while True:
            names = await listener.wait(_POLL_SECONDS) | watcher.unknown(listener.pop_versions())
            crowded = _crowded(listener, relist)
            if crowded or deps.access.policy is not policy:
                policy = deps.access.policy
                events = watcher.everything()
            else:
                events = watcher.named(relevant(names, kind, account))
            async for event in events:
                yield event


def _crowded(listener: Subscription, relist: Relist) -> bool:
    """Return whether the listener itself lost changes.

    The poll for all watches covers changes that did not reach this process.
    """
    crowded = listener.crowded
    if listener.overflowed and not crowded:
        relist.poll_now()
    listener.overflowed = listener.crowded = False
    return crowded


class _Watcher:
    """Stores the version of each sent resource, and creates the missing events."""

    def __init__(
        self,
        deps: Dependencies,
        kind: str,
        account: str,
        meets: Callable[[Resource], bool],
        narrowed: Narrowing | None,
    ) -> None:
        self._db = deps.db
        if kind not in deps.reads:
            deps.reads[kind] = SharedReads(deps.db, deps.changes, deps.turns)
        self._reads = deps.reads[kind]
        self._kind = kind
        self._account = account
        self._meets = meets
        # Narrows what the snapshot reads; changes are read by name.
        self._narrowed = narrowed
        self._sent: dict[str, int] = {}

    def unknown(self, versions: Iterable[Mapping[str, int | None]]) -> set[str]:
        """Return the resources that were last sent in another version."""
        return {name for some in versions for name, version in some.items() if self._sent.get(name) != version}

    async def everything(self) -> AsyncIterator[Event]:
        """Yield the events that bring all sent resources up to date."""
        missing, after = set(self._sent), ""
        while True:
            page = await self._db.read_then_parse(
                lambda tx, after=after: listing.reading_page(  # type: ignore[misc]
                    tx, self._kind, self._account, after, _PAGE, self._narrowed
                )
            )
            reads = {(await parsed(each.row)).name: each for each in page}
            missing -= reads.keys()
            for event in self._events(reads, reads):
                yield event
            if len(page) < _PAGE:
                break
            after = page[-1].versioned.row.name
            await asyncio.sleep(0)
        async for event in self.named(sorted(missing)):
            yield event

    async def named(self, names: list[str]) -> AsyncIterator[Event]:
        """Yield the events that bring some resources up to date."""
        for start in range(0, len(names), _PAGE):
            some = names[start : start + _PAGE]
            known = await self._reads.of(tuple(some))
            for event in self._events(some, {name: known[name] for name in some if name in known}):
                yield event
            await asyncio.sleep(0)

    def _events(self, names: Iterable[str], reads: Mapping[str, Read]) -> list[Event]:
        shown = {name: each for name, each in reads.items() if self._meets(each.versioned.row)}
        new = {name: each for name, each in shown.items() if self._sent.get(name) != each.versioned.version}
        events = [
            Event("CURRENT", name, each.versioned.row, each.versioned.version, each.declared)
            for name, each in new.items()
        ]
        events += [Event("REMOVED", name) for name in names if name in self._sent and name not in shown]
        for event in events:
            self._sent.pop(event.name, None)
        self._sent.update((sys.intern(name), each.versioned.version) for name, each in new.items())
        return events
