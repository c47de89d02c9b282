"""Dependencies of services, without AWS."""

from __future__ import annotations

from typing import Any

from ecrkeeper_server.api.layers.access import Access
from ecrkeeper_server.api.services.broadcaster import Changes
from ecrkeeper_server.api.services.context import Dependencies


class NoAws:
    """An AWS that is never called."""

    async def call(self, *_: Any) -> Any:
        raise AssertionError("AWS was called")


def dependencies(db: Any, *, aws: Any = None, changes: Changes | None = None, access: Access | None = None) -> Any:
    """Return the dependencies of services on a database."""
    return Dependencies(
        db=db, aws=aws or NoAws(), changes=changes or Changes(), wake=lambda: None, home_region="us-east-1",
        access=access or Access(),
    )  # fmt: skip
