"""Call AWS: `await aws.call(account, region, service, operation, params)`.

`call` reads. Only `ecr.apply` writes, through `aws.writer`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ParamValidationError
from cachetools import LRUCache
from msgspec import Struct, field

from ecrkeeper_server.aws import models
from ecrkeeper_server.aws.ambient import Ambient
from ecrkeeper_server.aws.attempts import Attempts
from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws.credentials import AssumedRoles, Provider
from ecrkeeper_server.aws.environment import AwsEnvironment
from ecrkeeper_server.aws.failures import is_rejection
from ecrkeeper_server.aws.limits import Limiter
from ecrkeeper_server.aws.params import counted
from ecrkeeper_server.aws.reading import Answer
from ecrkeeper_server.aws.sessions import Sessions
from ecrkeeper_server.aws.telemetry import CallTelemetry
from ecrkeeper_server.aws.transport import Transport
from ecrkeeper_server.aws.user_agent import PROGRAM
from ecrkeeper_server.aws.wire import Credentials, Wire
from ecrkeeper_server.aws_errors import AwsError, Permanent
from ecrkeeper_server.metrics.server import Metrics
from ecrkeeper_server.turns import MANY, work

# Events of writes come within minutes; an id takes 200 bytes.
_WRITTEN = 20_000
# A shorter answer is read in less than a slice.
_LONG_BYTES = 32 * 1024


class Aws(Protocol):
    """The interface to AWS for the rest of the server."""

    async def call(
        self,
        account: str,
        region: str,
        service: str,
        operation: str,
        params: dict[str, Any],
    ) -> dict[str, Any]:
        """Return the parsed answer of one reading call; raises Permanent or Temporary."""

    def regions(self, partition: str) -> list[str]:
        """Return the Regions of a partition that have ECR."""

    def partitions(self) -> list[str]:
        """Return the partitions."""


class AwsOptions(Struct, frozen=True):
    """The way to reach AWS.

    `role_template` holds `{account}`; without it, the ambient credentials are used.
    """

    endpoint_url: str | None = None
    role_template: str | None = None
    external_id: str | None = None
    sts_region: str = "us-east-1"
    timeout: float = 10.0
    connections: int = 128
    environment: AwsEnvironment = field(default_factory=AwsEnvironment)
    # The name of the program in the User-Agent.
    product: str = PROGRAM


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
        self._wire = Wire(
            options.endpoint_url, environment=options.environment, codec=models.choose(), product=options.product
        )
        self._attempts = Attempts(self._once, Limiter(clock), self._telemetry, clock)
        self._ambient = Ambient()
        self._roles: AssumedRoles | None = None
        if options.role_template is not None:
            self._roles = AssumedRoles(options.role_template, self._assume, external_id=options.external_id)
        chosen: Provider = provider or self._roles or self._ambient
        self._sessions = Sessions(chosen, self._identify, self._forget, clock, own=chosen is not self._ambient)
        self._transport: Transport | None = None
        # AWS's ids of the last successful writes.
        self.written: LRUCache[str, bool] = LRUCache(_WRITTEN)

    async def _assume(self, account: str, params: dict[str, Any]) -> dict[str, Any]:
        credentials = await self._ambient(account)
        region = self._options.sts_region
        with self._telemetry.refreshing():
            try:
                return await self._attempts.run(Call(account, region, "sts", "AssumeRole", params), credentials)
            except AwsError as error:
                if is_rejection(error.aws_code):
                    self._ambient.forget()
                raise

    async def _identify(self, account: str, credentials: Credentials) -> str:
        region = self._options.sts_region
        answer = await self._attempts.run(Call(account, region, "sts", "GetCallerIdentity", {}), credentials)
        return str(answer["Account"])

    def _forget(self, account: str, credentials: Credentials) -> None:
        if self._roles is not None:
            self._roles.forget(account, credentials)
        else:
            self._ambient.forget()

    async def ambient_account(self) -> str:
        """Return the account of the ambient credentials; raises Permanent or Temporary."""
        return await self._sessions.account_of("ambient", await self._ambient("ambient"))

    def warm_up(self) -> None:
        """Load the modules that the first call needs."""
        self._wire.warm_up()
        self._ambient.warm_up()

    def regions(self, partition: str) -> list[str]:
        """Return the Regions of a partition that have ECR."""
        return self._wire.regions(partition)

    def partitions(self) -> list[str]:
        """Return the partitions."""
        return self._wire.partitions()

    async def call(
        self, account: str, region: str, service: str, operation: str, params: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the parsed answer of one reading call; raises Permanent or Temporary."""
        return await self.read(Call(account, region, service, operation, params))

    async def read(self, call: Call) -> dict[str, Any]:
        """Make one reading call."""
        if not call.reads:
            raise ValueError(f"{call.service}:{call.operation} is mutating; send it with ecr.apply")
        return await self._signed(call)

    async def write(self, call: Call) -> dict[str, Any]:
        """Send one mutating call; see `aws.writer`."""
        answer = await self._signed(call)
        if request_id := answer.get("ResponseMetadata", {}).get("RequestId", ""):
            self.written[request_id] = True
        return answer

    async def _signed(self, call: Call) -> dict[str, Any]:
        repeated = False
        while True:
            session = await self._sessions.open(call.account)
            try:
                answer = await self._attempts.run(call, session.credentials)
            except AwsError as error:
                # AWS has only checked the signature, so even a write may be retried.
                if not self._sessions.failed(session, call.operation, error) or repeated:
                    raise
            else:
                session.accepted = True
                return answer
            repeated = True

    async def _once(self, call: Call, credentials: Credentials) -> Answer:
        try:
            arguments = call.service, call.region, call.operation, call.params, credentials
            if counted(call.params) < MANY:
                prepared = self._wire.prepare(*arguments)
            else:
                prepared = await work().run(self._wire.preparing(*arguments))
        except BotoCoreError as error:
            # If the Region has no FIPS or dual-stack endpoint, the configuration is in error, not the argument.
            code = "INVALID_ARGUMENT" if isinstance(error, ParamValidationError) else "FAILED_PRECONDITION"
            text = f"{call.service}:{call.operation}: {error}"
            raise Permanent(text, reason="AWS_REJECTED", operation=call.operation, grpc_code=code) from error
        if self._transport is None:
            environment = self._options.environment
            self._transport = Transport(
                self._options.timeout, self._options.connections, tls=environment.tls, proxy=environment.proxy
            )
        response = await self._transport.exchange(prepared.address, prepared.encode(), call.fence)
        if len(response.body) < _LONG_BYTES:
            return self._wire.read(call.service, call.operation, response)
        return await work().run(self._wire.reading(call.service, call.operation, response))

    async def close(self) -> None:
        """Close every connection."""
        if self._transport is not None:
            self._transport.close()
