"""The codec between calls and AWS's protocols, by botocore's models.

Two modules implement it.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

# The services that are called; the endpoints of others are dropped.
ALWAYS_USED = ("ecr", "iam", "sts")
SERVICES = (*ALWAYS_USED, "account", "organizations", "cloudtrail", "sqs")


class Serialized(NamedTuple):
    """A request before it is signed."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Location(NamedTuple):
    """The host of a service, and the Region to sign for."""

    host: str
    scope: str


class Codec(Protocol):
    """Serialises requests, parses answers, and knows `SERVICES`.

    It knows their models and their endpoints.
    """

    def load(self) -> None:
        """Read what every installation uses."""

    def model(self, service: str) -> Any:
        """Return botocore's model of a service.

        ValueError for any that is not one of `SERVICES`.
        """

    def protocol(self, service: str) -> str:
        """Return the protocol that a service is called with."""

    def regions(self, partition: str) -> list[str]:
        """Return the Regions of a partition that have ECR, in any order."""

    def partitions(self) -> list[str]:
        """Return the partitions."""

    def locate(self, service: str, region: str, *, fips: bool, dual_stack: bool) -> Location:
        """Return where a service is for a Region.

        Raises BotoCoreError if it has no such endpoint.

        IAM has one endpoint for each partition.
        """

    def serialize(self, service: str, operation: str, params: dict[str, Any]) -> Serialized:
        """Return the request of a call.

        Raises ParamValidationError if the parameters do not match the model.
        """

    def parse(self, service: str, operation: str, status: int, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        """Return the members of an answer or, from status 300 on, of an error.

        Raises any exception.
        """
