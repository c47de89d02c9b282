"""The attempts of one call: rate-limited, repeated if that is safe, and checked."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from ecrkeeper_server.aws.answer_values import check_content
from ecrkeeper_server.aws.answers import AnswerTooLarge, InvalidAnswer, other_account
from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws.connection import NoAnswer
from ecrkeeper_server.aws.failures import failure, invalid_answer, is_throttle, no_answer, too_large, wrong_account
from ecrkeeper_server.aws.limits import Limiter
from ecrkeeper_server.aws.reading import Answer
from ecrkeeper_server.aws.telemetry import CallTelemetry
from ecrkeeper_server.aws.wire import Credentials
from ecrkeeper_server.aws_errors import Temporary

Exchange = Callable[[Call, Credentials], Awaitable[Answer]]
"""Send a call once, signed with these credentials."""

_ATTEMPTS = 3
_PAUSE = 0.1


class Attempts:
    """Repeats calls a few times, and throttled calls for a while.

    The engine handles longer waits.
    """

    def __init__(
        self, exchange: Exchange, limiter: Limiter, telemetry: CallTelemetry, clock: Callable[[], float]
    ) -> None:
        self._exchange = exchange
        self._limiter = limiter
        self._telemetry = telemetry
        self._clock = clock

    async def run(self, call: Call, credentials: Credentials) -> dict[str, Any]:
        """Return the content of the answer; raises Permanent or Temporary."""
        attempt, waited = 1, 0.0
        while True:
            waited += await self._pace(call, call.longest - waited)
            if call.ready is not None:
                await call.ready()
            last, sent = attempt == _ATTEMPTS or not call.reads, self._clock()
            try:
                answer = await self._telemetry.attempt(
                    call.account, call.region, call.service, call.operation, self._exchange(call, credentials)
                )
                if answer.status < 300:
                    return _verified(call, answer)
            except (NoAnswer, TimeoutError, OSError) as error:
                if last:
                    raise no_answer(call.service, call.operation, error) from error
            except InvalidAnswer as error:
                # For a write, it says nothing about the effect.
                if isinstance(error, AnswerTooLarge) and call.reads and call.service == "ecr":
                    raise too_large(call.service, call.operation, error) from None
                if last:
                    raise invalid_answer(call.service, call.operation, error) from None
            else:
                if is_throttle(answer.code):
                    # AWS did nothing, so a write may be retried as well, once there is a token for it.
                    self._limiter.throttled(call.account, call.region, call.family, sent)
                    self._telemetry.metrics.throttled(call.family)
                    continue
                failed = failure(call.service, call.operation, answer.status, answer.code, answer.message)
                failed.aws_request_id = answer.request_id
                if last or not isinstance(failed, Temporary) or failed.after is not None:
                    try:
                        raise failed
                    finally:
                        # This frame would hold the error, and the error this frame.
                        del failed
            await asyncio.sleep(_PAUSE * 2**attempt * random.random())
            attempt += 1

    async def _pace(self, call: Call, longest: float) -> float:
        """Wait for the rate of the call's family; return the seconds that it took."""
        delay = await self._limiter.acquire(call.account, call.region, call.family, longest)
        if delay:
            self._telemetry.metrics.waited(call.family, delay)
        return delay


def _verified(call: Call, answer: Answer) -> dict[str, Any]:
    """Return the content of a success if it answers the call, for the call's account."""
    check_content(call.service, call.operation, call.params, answer.data)
    actual = other_account(call.account, call.service, answer.data)
    if actual is not None:
        raise wrong_account(call.account, actual, call.operation)
    if call.reads:
        return answer.data
    # The audit trail records AWS's id of each write.
    return {**answer.data, "ResponseMetadata": {"RequestId": answer.request_id}}
