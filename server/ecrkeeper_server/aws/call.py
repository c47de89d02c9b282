"""One call of AWS as a value, from the caller to the connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ecrkeeper_server.aws.limits import LONGEST_WAIT, family_of, is_read
from ecrkeeper_server.aws.transport import Fence


@dataclass(frozen=True, slots=True)
class Call:
    """One operation of a service, with its parameters, in an account and a Region.

    `ready` is awaited once there are credentials and the rate allows the call, before it acquires a connection, so it
    may call AWS itself. `fence` is awaited right before sending, after all other waits. An exception of either
    prevents the call. `longest` limits all waits for the rate, in seconds.
    """

    account: str
    region: str
    service: str
    operation: str
    params: dict[str, Any] = field(repr=False)
    fence: Fence | None = None
    ready: Fence | None = None
    longest: float = LONGEST_WAIT

    @property
    def reads(self) -> bool:
        """Whether the operation is read-only and may be retried."""
        return is_read(self.operation)

    @property
    def family(self) -> str:
        """The family of operations whose rate applies."""
        return family_of(self.service, self.operation)
