"""Credentials for each account: an assumed role; cached, one refresh at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from cachetools import LRUCache

from ecrkeeper_server.aws.wire import Credentials

_MARGIN = 300.0
_MAX_CACHED = 20_000


class Provider(Protocol):
    """The source of an account's credentials."""

    async def __call__(self, account: str) -> Credentials:
        """Return the credentials to sign calls in this account with."""


class AssumedRoles:
    """A role in each account, named by a template with `{account}` in it."""

    def __init__(
        self,
        template: str,
        assume: Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]],
        *,
        external_id: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._template = template
        self._assume = assume
        self._external_id = external_id
        self._clock = clock
        self._cached: LRUCache[str, Credentials] = LRUCache(_MAX_CACHED)
        self._running: dict[str, asyncio.Task[Credentials]] = {}

    async def __call__(self, account: str) -> Credentials:
        """Return the credentials of the account's role, with one refresh at a time."""
        cached = self._cached.get(account)
        if cached is not None and (cached.expires or 0) - self._clock() > _MARGIN:
            return cached
        if account not in self._running:
            task = asyncio.create_task(self._refresh(account))
            self._running[account] = task
            task.add_done_callback(lambda _: self._running.pop(account, None))
        # A cancelled caller does not cancel the refresh for the others.
        return await asyncio.shield(self._running[account])

    async def _refresh(self, account: str) -> Credentials:
        params = {"RoleArn": self._template.replace("{account}", account), "RoleSessionName": "ecrkeeper"}
        if self._external_id:
            params["ExternalId"] = self._external_id
        answer = await self._assume(account, params)
        keys = answer["Credentials"]
        credentials = Credentials(
            keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], keys["Expiration"].timestamp()
        )
        self._cached[account] = credentials
        return credentials

    def forget(self, account: str, credentials: Credentials) -> None:
        """Assume the account's role again at the next use, after a rejection."""
        if self._cached.get(account) == credentials:
            del self._cached[account]
