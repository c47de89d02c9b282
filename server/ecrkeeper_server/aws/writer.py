"""The half of the client that changes AWS; an import contract keeps it to `ecr.apply`.

A write needs a record in the audit trail and a fence. `ecr.apply` has both, so nothing else may send one.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws.transport import Fence


class Writer(Protocol):
    """Sends the calls that change something."""

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
        """Return the parsed answer of one call; raises Permanent or Temporary.

        `ready` is awaited when credentials are there and the rate allows the call, before it takes a connection, so
        it may call AWS itself. `fence` is awaited when nothing is left to wait for before sending. An exception of
        either prevents the call.
        """


def writer_of(aws: Aws) -> Writer:
    """Return the writing half of a client."""
    return cast(Writer, aws)
