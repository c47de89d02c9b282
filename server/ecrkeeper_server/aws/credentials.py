"""Credentials for each account: ambient ones, or an assumed role; cached, one refresh at a time."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from botocore.credentials import EnvProvider

from ecrkeeper_server.aws.wire import Credentials
from ecrkeeper_server.errors import Temporary

_MARGIN = 300.0
_KEPT = 20_000


class Provider(Protocol):
    """Where an account's credentials come from."""

    async def __call__(self, account: str) -> Credentials:
        """The credentials to sign a call in this account with."""


class Ambient:
    """The credentials of the environment, for the one account they belong to; refreshed by botocore."""

    def __init__(self) -> None:
        self._session: Any = None
        self._found: Any = None
        self._lock = threading.Lock()

    def warm_up(self) -> None:
        """Load what finds the credentials, without asking for them."""
        if not _named():
            import botocore.session  # noqa: F401

    async def __call__(self, account: str) -> Credentials:
        """The credentials of the environment, whatever the account."""
        if self._at_hand():
            return self._frozen()
        return await asyncio.to_thread(self._resolve)

    def _at_hand(self) -> bool:
        """Whether nothing has to be fetched, from a file or over the network, to have them."""
        refresh_needed = getattr(self._found, "refresh_needed", None)
        return self._found is not None and (refresh_needed is None or not refresh_needed())

    def _resolve(self) -> Credentials:
        with self._lock:
            self._found = self._found or self._find()
        if self._found is None:
            raise Temporary(
                "no AWS credentials in the environment",
                reason="AWS_NO_CREDENTIALS",
                after=60,
                grpc_code="FAILED_PRECONDITION",
            )
        return self._frozen()

    def _frozen(self) -> Credentials:
        frozen = self._found.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)

    def _find(self) -> Any:
        if _named():
            return EnvProvider().load()
        # All other places are known to botocore's session, which loads its clients with it.
        import botocore.session

        self._session = self._session or botocore.session.Session()
        return self._session.get_credentials()


def _named() -> bool:
    """Whether environment variables name the credentials: what botocore looks at before anything else."""
    return bool(os.environ.get(EnvProvider.ACCESS_KEY))


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
        self._cached: OrderedDict[str, Credentials] = OrderedDict()
        self._running: dict[str, asyncio.Task[Credentials]] = {}

    async def __call__(self, account: str) -> Credentials:
        """The credentials of the account's role; at most one refresh of an account is in flight."""
        cached = self._cached.get(account)
        if cached is not None and (cached.expires or 0) - self._clock() > _MARGIN:
            return cached
        if account not in self._running:
            task = asyncio.create_task(self._refresh(account))
            self._running[account] = task
            task.add_done_callback(lambda _: self._running.pop(account, None))
        # A caller that gives up does not take the refresh from the others.
        return await asyncio.shield(self._running[account])

    async def _refresh(self, account: str) -> Credentials:
        params = {"RoleArn": self._template.replace("{account}", account), "RoleSessionName": "ecrkeeper"}
        if self._external_id:
            params["ExternalId"] = self._external_id
        answer = await self._assume(account, params)
        keys = answer["Credentials"]
        found = Credentials(
            keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], keys["Expiration"].timestamp()
        )
        self._cached[account] = found
        if len(self._cached) > _KEPT:
            self._cached.popitem(last=False)
        return found
