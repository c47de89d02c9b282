"""The dependencies of the services."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ecrkeeper.v1 import common_pb2
from google.longrunning import operations_pb2
from msgspec import Struct, field

from ecrkeeper_server.api.layers.access import Access, principal
from ecrkeeper_server.api.layers.needs import operation_target, resource_target
from ecrkeeper_server.api.messages import resource as render
from ecrkeeper_server.api.messages.operation import operation_message
from ecrkeeper_server.api.services.broadcaster import Changes
from ecrkeeper_server.api.services.filters import (
    Choice,
    Fields,
    Key,
    enum_choice,
    equal_to,
    filter_expression,
    matcher,
    truth,
)
from ecrkeeper_server.api.services.page_tokens import PageKey, TokenSigner
from ecrkeeper_server.api.services.pages import MESSAGE_BYTES, WIDE, M, Page, Show, page_of, scan
from ecrkeeper_server.api.services.relist import Relist
from ecrkeeper_server.api.services.shared_reads import SharedReads
from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.errors import NotFound
from ecrkeeper_server.fleet.bounds import Bounds
from ecrkeeper_server.names import WILDCARD, parse_account, partition_of
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.drift_rows import DriftKeys
from ecrkeeper_server.store.filter_expression import narrowing_of
from ecrkeeper_server.store.rows import Operation, Resource, parsed
from ecrkeeper_server.store.states import State
from ecrkeeper_server.turns import Turns


class Setup(Struct, frozen=True):
    """The server's setup.

    Without a `role_template`, it uses the environment's credentials.
    """

    version: str = ""
    authentication: bool = False
    role_template: str | None = None


class Dependencies(Struct, frozen=True):
    """The store, AWS, the broadcaster and the engine's wake-up."""

    db: Database
    aws: Aws
    changes: Changes
    wake: Callable[[], None]
    home_region: str
    access: Access = field(default_factory=Access)
    # One poll of all resources of a kind serves all watches of it.
    relists: dict[str, Relist] = field(default_factory=dict)
    # One read of changed resources of a kind serves all watches of it.
    reads: dict[str, SharedReads] = field(default_factory=dict)
    page_key: PageKey = field(default_factory=PageKey)
    setup: Setup = field(default_factory=Setup)
    # The reach of registry sets, and the wake-up of the worker that steps their rollouts.
    bounds: Bounds = field(default_factory=Bounds)
    wake_rollouts: Callable[[], None] = lambda: None
    turns: Turns = field(default_factory=Turns)

    @property
    def partition(self) -> str:
        """The partition that this server serves."""
        return partition_of(self.home_region) or "aws"

    async def page(self, request: Any, start: Any) -> Page:
        """Return the page that a List call requests.

        `start` is the cursor of the first page.
        """
        return page_of(request, start, TokenSigner(await self.page_key.read(self.db), request, principal()))

    def operation(self, row: Operation) -> operations_pb2.Operation:
        """Return an operation as a message.

        Its response is only for callers who may read it.
        """
        readable = self.access.readable(operation_target)(row)
        return operation_message(self.partition, row, readable=readable)

    async def begin(self, store: Callable[[Tx], Operation | None]) -> operations_pb2.Operation:
        """Store the operation that a call starts, joins or repeats, and return it."""
        row = await self.db.write(store)
        self.wake()
        if row is None:
            raise NotFound("Operation", "the operation of the first call")
        return self.operation(row)


def now_micros() -> int:
    """Return this process's time in microseconds, for answers that are not stored."""
    return int(time.time() * 1_000_000)


def resource_fields(place: str, extra: Fields) -> Fields:
    """Return the filter fields that registries and roles share."""

    def status(kind: str) -> Choice:
        return enum_choice(
            common_pb2.Condition.Status,
            lambda row: [c.status for c in State(row.stored_state).conditions if c.type == kind],
        )

    return {
        "account": lambda row: [row.account],
        place: lambda row: [row.place],
        "mode": enum_choice(common_pb2.Mode, lambda row: [str(row.mode)]),
        "reconciling": truth(render.reconciling),
        "drift": truth(lambda row: State(row.stored_state).drifted),
        "reason": lambda row: [c.reason for c in State(row.stored_state).conditions if c.type == "Ready"],
        "setting": lambda row: [each.setting for each in State(row.stored_state).drift],
        "element": Key(lambda row: DriftKeys(State(row.stored_state).drift)),
        **{f"conditions.{kind}": status(kind) for kind in ("Ready", "Synced", "Blocked", "Degraded")},
        **extra,
    }


def account_of(account: str, text: str, fields: Fields) -> str:
    """Return the account of a parent, or of a filter if the parent is of all accounts."""
    return (equal_to(text, fields, "account") or account) if account == WILDCARD else account


async def list_resources(
    deps: Dependencies,
    kind: str,
    request: Any,
    fields: Fields,
    show: Show[Resource, M],
    size_of: Callable[[M], int] = MESSAGE_BYTES,
) -> tuple[list[M], str]:
    """Return one page of the matching registries or roles that the caller may read."""
    account = account_of(parse_account(request.parent, wildcard=True), request.filter, fields)
    matches = matcher(request.filter, fields)
    narrowed = narrowing_of(filter_expression(request.filter, fields), kind)
    page = await deps.page(request, "")

    async def fetch(after: str, limit: int) -> list[Resource]:
        rows = await deps.db.read_then_parse(
            lambda tx: resources.reading_page(tx, kind, account, after, limit, narrowed)
        )
        # A filter may read the states.
        return [await parsed(row) for row in rows] if request.filter else rows

    readable = deps.access.readable(resource_target)
    return await scan(fetch, page, matches, lambda row: row.name, readable, show, maximum=WIDE, size_of=size_of)
