"""What every servicer works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ecrkeeper.v1 import common_pb2
from google.longrunning import operations_pb2

from ecrkeeper_server.api import render
from ecrkeeper_server.api.access import CALLER, Access
from ecrkeeper_server.api.filters import Choice, Fields, enum_choice
from ecrkeeper_server.api.pages import M, Page, Show, scan
from ecrkeeper_server.api.permissions import operation_target, resource_target
from ecrkeeper_server.api.relist import Relist
from ecrkeeper_server.api.watch import Changes
from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.names import partition_of
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.rows import Operation, Resource


@dataclass(frozen=True, slots=True)
class Edge:
    """The store, AWS, who is told of changes, and how operations are shown."""

    db: Database
    aws: Aws
    changes: Changes
    wake: Callable[[], None]
    home_region: str
    show: Callable[..., Any]
    access: Access = field(default_factory=Access)
    # What looks at all resources of a kind for everybody who watches them.
    relists: dict[str, Relist] = field(default_factory=dict)

    @property
    def partition(self) -> str:
        """The partition that this installation works in."""
        return partition_of(self.home_region) or "aws"

    async def operation(self, row: Operation) -> operations_pb2.Operation:
        """An operation as a message; what it ended with only for who may read that."""
        readable = self.access.readable(operation_target)(row)
        shown: operations_pb2.Operation = await self.show(row, readable=readable)
        return shown


def principal_of(context: Any) -> str:
    """Who calls, as a token or a certificate has proved it; empty where nothing is proved."""
    return CALLER.get().name


def resource_fields(place: str, extra: Fields) -> Fields:
    """What registries and roles can be filtered by."""

    def status(kind: str) -> Choice:
        return enum_choice(
            common_pb2.Condition.Status,
            lambda row: [c["status"] for c in row.state.get("conditions", []) if c["type"] == kind],
        )

    return {
        "account": lambda row: [row.account],
        place: lambda row: [row.place],
        "mode": enum_choice(common_pb2.Mode, lambda row: [row.spec.get("mode", "ENFORCE")]),
        "reconciling": Choice(lambda row: [str(render.reconciling(row)).upper()], ("TRUE", "FALSE")),
        **{f"conditions.{kind}": status(kind) for kind in ("Ready", "Synced", "Blocked", "Degraded")},
        **extra,
    }


async def scan_resources(
    edge: Edge, kind: str, account: str, page: Page, meets: Callable[[Resource], bool], show: Show[Resource, M]
) -> tuple[list[M], str]:
    """One page of the registries or roles that the caller may read."""

    async def fetch(after: str, limit: int) -> list[Resource]:
        return await edge.db.read(lambda tx: resources.page(tx, kind, account, after, limit))

    return await scan(fetch, page, meets, lambda row: row.name, edge.access.readable(resource_target), show)
