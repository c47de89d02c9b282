"""Broadcasts of changed resources to the watchers of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

# A watcher that reads too slowly must re-read everything, so that its queue does not exhaust
# memory.
_QUEUE = 10_000


class Changes:
    """Sends the names of changed resources to every listener; names can be lost."""

    def __init__(self) -> None:
        self._listeners: set[Subscription] = set()

    def publish(self, names: Iterable[str]) -> None:
        """Send the names of changed resources; no names mean that any may have changed."""
        for listener in self._listeners:
            listener.add(names)

    def listeners(self) -> int:
        """Return the number of listeners."""
        return len(self._listeners)

    def subscribe(self) -> Subscription:
        """Return a subscription, which starts when it is entered as a context manager."""
        return Subscription(self._listeners)


class Subscription:
    """The names that changed since the last `wait`."""

    def __init__(self, listeners: set[Subscription]) -> None:
        self._listeners = listeners
        self._names: set[str] = set()
        self._versions: dict[str, int | None] = {}
        self._event = asyncio.Event()
        # Some changes are not among the names: the queue overflowed, or notifications were lost.
        self.overflowed = False
        # The queue overflowed.
        self.crowded = False

    def __enter__(self) -> Subscription:
        self._listeners.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._listeners.discard(self)

    def add(self, names: Iterable[str]) -> None:
        """Add names of changed resources."""
        added = set(names)
        self.overflowed |= not added
        self._names |= added
        self._added()

    def add_versions(self, versions: Mapping[str, int | None]) -> None:
        """Add the current versions of resources; None means that the resource was deleted."""
        self._versions.update(versions)
        self._added()

    def _added(self) -> None:
        if len(self._names) > _QUEUE or len(self._versions) > _QUEUE:
            self._names.clear()
            self._versions.clear()
            self.overflowed = self.crowded = True
        self._event.set()

    async def wait(self, seconds: float) -> set[str]:
        """Return the changed names, after at most `seconds`."""
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return set()
        self._event.clear()
        names, self._names = self._names, set()
        return names

    def pop_versions(self) -> dict[str, int | None]:
        """Return the versions added since the last call."""
        versions, self._versions = self._versions, {}
        return versions


def relevant(names: set[str], kind: str, account: str) -> list[str]:
    """Return the names of the watched kind and account."""
    segment = "registries" if kind == "registry" else "serviceLinkedRoles"
    prefix = "accounts/" if account == "-" else f"accounts/{account}/"
    return sorted(name for name in names if name.startswith(prefix) and name.split("/")[2:3] == [segment])
