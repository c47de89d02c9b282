"""What every servicer works with."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.longrunning import operations_pb2

from ecrkeeper_server.api.access import CALLER, Access
from ecrkeeper_server.api.pages import Fields, M, Page, Show, matcher, scan
from ecrkeeper_server.api.permissions import operation_target, resource_target
from ecrkeeper_server.api.watch import Changes, Listener, relevant
from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.names import partition_of
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.rows import Operation, Resource

_RELIST_SECONDS = 30.0
_BATCH = 500


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

    def status(kind: str) -> Callable[[Resource], list[str]]:
        return lambda row: [
            condition["status"].lower() for condition in row.state.get("conditions", []) if condition["type"] == kind
        ]

    return {
        "account": lambda row: [row.account],
        place: lambda row: [row.place],
        "mode": lambda row: [row.spec.get("mode", "ENFORCE")],
        "reconciling": lambda row: [str(row.observed_generation < row.generation).lower()],
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


async def watched(
    edge: Edge, kind: str, account: str, text: str, fields: Fields
) -> AsyncIterator[tuple[str, str, Resource | None]]:
    """`CURRENT` and `REMOVED` steps by name, with `SNAPSHOT_COMPLETE` in between, of what the caller may read."""
    wanted, may = matcher(text, fields), edge.access.readable(resource_target)

    def meets(row: Resource) -> bool:
        return may(row) and wanted(row)

    sent: dict[str, bytes] = {}
    with edge.changes.subscribe() as listener:
        async for row in _everything(edge, kind, account, meets):
            sent[row.name] = _version(row)
            yield "CURRENT", row.name, row
        yield "SNAPSHOT_COMPLETE", "", None
        while True:
            for name, now in (await _news(edge, listener, kind, account, sent)).items():
                if now is not None and meets(now):
                    if sent.get(name) != _version(now):
                        sent[name] = _version(now)
                        yield "CURRENT", name, now
                elif sent.pop(name, None) is not None:
                    yield "REMOVED", name, None


async def _news(
    edge: Edge, listener: Listener, kind: str, account: str, sent: Mapping[str, Any]
) -> dict[str, Resource | None]:
    """What changed, or, because hints can be lost, everything once in a while."""
    names = await listener.wait(_RELIST_SECONDS)
    if not names or listener.overflowed:
        listener.overflowed = False
        everything: dict[str, Resource | None] = {
            row.name: row async for row in _everything(edge, kind, account, lambda _: True)
        }
        return {**dict.fromkeys(sent), **everything}
    wanted = relevant(names, kind, account)
    rows = await edge.db.read(lambda tx: resources.get_many(tx, wanted)) if wanted else {}
    return {name: rows.get(name) for name in wanted}


def _version(row: Resource) -> bytes:
    """What tells one version of a row from another, in a few bytes: every watcher remembers one of each resource."""
    shown = json.dumps([row.generation, row.observed_generation, row.state], sort_keys=True)
    return hashlib.blake2b(shown.encode(), digest_size=16).digest()


async def _everything(
    edge: Edge, kind: str, account: str, meets: Callable[[Resource], bool]
) -> AsyncIterator[Resource]:
    after = ""
    while True:
        last = after
        rows = await edge.db.read(lambda tx, last=last: resources.page(tx, kind, account, last, _BATCH))  # type: ignore[misc]
        for row in rows:
            after = row.name
            if meets(row):
                yield row
        if len(rows) < _BATCH:
            return
        await asyncio.sleep(0)
