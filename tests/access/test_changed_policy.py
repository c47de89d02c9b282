"""Calls that outlast the policy that they started with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import grpc
import pytest
from ecrkeeper.v1 import audit_service_pb2
from ecrkeeper_server.access.policy import Policy, Principal
from ecrkeeper_server.access.policy_file import parse
from ecrkeeper_server.api.layers.access import CALLER, Access
from ecrkeeper_server.api.layers.authorization import Authorization
from ecrkeeper_server.api.services.broadcaster import Changes
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.operations import Operations
from ecrkeeper_server.errors import PermissionDenied
from ecrkeeper_server.store.rows import Operation
from google.longrunning import operations_pb2

WATCH = "/ecrkeeper.v1.AuditService/WatchAuditEvents"
LIST = "/ecrkeeper.v1.AuditService/ListAuditEvents"
ROLE = "accounts/111111111111/serviceLinkedRoles/replication"
OPERATION = f"operations/{'0' * 8}-0000-4000-8000-{'0' * 12}"


def policy(verbs: str) -> Policy:
    return parse(f"rules: [{{name: alice, principals: [alice], verbs: [{verbs}]}}]".encode())


class Installation:
    """A policy that the test replaces, and a store with one operation."""

    def __init__(self, verbs: str) -> None:
        self.policy = policy(verbs)
        db: Any = self
        self.authorization = Authorization(Access(lambda: self.policy), db)
        CALLER.set(Principal("alice"))

    async def read(self, _: Any) -> Operation:
        target = "accounts/111111111111/registries/eu-west-1"
        return Operation("id", "ReconcileRegistry", target, 1, 1, {}, False, None, None, 0, None)

    def stream(self) -> AsyncIterator[int]:
        """An audit watch whose events are numbers."""

        async def steps(_request: Any, _context: Any) -> AsyncIterator[int]:
            for number in range(10):
                yield number

        handler = self.authorization.around(WATCH, grpc.unary_stream_rpc_method_handler(steps))
        opened: AsyncIterator[int] = handler.unary_stream(audit_service_pb2.WatchAuditEventsRequest(), None)
        return opened

    def call(self, method: str, request: Any, then: Policy) -> Any:
        """A unary call during which the policy changes."""

        async def answer(_request: Any, _context: Any) -> str:
            self.policy = then
            return "answer"

        handler = self.authorization.around(method, grpc.unary_unary_rpc_method_handler(answer))
        return handler.unary_unary(request, None)


async def test_stream_ends_when_access_is_revoked() -> None:
    installation = Installation("admin")
    steps = installation.stream()
    assert [await anext(steps), await anext(steps)] == [0, 1]
    installation.policy = policy("read")
    with pytest.raises(PermissionDenied):
        await anext(steps)
    with pytest.raises(StopAsyncIteration):
        await anext(steps)


async def test_stream_survives_policy_change_that_allows_it() -> None:
    installation = Installation("admin")
    steps = installation.stream()
    await anext(steps)
    installation.policy = policy("admin, read")
    assert [step async for step in steps] == list(range(1, 10))


@pytest.mark.parametrize(("then", "allowed"), [("read, write", True), ("write", False)])
async def test_wait_operation_authorizes_again_after_waiting(then: str, allowed: bool) -> None:
    rights = [policy("read")]
    reads = 0

    class Store:
        """The operation ends at the second poll, after the policy has changed."""

        async def read(self, _: Any) -> Operation:
            nonlocal reads
            reads += 1
            if reads == 2:
                rights.append(policy(then))
                changes.publish({OPERATION})
            return Operation("id", "DeleteServiceLinkedRole", ROLE, 1, 1, {}, reads > 1, None, None, 0, None)

    store: Any = Store()
    changes, unused = Changes(), cast("Any", None)
    access = Access(lambda: rights[-1])
    CALLER.set(Principal("alice"))
    edge = Dependencies(
        db=store, aws=unused, changes=changes, wake=lambda: None, home_region="us-east-1",
        access=access,
    )  # fmt: skip
    waiting = asyncio.create_task(
        Operations(edge).WaitOperation(operations_pb2.WaitOperationRequest(name=OPERATION), Unhurried())
    )
    while not reads:
        await asyncio.sleep(0)
    changes.publish({OPERATION})
    if allowed:
        assert (await waiting).message.done
    else:
        with pytest.raises(PermissionDenied):
            await waiting


class Unhurried:
    """The context of a call without a deadline."""

    def time_remaining(self) -> None:
        return None


async def test_wait_operation_without_wait_is_authorized_once() -> None:
    """A change that was made is not denied afterwards."""
    request = audit_service_pb2.ListAuditEventsRequest()
    assert await Installation("admin").call(LIST, request, policy("read")) == "answer"
