"""Check the account of credentials, and drop sessions that AWS rejects.

Nothing is signed with a set of credentials before `sts:GetCallerIdentity` has
verified, once, that they belong to the expected account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from cachetools import LRUCache
from msgspec import Struct, field

from ecrkeeper_server.aws.backoff import Backoff
from ecrkeeper_server.aws.credentials import Provider
from ecrkeeper_server.aws.failures import is_rejection, wrong_account
from ecrkeeper_server.aws.wire import Credentials
from ecrkeeper_server.aws_errors import AwsError

Identify = Callable[[str, Credentials], Awaitable[str]]
"""Request the account of credentials from AWS, with the expected account."""
Forget = Callable[[str, Credentials], None]
"""Do not return these credentials for an account again."""

# After this many denied operations and no allowed one, the session is invalid, not the permissions.
_DENIALS = 3
_MAX_SESSIONS = 20_000
# The pause before credentials of another account are checked again.
_DOUBT_SECONDS = 300.0


class Session(Struct):
    """Credentials with a verified account, and AWS's recent rejections of them."""

    account: str
    credentials: Credentials
    accepted: bool = False
    denied: set[str] = field(default_factory=set)


class _Identity(Struct, frozen=True):
    """AWS's answer about credentials, and its time."""

    account: str
    at: float


class _Unknown(Struct):
    """The error that prevented finding the account of credentials."""

    backoff: Backoff
    error: AwsError


class Sessions:
    """The session of each account; `forget` drops cached credentials.

    If `own`, each account has separate credentials.
    """

    def __init__(
        self, provider: Provider, identify: Identify, forget: Forget, clock: Callable[[], float], *, own: bool
    ) -> None:
        self._own = own
        self._provider = provider
        self._identify = identify
        self._forget = forget
        self._clock = clock
        self._sessions: LRUCache[str, Session] = LRUCache(_MAX_SESSIONS)
        self._accounts: LRUCache[Credentials, _Identity] = LRUCache(_MAX_SESSIONS)
        self._asking: dict[Credentials, asyncio.Task[str]] = {}
        self._unknown: LRUCache[Credentials, _Unknown] = LRUCache(_MAX_SESSIONS)
        self._drops: LRUCache[str, Backoff] = LRUCache(_MAX_SESSIONS)

    async def open(self, account: str) -> Session:
        """Return the session of an account; raises WRONG_ACCOUNT for other credentials."""
        credentials = await self._provider(account)
        session = self._sessions.get(account)
        if session is not None and session.credentials == credentials:
            return session
        try:
            actual = await self.account_of(account, credentials)
        except AwsError as error:
            if is_rejection(error.aws_code):
                self._drop(account, credentials)
            raise
        if actual != account:
            if self._own:
                # AWS may return another account for a new set.
                self._drop(account, credentials)
            raise wrong_account(account, actual)
        session = Session(account, credentials)
        self._sessions[account] = session
        return session

    async def account_of(self, account: str, credentials: Credentials) -> str:
        """Return the account of credentials; AWS is asked once for each set."""
        known = self._accounts.get(credentials)
        if known is not None and (known.account == account or self._clock() - known.at < _DOUBT_SECONDS):
            return known.account
        failed = self._unknown.get(credentials)
        if failed is not None and failed.backoff.remaining(self._clock()):
            raise failed.error.with_traceback(None)
        if credentials not in self._asking:
            task = asyncio.create_task(self._request_account(account, credentials))
            self._asking[credentials] = task
            task.add_done_callback(lambda _: self._asking.pop(credentials, None))
        # A cancelled caller does not cancel the answer for the others.
        return await asyncio.shield(self._asking[credentials])

    async def _request_account(self, account: str, credentials: Credentials) -> str:
        try:
            actual = await self._identify(account, credentials)
        except AwsError as error:
            failed = self._unknown.get(credentials) or _Unknown(Backoff(first=0.0), error)
            failed.backoff.failed(self._clock())
            failed.error = error
            self._unknown[credentials] = failed
            raise
        self._unknown.pop(credentials, None)
        self._accounts[credentials] = _Identity(actual, self._clock())
        return actual

    def failed(self, session: Session, operation: str, error: AwsError) -> bool:
        """Record a rejection; return whether to retry once with other credentials."""
        if not error.aws_code or error.operation != operation:
            return False
        rejected = is_rejection(error.aws_code)
        if error.reason == "AWS_ACCESS_DENIED" and not session.accepted:
            session.denied.add(operation)
            rejected = len(session.denied) >= _DENIALS
        elif not rejected and error.reason not in ("AWS_THROTTLED", "AWS_UNAVAILABLE"):
            # AWS rejected the request, and not the credentials.
            session.accepted = True
        if not rejected:
            return False
        if self._sessions.get(session.account) is not session:
            # Another call has dropped it already.
            return True
        return self._drop(session.account, session.credentials)

    def _drop(self, account: str, credentials: Credentials) -> bool:
        """Drop credentials, at most once per pause.

        A disabled Region rejects any credentials.
        """
        backoff, now = self._drops.get(account) or Backoff(), self._clock()
        if backoff.remaining(now):
            return False
        backoff.failed(now)
        self._drops[account] = backoff
        self._sessions.pop(account, None)
        self._accounts.pop(credentials, None)
        self._unknown.pop(credentials, None)
        self._forget(account, credentials)
        return True
