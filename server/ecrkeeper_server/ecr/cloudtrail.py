"""Read recent calls from CloudTrail's event history; no trail is needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from cachetools import TTLCache

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.events.envelopes import parse_lookup
from ecrkeeper_server.events.fields import Malformed
from ecrkeeper_server.events.records import Record

# The newest call is the cause, so older pages are seldom needed.
_PAGES = 3
_SECONDS, _MAX_CACHED = 20.0, 1000
# Events have whole seconds.
_MICROSECONDS = 1_000_000


class EventHistory:
    """Looks calls up by the operation.

    Answers are kept for some seconds, as several resources may share them.
    """

    def __init__(self, aws: Aws, clock: Callable[[], float] = time.monotonic) -> None:
        self._aws = aws
        self._cache: TTLCache[tuple[str, str, str], tuple[int, int, list[Record]]] = TTLCache(
            _MAX_CACHED, _SECONDS, timer=clock
        )

    async def calls(self, account: str, region: str, operations: Iterable[str], since: int, until: int) -> list[Record]:
        """Return the accepted calls of a time range in microseconds, newest first.

        Raises Permanent or Temporary.
        """
        records: list[Record] = []
        for operation in operations:
            records += await self._calls(account, region, operation, since, until)
        kept = [each for each in records if since - _MICROSECONDS < each.actor.event_time <= until]
        return sorted(kept, key=lambda each: each.actor.event_time, reverse=True)

    async def _calls(self, account: str, region: str, operation: str, since: int, until: int) -> list[Record]:
        key = (account, region, operation)
        if known := self._cache.get(key):
            first, last, calls = known
            if first <= since and until <= last:
                return calls
        calls = await self._look_up(account, region, operation, since, until)
        self._cache[key] = (since, until, calls)
        return calls

    async def _look_up(self, account: str, region: str, operation: str, since: int, until: int) -> list[Record]:
        params = {
            "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": operation}],
            "StartTime": since // _MICROSECONDS,
            "EndTime": -(-until // _MICROSECONDS),
        }
        records: list[Record] = []
        for _ in range(_PAGES):
            answer = await self._aws.call(account, region, "cloudtrail", "LookupEvents", params)
            for event in answer.get("Events") or ():
                try:
                    record = parse_lookup(event.get("CloudTrailEvent") or "")
                except Malformed:
                    continue
                if record.account == account and record.operation == operation and not record.error_code:
                    records.append(record)
            if not answer.get("NextToken"):
                break
            params = {**params, "NextToken": answer["NextToken"]}
        return records
