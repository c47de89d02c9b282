"""Ambient credentials: environment variables, else the sources of boto3's session.

boto3 knows profiles, SSO, web identity, processes, and the metadata of containers and instances. It takes 6 MB and
may wait for files, programs and the network, so it is imported only if the variables name no keys, and runs on a
thread with a deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ecrkeeper_server.aws.backoff import Backoff
from ecrkeeper_server.aws.wire import Credentials
from ecrkeeper_server.aws_errors import Temporary

_SECONDS = 30.0
# A hanging thread cannot be ended. The next one starts only after this pause, which keeps them few.
_HANGING_SECONDS = 300.0
# boto3 refreshes 15 minutes before the end. Until this many seconds before it, calls do not wait for that.
_EXPIRING_SECONDS = 60
_PAUSE_SECONDS = 15.0


def find_credentials() -> Any:
    """Return boto3's credentials, or None; raises its errors. It may wait for long."""
    import boto3

    return boto3.session.Session().get_credentials()


class Ambient:
    """The credentials of the environment, for the one account they belong to."""

    def __init__(
        self,
        find: Callable[[], Any] = find_credentials,
        clock: Callable[[], float] = time.monotonic,
        variables: Mapping[str, str] = os.environ,
        seconds: float = _SECONDS,
    ) -> None:
        self._find = find
        self._clock = clock
        self._variables = variables
        self._seconds = seconds
        self._source: Any = None
        self._current: Credentials | None = None
        self._resolving: asyncio.Future[Credentials] | None = None
        self._began = -_HANGING_SECONDS
        self._drops = Backoff()

    def warm_up(self) -> None:
        """Import the modules that find credentials, without requesting any."""
        if self._named() is None:
            import boto3  # noqa: F401

    async def __call__(self, account: str) -> Credentials:
        """Return the credentials of the environment, for any account.

        Raises Temporary if there are none.
        """
        if self._current is None:
            self._current = self._named()
        current = self._current
        if current is not None and not self._ends(None):
            return current
        lasting = current is not None and not self._ends(_EXPIRING_SECONDS)
        self._resolve(pause=_PAUSE_SECONDS if lasting else 0.0)
        if current is not None and lasting:
            return current
        return await self._resolved()

    def forget(self) -> None:
        """Refresh credentials that AWS rejected, at most once per pause."""
        if not self._drops.remaining(self._clock()):
            self._drops.failed(self._clock())
            self._source = self._current = None

    def _named(self) -> Credentials | None:
        """Return the keys in variables, which precede all other sources, or None."""
        variables = self._variables
        key, secret = variables.get("AWS_ACCESS_KEY_ID"), variables.get("AWS_SECRET_ACCESS_KEY")
        if not key or not secret:
            return None
        return Credentials(key, secret, variables.get("AWS_SECURITY_TOKEN") or variables.get("AWS_SESSION_TOKEN"))

    def _ends(self, seconds: int | None) -> bool:
        """Return whether boto3 wants to refresh the credentials.

        With an argument, return whether they end within that time.
        """
        refresh_needed = getattr(self._source, "refresh_needed", None)
        return refresh_needed is not None and bool(refresh_needed(seconds))

    def _resolve(self, *, pause: float) -> None:
        """Find or refresh the credentials on a thread.

        Do nothing if a thread already does so or has done so within the pause.
        """
        hanging = self._resolving is not None and not self._resolving.done()
        now = self._clock()
        if now - self._began < (_HANGING_SECONDS if hanging else pause):
            return
        # A hanging thread may hold a lock of the credentials that it refreshes.
        source = None if hanging else self._source
        self._began = now
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Credentials] = loop.create_future()
        # All callers may have been cancelled.
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._resolving = answer

        def deliver(result: tuple[Any, Credentials] | Temporary) -> None:
            if answer is not self._resolving:
                return
            if isinstance(result, Temporary):
                answer.set_exception(result)
            else:
                self._source, self._current = result
                answer.set_result(result[1])

        def run() -> None:
            result = self._request(source)
            # The loop may have ended meanwhile.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(deliver, result)

        # A thread of the loop's pool would keep the process from ending.
        threading.Thread(target=run, name="aws-credentials", daemon=True).start()

    def _request(self, source: Any) -> tuple[Any, Credentials] | Temporary:
        try:
            result = source or self._find()
            if result is None:
                return _none("")
            frozen = result.get_frozen_credentials()
            return result, Credentials(frozen.access_key, frozen.secret_key, frozen.token)
        except Exception as error:  # Sources raise many types of errors; some messages quote secrets.
            return _none(type(error).__name__)

    async def _resolved(self) -> Credentials:
        if self._resolving is None:
            raise AssertionError("nothing was asked")
        remaining = self._began + self._seconds - self._clock()
        try:
            async with asyncio.timeout(max(0.0, remaining)):
                # A timed-out caller does not cancel the result for the others.
                return await asyncio.shield(self._resolving)
        except TimeoutError:
            pass
        raise _none(f"not found within {self._seconds:.0f} s")


def _none(reason: str) -> Temporary:
    text = "no AWS credentials in the environment" + (f" ({reason})" if reason else "")
    return Temporary(text, reason="AWS_NO_CREDENTIALS", after=60, grpc_code="FAILED_PRECONDITION")
