"""The principal as which an account is called, as CloudTrail shows it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from cachetools import TTLCache

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws_errors import AwsError

_SECONDS, _FAILED_SECONDS, _MAX_CACHED = 3600.0, 60.0, 20_000


class Principals:
    """The ARN of our own principal in each account, for an hour."""

    def __init__(self, aws: Aws, home_region: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._aws = aws
        self._home = home_region
        self._known: TTLCache[str, str] = TTLCache(_MAX_CACHED, _SECONDS, timer=clock)
        self._failed: TTLCache[str, bool] = TTLCache(_MAX_CACHED, _FAILED_SECONDS, timer=clock)
        self._asking: dict[str, asyncio.Task[str]] = {}

    async def arn(self, account: str) -> str:
        """Return the ARN, of an assumed role with its session.

        Empty if AWS does not return it now. One call is in flight for an account, and outlives its caller.
        """
        known = self._known.get(account)
        if known is not None or account in self._failed:
            return known or ""
        task = self._asking.get(account)
        if task is None:
            task = self._asking[account] = asyncio.create_task(self._request_arn(account))
            task.add_done_callback(lambda _: self._asking.pop(account, None))
        return await asyncio.shield(task)

    async def _request_arn(self, account: str) -> str:
        try:
            answer = await self._aws.call(account, self._home, "sts", "GetCallerIdentity", {})
            arn: str = answer["Arn"]
        except (AwsError, KeyError):
            self._failed[account] = True
            return ""
        self._known[account] = arn
        return arn
