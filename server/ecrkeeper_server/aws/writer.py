"""The half of the client that changes AWS; an import contract keeps it to `ecr.apply`.

A write needs a record in the audit trail and a fence. `ecr.apply` has both, so nothing else may send one.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws.client import Aws


class Writer(Protocol):
    """Sends the calls that change something."""

    async def write(self, call: Call) -> dict[str, Any]:
        """Return the parsed answer of one call; raises Permanent or Temporary, or what its fences raise."""


def writer_of(aws: Aws) -> Writer:
    """Return the writing half of a client."""
    return cast(Writer, aws)
