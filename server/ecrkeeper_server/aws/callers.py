"""AWS for callers of the API, who leave the rate of an account to the engine."""

from __future__ import annotations

from typing import Any

from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws.client import AwsClient
from ecrkeeper_server.aws.limits import LONGEST_WAIT_OF_CALLERS


class CallersAws:
    """Calls AWS; a read that would wait long for the rate fails (`AWS_THROTTLED`)."""

    def __init__(self, aws: AwsClient) -> None:
        self._aws = aws

    async def call(
        self, account: str, region: str, service: str, operation: str, params: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the parsed answer of one reading call; raises Permanent or Temporary."""
        return await self._aws.read(Call(account, region, service, operation, params, longest=LONGEST_WAIT_OF_CALLERS))

    async def write(self, call: Call) -> dict[str, Any]:
        """Send one mutating call; see `aws.writer`."""
        return await self._aws.write(call)

    def regions(self, partition: str) -> list[str]:
        """Return the Regions of a partition that have ECR."""
        return self._aws.regions(partition)

    def partitions(self) -> list[str]:
        """Return the partitions."""
        return self._aws.partitions()
