"""`await aws.call(account, region, service, operation, params)`: the one way to AWS.

`call` reads. Only `ecr.apply` writes, through `aws.writer`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ParamValidationError

from ecrkeeper_server.aws.answers import InvalidAnswer, check_content, other_account
from ecrkeeper_server.aws.connection import NoAnswer
from ecrkeeper_server.aws.credentials import Ambient, AssumedRoles, Provider
from ecrkeeper_server.aws.environment import aws_environment
from ecrkeeper_server.aws.failures import failure, invalid_answer, is_rejection, is_throttle, no_answer, wrong_account
from ecrkeeper_server.aws.limits import LONGEST_WAIT, Limiter, family_of, is_read
from ecrkeeper_server.aws.reading import Answer
from ecrkeeper_server.aws.sessions import Sessions
from ecrkeeper_server.aws.telemetry import CallTelemetry
from ecrkeeper_server.aws.transport import Fence, Transport
from ecrkeeper_server.aws.wire import Credentials, Wire
from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary
from ecrkeeper_server.metrics.server import Metrics

_ATTEMPTS = 3
_PAUSE = 0.1


class Aws(Protocol):
    """What the rest of the program knows of AWS."""

    async def call(
        self,
        account: str,
        region: str,
        service: str,
        operation: str,
        params: dict[str, Any],
    ) -> dict[str, Any]:
        """Return the parsed answer of one call that reads; raises Permanent or Temporary."""

    def regions(self, partition: str) -> list[str]:
        """The Regions of a partition that have ECR."""

    def partitions(self) -> list[str]:
        """The partitions."""


@dataclass(frozen=True, slots=True)
class AwsOptions:
    """How to reach AWS. `role_template` holds `{account}`; without it the ambient credentials are used."""

    endpoint_url: str | None = None
    role_template: str | None = None
    external_id: str | None = None
    sts_region: str = "us-east-1"
    timeout: float = 10.0
    connections: int = 128


class AwsClient:
    """Calls over shared connections, each signed with the credentials of its account."""

    def __init__(
        self,
        options: AwsOptions,
        *,
        provider: Provider | None = None,
        clock: Callable[[], float] = time.monotonic,
        telemetry: CallTelemetry | None = None,
    ) -> None:
        self._options = options
        self._telemetry = telemetry or CallTelemetry(Metrics().aws)
        self._environment = aws_environment()
        self._wire = Wire(options.endpoint_url, environment=self._environment)
        self._clock = clock
        self._limiter = Limiter(clock)
        self._ambient = Ambient()
        self._roles: AssumedRoles | None = None
        if options.role_template is not None:
            self._roles = AssumedRoles(options.role_template, self._assume, external_id=options.external_id)
        found: Provider = provider or self._roles or self._ambient
        self._sessions = Sessions(found, self._identify, self._forget, clock, own=found is not self._ambient)
        self._transport: Transport | None = None

    async def _assume(self, account: str, params: dict[str, Any]) -> dict[str, Any]:
        credentials = await self._ambient(account)
        region = self._options.sts_region
        with self._telemetry.refreshing():
            try:
                return await self._attempts(account, region, "sts", "AssumeRole", params, credentials)
            except AwsError as error:
                if is_rejection(error.aws_code):
                    self._ambient.forget()
                raise

    async def _identify(self, account: str, credentials: Credentials) -> str:
        region = self._options.sts_region
        answer = await self._attempts(account, region, "sts", "GetCallerIdentity", {}, credentials)
        return str(answer["Account"])

    def _forget(self, account: str, credentials: Credentials) -> None:
        if self._roles is not None:
            self._roles.forget(account, credentials)
        else:
            self._ambient.forget()

    async def ambient_account(self) -> str:
        """The account of the ambient credentials; raises Permanent or Temporary."""
        return await self._sessions.account_of("ambient", await self._ambient("ambient"))

    def warm_up(self) -> None:
        """Load what the first call needs."""
        self._wire.warm_up()
        self._ambient.warm_up()

    def regions(self, partition: str) -> list[str]:
        """The Regions of a partition that have ECR."""
        return self._wire.regions(partition)

    def partitions(self) -> list[str]:
        """The partitions."""
        return self._wire.partitions()

    async def call(
        self, account: str, region: str, service: str, operation: str, params: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the parsed answer of one call that reads; raises Permanent or Temporary."""
        if not is_read(operation):
            raise ValueError(f"{service}:{operation} changes something; send it with ecr.apply")
        return await self._call(account, region, service, operation, params)

    async def write(
        self,
        account: str,
        region: str,
        service: str,
        operation: str,
        params: dict[str, Any],
        *,
        fence: Fence | None = None,
        ready: Fence | None = None,
    ) -> dict[str, Any]:
        """Send one call that changes something; see `aws.writer`."""
        return await self._call(account, region, service, operation, params, fence, ready)

    async def _call(
        self,
        account: str,
        region: str,
        service: str,
        operation: str,
        params: dict[str, Any],
        fence: Fence | None = None,
        ready: Fence | None = None,
    ) -> dict[str, Any]:
        repeated = False
        while True:
            session = await self._sessions.open(account)
            signed = session.credentials
            try:
                answer = await self._attempts(account, region, service, operation, params, signed, fence, ready)
            except AwsError as error:
                # AWS has looked at the signature only, so even a write may be sent again.
                if not self._sessions.failed(session, operation, error) or repeated:
                    raise
            else:
                session.accepted = True
                return answer
            repeated = True

    async def _attempts(
        self,
        account: str,
        region: str,
        service: str,
        operation: str,
        params: dict[str, Any],
        credentials: Credentials,
        fence: Fence | None = None,
        ready: Fence | None = None,
    ) -> dict[str, Any]:
        """Repeat what may be repeated: a few times, throttled calls for a while; longer waits are the engine's."""
        family = family_of(service, operation)
        attempt, waited = 1, 0.0
        while True:
            delay = await self._limiter.acquire(account, region, family, LONGEST_WAIT - waited)
            if delay:
                waited += delay
                self._telemetry.metrics.waited(family, delay)
            if ready is not None:
                await ready()
            last, sent = attempt == _ATTEMPTS or not is_read(operation), self._clock()
            try:
                sending = self._once(region, service, operation, params, credentials, fence)
                answer = await self._telemetry.attempt(account, region, service, operation, sending)
                if answer.status < 300:
                    return _believed(account, service, operation, params, answer)
            except (NoAnswer, TimeoutError, OSError) as error:
                if last:
                    raise no_answer(service, operation, error) from error
            except InvalidAnswer as error:
                if last:
                    raise invalid_answer(service, operation, error) from None
            else:
                if is_throttle(answer.code):
                    # Nothing was done, so even a write may be sent again, as soon as there is a token for it.
                    self._limiter.throttled(account, region, family, sent)
                    self._telemetry.metrics.throttled(family)
                    continue
                failed = failure(service, operation, answer.status, answer.code, answer.message)
                failed.aws_request_id = answer.request_id
                if last or not isinstance(failed, Temporary) or failed.after is not None:
                    raise failed
            await asyncio.sleep(_PAUSE * 2**attempt * random.random())
            attempt += 1

    async def _once(
        self,
        region: str,
        service: str,
        operation: str,
        params: dict[str, Any],
        credentials: Credentials,
        fence: Fence | None,
    ) -> Answer:
        try:
            prepared = self._wire.prepare(service, region, operation, params, credentials)
        except ParamValidationError as error:
            text = f"{service}:{operation}: {error}"
            raise Permanent(text, reason="AWS_REJECTED", operation=operation, grpc_code="INVALID_ARGUMENT") from error
        if self._transport is None:
            found = self._environment
            self._transport = Transport(
                self._options.timeout, self._options.connections, tls=found.tls, proxy=found.proxy
            )
        response = await self._transport.exchange(prepared.address, prepared.encode(), fence)
        return self._wire.read(service, operation, response)

    async def close(self) -> None:
        """Close every connection."""
        if self._transport is not None:
            self._transport.close()


def _believed(account: str, service: str, operation: str, params: dict[str, Any], answer: Answer) -> dict[str, Any]:
    """The content of a success, if it answers what was asked, and for the account that was meant."""
    check_content(service, operation, params, answer.data)
    actual = other_account(account, service, answer.data)
    if actual is not None:
        raise wrong_account(account, actual, operation)
    if is_read(operation):
        return answer.data
    # What changes something is recorded with AWS's id of the request.
    return {**answer.data, "ResponseMetadata": {"RequestId": answer.request_id}}
