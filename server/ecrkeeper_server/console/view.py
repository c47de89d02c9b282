"""One request for a page: its parameters, and calls for its session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from functools import partial
from typing import Any

from google.protobuf.message import Message
from msgspec import Struct, field

from ecrkeeper_server.api.http.in_process import Caller, CallError, InProcessCalls
from ecrkeeper_server.console.digests import digest_of
from ecrkeeper_server.turns import Work

_SERVICES = {"Operations": "google.longrunning"}
_QUERY_CHARACTERS = 2048
# A page opens its stream at once.
_RECENT_SECONDS = 30
SNAPSHOTS = 8
"""Snapshots that are read at a time."""


def digest_query(digest: str) -> str:
    """Return the query that tells a stream the content of its page."""
    return f"digest={digest}&at={int(time.time())}"


class Page(Struct, frozen=True):
    """A page to render: the name of its template, its title and its values."""

    template: str
    title: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    cookies: tuple[str, ...] = ()


class View(Struct, frozen=True):
    """A request for a page, with the parts of its path and its parameters."""

    calls: InProcessCalls
    caller: Caller
    path_params: Mapping[str, str]
    query: Mapping[str, str]
    # Charges the user, as calls do.
    work: Work
    # Held while a stream reads its snapshot: hundreds of them may begin at once, and each takes a megabyte.
    snapshots: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, SNAPSHOTS))

    def text(self, name: str) -> str:
        """Return a parameter; empty if it is missing. Blanks around it do not count."""
        return self.query.get(name, "").strip()[:_QUERY_CHARACTERS]

    def has(self, digest: str) -> bool:
        """Return whether the page of this stream already shows the content of this digest.

        Not after the browser connected again: the page may have changed since.
        """
        reconnected = any(key == "last-event-id" for key, _ in self.caller.metadata)
        at = self.text("at")
        recent = at.isascii() and at.isdigit() and abs(time.time() - int(at)) < _RECENT_SECONDS
        return recent and not reconnected and self.text("digest") == digest

    async def shows(self, resource: Message) -> bool:
        """Return whether the page of this stream already shows a resource."""
        return bool(self.text("digest")) and self.has(await self.work.run(digest_of(resource)))

    async def call(self, method: str, request: Message) -> Any:
        """Return the answer to `Service.Method`, or raise CallError."""
        return await self.calls.unary(self.caller, _path(method), request)

    async def together(self, *calls: tuple[str, Message]) -> list[Any]:
        """Return the answers to simultaneous calls, or raise the first CallError."""
        tasks = [asyncio.create_task(self.call(*each)) for each in calls]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def tried(self, method: str, request: Message) -> tuple[Any, CallError | None]:
        """Return the answer or the error: a page shows the error beside what else it has."""
        try:
            return await self.call(method, request), None
        except CallError as error:
            return None, error

    async def listed(self, method: str, request: Message) -> tuple[Any, CallError | None]:
        """Return a list, or the error if the user's filter or page token is invalid."""
        answer, error = await self.tried(method, request)
        if error is not None and error.code != "INVALID_ARGUMENT":
            raise error
        return answer, error

    def stream(self, method: str, request: Message) -> AsyncGenerator[Any]:
        """Return the answers of a stream."""
        return self.calls.stream(self.caller, _path(method), request)


def _path(method: str) -> str:
    service, _, name = method.partition(".")
    return f"/{_SERVICES.get(service, 'ecrkeeper.v1')}.{service}/{name}"
