"""Credentials for each account: ambient ones, or an assumed role; cached, one refresh at a time."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from botocore.credentials import EnvProvider
from botocore.exceptions import BotoCoreError
from cachetools import LRUCache

from ecrkeeper_server.aws.backoff import Backoff
from ecrkeeper_server.aws.wire import Credentials
from ecrkeeper_server.aws_errors import Temporary

_MARGIN = 300.0
_KEPT = 20_000
# Files, processes and the network are asked for ambient credentials.
_SECONDS = 30.0


class Provider(Protocol):
    """Where an account's credentials come from."""

    async def __call__(self, account: str) -> Credentials:
        """The credentials to sign a call in this account with."""


class Ambient:
    """The credentials of the environment, for the one account they belong to; refreshed by botocore."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._found: Any = None
        self._resolving: asyncio.Task[Credentials] | None = None
        self._drops = Backoff()

    def warm_up(self) -> None:
        """Load what finds the credentials, without asking for them."""
        if not _named():
            import botocore.session  # noqa: F401

    async def __call__(self, account: str) -> Credentials:
        """The credentials of the environment, whatever the account."""
        if self._at_hand():
            return _frozen(self._found)
        if self._resolving is None or self._resolving.done():
            self._resolving = asyncio.create_task(asyncio.to_thread(self._resolve))
        try:
            async with asyncio.timeout(_SECONDS):
                return await asyncio.shield(self._resolving)
        except TimeoutError:
            raise _none(f"not found within {_SECONDS:.0f} s") from None

    def _at_hand(self) -> bool:
        """Whether nothing has to be fetched, from a file or over the network, to have them."""
        refresh_needed = getattr(self._found, "refresh_needed", None)
        return self._found is not None and (refresh_needed is None or not refresh_needed())

    def _resolve(self) -> Credentials:
        failed = ""
        try:
            found = self._found = self._found or _find()
            if found is not None:
                return _frozen(found)
        except BotoCoreError as error:
            # The text may quote what a credentials process has written.
            failed = type(error).__name__
        raise _none(failed)

    def forget(self) -> None:
        """Look for other credentials, as AWS has rejected these; not again for a while."""
        if not self._drops.left(self._clock()):
            self._drops.failed(self._clock())
            self._found = None


def _frozen(found: Any) -> Credentials:
    frozen = found.get_frozen_credentials()
    return Credentials(frozen.access_key, frozen.secret_key, frozen.token)


def _none(why: str) -> Temporary:
    text = "no AWS credentials in the environment" + (f" ({why})" if why else "")
    return Temporary(text, reason="AWS_NO_CREDENTIALS", after=60, grpc_code="FAILED_PRECONDITION")


def _find() -> Any:
    if _named():
        return EnvProvider().load()
    # All other places are known to botocore's session, which loads its clients with it.
    import botocore.session

    return botocore.session.Session().get_credentials()


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
        self._cached: LRUCache[str, Credentials] = LRUCache(_KEPT)
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
        return found

    def forget(self, account: str, credentials: Credentials) -> None:
        """Assume the account's role anew when it is needed next, as AWS has rejected these credentials."""
        if self._cached.get(account) == credentials:
            del self._cached[account]
