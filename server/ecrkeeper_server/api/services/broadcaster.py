"""Watching: a snapshot, then what changes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

# A watcher that reads too slowly is told to look at everything again instead of filling memory.
_QUEUE = 10_000


class Changes:
    """Tells every listener which resources changed; a hint that can be lost."""

    def __init__(self) -> None:
        self._listeners: set[Subscription] = set()

    def publish(self, names: Iterable[str]) -> None:
        """Say that these resources changed; no names: any may have."""
        for listener in self._listeners:
            listener.add(names)

    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def subscribe(self) -> Subscription:
        """A listener from now on; use it in a `with` statement."""
        return Subscription(self._listeners)


class Subscription:
    """The names that changed since they were last asked for."""

    def __init__(self, listeners: set[Subscription]) -> None:
        self._listeners = listeners
        self._names: set[str] = set()
        self._versions: dict[str, int | None] = {}
        self._event = asyncio.Event()
        # Not all changes are among the names: more came than are kept, or hints were lost on their way here.
        self.overflowed = False
        # Of the two, the first.
        self.crowded = False

    def __enter__(self) -> Subscription:
        self._listeners.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._listeners.discard(self)

    def add(self, names: Iterable[str]) -> None:
        """Note changes."""
        added = set(names)
        self.overflowed |= not added
        self._names |= added
        self._added()

    def tell(self, versions: Mapping[str, int | None]) -> None:
        """Note the versions that resources have now; None: the resource is gone."""
        self._versions.update(versions)
        self._added()

    def _added(self) -> None:
        if len(self._names) > _QUEUE or len(self._versions) > _QUEUE:
            self._names.clear()
            self._versions.clear()
            self.overflowed = self.crowded = True
        self._event.set()

    async def wait(self, seconds: float) -> set[str]:
        """The names that changed, after at most so many seconds."""
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return set()
        self._event.clear()
        names, self._names = self._names, set()
        return names

    def told(self) -> dict[str, int | None]:
        """The versions that were told since they were last asked for."""
        versions, self._versions = self._versions, {}
        return versions


def relevant(names: set[str], kind: str, account: str) -> list[str]:
    """Those of the names that a watcher of this kind and account asked for."""
    segment = "registries" if kind == "registry" else "serviceLinkedRoles"
    prefix = "accounts/" if account == "-" else f"accounts/{account}/"
    return sorted(name for name in names if name.startswith(prefix) and name.split("/")[2:3] == [segment])
