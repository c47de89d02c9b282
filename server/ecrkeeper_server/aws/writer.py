"""Mutating calls; an import contract restricts them to `ecr.apply`.

A write needs a record in the audit trail and a fence, which only `ecr.apply` adds.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws.client import Aws


class Writer(Protocol):
    """Sends mutating calls."""

    async def write(self, call: Call) -> dict[str, Any]:
        """Return the parsed answer of one call.

        Raises Permanent or Temporary, or the errors of its fences.
        """


def writer_of(aws: Aws) -> Writer:
    """Return the mutating part of a client."""
    return cast(Writer, aws)
