"""Broadcasts of changed resources to the watchers of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Set
from contextvars import Context

from ecrkeeper_server.names import WILDCARD, RegistryName, RoleName
from ecrkeeper_server.turns import Turns, work

# A watcher that reads too slowly must re-read everything, so that its queue does not exhaust
# memory.
_QUEUE = 10_000
# A listener copies this many names or versions, and shares larger collections with other listeners: copies of a
# thousand changes for a thousand listeners would keep the loop busy for 25 ms.
_FEW = 20
TURNS_KEY = "watches"
_SEGMENTS = {RegistryName.kind: "registries", RoleName.kind: "serviceLinkedRoles"}
Scope = tuple[str, str]
"""The segment of resource names of a kind, and an account or the wildcard; or `_NAME` and one name."""
_NAME = "name"


# So many listeners send at a time. gRPC reports all finished sends of a moment together, so a thousand of them would
# keep the loop busy for 0.2 s.
_SENDING = 8
# A stream that has not sent after so many seconds has a slow reader, and others need not wait for it.
_SLOW_SECONDS = 0.02


class Changes:
    """Sends the names of changed resources to every listener; names can be lost.

    Most changes are announced to all listeners at the same moment. A few wake at a time, and the next ones once those
    have sent what they had, so that calls are answered meanwhile. They wake in turn by principal.
    """

    def __init__(self, turns: Turns | None = None) -> None:
        # By what they watch, so that a change wakes nobody else.
        self._listeners: dict[Scope, set[Subscription]] = {}
        self._turns = turns or Turns()
        # By principal.
        self._waking: dict[str, dict[Subscription, None]] = {}
        self._sending: set[Subscription] = set()
        self._room = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        # Grows with each announcement: a read from before it may be outdated.
        self.announced = 0

    def publish(self, names: Iterable[str]) -> None:
        """Send the names of changed resources; no names mean that any may have changed."""
        self.announced += 1
        names = frozenset(names)
        if not names:
            for alike in self._listeners.values():
                _add(alike, names)
            return
        by_scope: dict[Scope, set[str]] = {}
        for name in names if self._listeners else ():
            _, account, kind, *_ = [*name.split("/", 3), "", "", ""]
            for scope in ((kind, account), (kind, WILDCARD), (_NAME, name)):
                if scope in self._listeners:
                    by_scope.setdefault(scope, set()).add(name)
        for scope, some in by_scope.items():
            _add(self._listeners[scope], some)

    def listeners(self) -> int:
        """Return the number of listeners."""
        return sum(map(len, self._listeners.values()))

    def subscribe(self, kind: str, account: str = WILDCARD) -> Subscription:
        """Return a subscription to the resources of a kind; it starts when it is entered."""
        return Subscription(self._listeners, (_SEGMENTS[kind], account), self)

    def subscribe_to(self, name: str) -> Subscription:
        """Return a subscription to one name; it starts when it is entered."""
        return Subscription(self._listeners, (_NAME, name), self)

    def wake_soon(self, listener: Subscription) -> None:
        """Wake a listener in its turn."""
        self.announced += 1
        if listener.awake:
            return
        self._waking.setdefault(listener.principal, {})[listener] = None
        if self._task is None:
            self._task = asyncio.create_task(self._wake_in_turns(), context=Context())

    def sent(self, listener: Subscription) -> None:
        """Note that a listener has sent everything that it had."""
        self._sending.discard(listener)
        if len(self._sending) < _SENDING:
            self._room.set()

    def remove(self, listener: Subscription) -> None:
        """Note that a listener has ended."""
        waking = self._waking.get(listener.principal, {})
        waking.pop(listener, None)
        if not waking:
            self._waking.pop(listener.principal, None)
        self.sent(listener)

    async def _wake_in_turns(self) -> None:
        try:
            while self._waking:
                while self._waking and len(self._sending) < _SENDING:
                    listener = self._next()
                    self._sending.add(listener)
                    listener.wake()
                await self._turns.wait(TURNS_KEY)
                if len(self._sending) >= _SENDING:
                    await self._wait_for_room()
        finally:
            self._task = None

    def _next(self) -> Subscription:
        """Remove and return a listener of the first principal, which moves to the end."""
        principal, waking = next(iter(self._waking.items()))
        listener = next(iter(waking))
        del waking[listener], self._waking[principal]
        if waking:
            self._waking[principal] = waking
        return listener

    async def _wait_for_room(self) -> None:
        self._room.clear()
        limit = asyncio.get_running_loop().call_later(_SLOW_SECONDS, self._forget)
        try:
            await self._room.wait()
        finally:
            limit.cancel()

    def _forget(self) -> None:
        self._sending.clear()
        self._room.set()


def _add(listeners: Iterable[Subscription], names: Set[str]) -> None:
    for listener in listeners:
        listener.add(names)


class Subscription:
    """The names that changed since the last `wait`."""

    def __init__(
        self,
        listeners: dict[Scope, set[Subscription]],
        scope: Scope,
        changes: Changes,
    ) -> None:
        self._listeners = listeners
        self._scope = scope
        self._changes = changes
        self._names: set[str] = set()
        self._versions: dict[str, int | None] = {}
        self._shared_names: list[Set[str]] = []
        self._shared_versions: list[Mapping[str, int | None]] = []
        # The sizes of the shared ones.
        self._shared = 0
        self._event = asyncio.Event()
        self.principal = work().key
        # Some changes are not among the names: the queue overflowed, or notifications were lost.
        self.overflowed = False
        # The queue overflowed.
        self.crowded = False

    def __enter__(self) -> Subscription:
        self._listeners.setdefault(self._scope, set()).add(self)
        return self

    def __exit__(self, *_: object) -> None:
        alike = self._listeners[self._scope]
        alike.discard(self)
        if not alike:
            del self._listeners[self._scope]
        self._changes.remove(self)

    @property
    def queued(self) -> int:
        """The number of names and versions; those in two large collections count twice."""
        return len(self._names) + len(self._versions) + self._shared

    def add(self, names: Set[str]) -> None:
        """Add names of changed resources, in a set that does not change any more."""
        self.overflowed |= not names
        if len(names) > _FEW:
            self._shared_names.append(names)
            self._shared += len(names)
        else:
            self._names |= names
        self._added()

    def add_versions(self, versions: Mapping[str, int | None]) -> None:
        """Add the current versions of resources; None means that the resource was deleted.

        The mapping does not change any more.
        """
        if len(versions) > _FEW:
            self._shared_versions.append(versions)
            self._shared += len(versions)
        else:
            self._versions.update(versions)
        self._added()

    def _added(self) -> None:
        if self.queued > _QUEUE:
            self.pop_versions()
            self._pop_names()
            self.overflowed = self.crowded = True
        self._changes.wake_soon(self)

    @property
    def awake(self) -> bool:
        """Whether `wait` returns at once."""
        return self._event.is_set()

    def wake(self) -> None:
        """Let `wait` return."""
        self._event.set()

    async def wait(self, seconds: float) -> set[str]:
        """Return the changed names, after at most `seconds`."""
        self._changes.sent(self)
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return set()
        self._event.clear()
        return self._pop_names()

    def _pop_names(self) -> set[str]:
        names, shared = self._names, self._shared_names
        self._names, self._shared_names = set(), []
        self._shared -= sum(map(len, shared))
        names.update(*shared)
        return names

    def pop_versions(self) -> list[Mapping[str, int | None]]:
        """Return the versions added since the last call; a resource can have several."""
        versions = [self._versions, *self._shared_versions]
        self._shared -= sum(map(len, self._shared_versions))
        self._versions, self._shared_versions = {}, []
        return versions


def relevant(names: set[str], kind: str, account: str) -> list[str]:
    """Return the names of the watched kind and account."""
    segment = _SEGMENTS[kind]
    prefix = "accounts/" if account == "-" else f"accounts/{account}/"
    return sorted(name for name in names if name.startswith(prefix) and name.split("/")[2:3] == [segment])
