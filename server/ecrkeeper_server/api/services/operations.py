"""google.longrunning.Operations."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from google.longrunning import operations_pb2
from google.longrunning.operations_grpc import OperationsServicer
from google.protobuf import empty_pb2

from ecrkeeper_server.access.policy import Target, Verb
from ecrkeeper_server.api.layers.access import principal
from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.layers.needs import Need, operation_target
from ecrkeeper_server.api.layers.telemetry import current_call
from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.api.messages.operation import operation_message
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.filters import Fields, matcher, truth
from ecrkeeper_server.api.services.followed import Followed
from ecrkeeper_server.api.services.pages import WIDE, scan, showing
from ecrkeeper_server.api.services.shared_renderings import SharedRenderings
from ecrkeeper_server.errors import FailedPrecondition, InvalidArgument, NotFound, Violation
from ecrkeeper_server.names import parse_operation, shown
from ecrkeeper_server.settings.elements import cost_of_all
from ecrkeeper_server.store import audit, operations
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Operation
from ecrkeeper_server.turns import Steps, work

_WAIT_SECONDS = 60.0
# Interval at which a waiting call polls without a notification, because notifications can be lost.
_POLL_SECONDS = 2.0

_FIELDS: Fields = {
    "account": lambda row: [operation_target(row).account],
    "done": truth(lambda row: row.done),
    "method": lambda row: [row.method],
    "region": lambda row: [operation_target(row).region],
    "target": lambda row: [row.target],
}


def _chosen(request: operations_pb2.ListOperationsRequest) -> Callable[[Operation], bool]:
    """Return the filter of a list; Google's messages have no validation rules."""
    errors = []
    if request.name not in ("", "operations"):
        errors.append(Violation("name", f"must be `operations` or empty, got {shown(request.name)}"))
    if request.page_size < 0:
        errors.append(Violation("page_size", f"must be 0 or more, got {request.page_size}"))
    try:
        meets = matcher(request.filter, _FIELDS)
    except InvalidArgument as error:
        raise InvalidArgument([*errors, *error.violations]) from None
    if errors:
        raise InvalidArgument(errors)
    return meets


class _Version:
    """One read of an operation, None if it is missing.

    The calls that wait for it share its answer.
    """

    def __init__(self, row: Operation | None) -> None:
        self.row = row


def _cost(row: Operation) -> int:
    return cost_of_all((row.metadata, row.response))


def _steps(partition: str, row: Operation, *, readable: bool) -> Steps[operations_pb2.Operation]:
    yield
    return operation_message(partition, row, readable=readable)


def _unknown(name: str) -> NotFound:
    return NotFound("Operation", name, "operations expire a week after they end")


class Operations(OperationsServicer):  # type: ignore[misc]
    """Get, list, wait for and delete operations."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps
        self._followed: Followed[str, _Version] = Followed(
            deps.changes,
            deps.turns,
            self._version,
            lambda operation: f"operations/{operation}",
            lambda _: _POLL_SECONDS,
        )
        self._shared: SharedRenderings[operations_pb2.Operation] = SharedRenderings(deps.turns)

    async def _get(self, name: str) -> Operation:
        row = await self._read(parse_operation(name))
        if row is None:
            raise _unknown(name)
        return row

    def _checked(self, name: str, row: Operation | None) -> Operation:
        """Return the operation to callers who started it or may read its target.

        The target of a missing operation is the installation, so only callers who may read
        everything learn that it is missing.
        """
        if row is None or not operations.is_for(row, principal()):
            target = operation_target(row) if row is not None else Target()
            self._deps.access.check([Need(Verb.READ, name, target)])
        if row is None:
            raise _unknown(name)
        return row

    async def GetOperation(
        self, request: operations_pb2.GetOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        """Return one operation."""
        return await self._shown(self._checked(request.name, await self._read(parse_operation(request.name))))

    async def WaitOperation(
        self, request: operations_pb2.WaitOperationRequest, context: Context
    ) -> Answer[operations_pb2.Operation]:
        """Return an operation when it is done, or its state when the time is over."""
        requested = request.timeout
        limit = min(max(requested.seconds, 0), _WAIT_SECONDS) + requested.nanos / 1e9
        if not request.HasField("timeout"):
            limit = _WAIT_SECONDS
        remaining = context.time_remaining()
        if remaining is not None:
            # Leave time to answer, so that the caller gets the operation and not a timeout.
            limit = min(limit, remaining - 0.25)
        return await self._waited(request.name, max(0.0, min(limit, _WAIT_SECONDS)))

    async def _waited(self, name: str, seconds: float) -> Answer[operations_pb2.Operation]:
        """Return an operation when it is done, or as it is after so many seconds."""
        with self._followed.joined(parse_operation(name)) as stream:
            version = await stream.next()
            row = self._checked(name, version.row)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while not row.done:
                        version = await stream.next()
                        row = self._checked(name, version.row)
        work().charge(_cost(row))
        readable = self._deps.access.readable(operation_target)(row)
        return await self._shared.of((version, readable), lambda: _steps(self._deps.partition, row, readable=readable))

    async def _version(self, operation: str, _before: _Version | None) -> _Version:
        return _Version(await self._read(operation))

    async def _read(self, operation: str) -> Operation | None:
        return await self._deps.db.read(lambda tx: operations.get(tx, operation))

    async def ListOperations(
        self, request: operations_pb2.ListOperationsRequest, context: Context
    ) -> operations_pb2.ListOperationsResponse:
        """List operations by id."""
        meets, page = _chosen(request), await self._deps.page(request, "")

        async def fetch(after: str, limit: int) -> list[Operation]:
            return await self._deps.db.read_then_parse(lambda tx: operations.reading_page(tx, after, limit))

        async def show(rows: Sequence[Operation]) -> list[operations_pb2.Operation]:
            return await work().run(showing(rows, self._message, _cost))

        may = self._deps.access.readable(operation_target)
        messages, token = await scan(fetch, page, meets, lambda row: row.id, may, show, maximum=WIDE)
        return operations_pb2.ListOperationsResponse(operations=messages, next_page_token=token)

    async def _shown(self, row: Operation) -> operations_pb2.Operation:
        return await work().charged(self._message(row), _cost(row))

    def _message(self, row: Operation) -> Steps[operations_pb2.Operation]:
        readable = self._deps.access.readable(operation_target)(row)
        return _steps(self._deps.partition, row, readable=readable)

    async def DeleteOperation(
        self, request: operations_pb2.DeleteOperationRequest, context: Context
    ) -> empty_pb2.Empty:
        """Delete an operation that is done."""
        row = await self._get(request.name)
        if not row.done:
            raise FailedPrecondition(
                f"{request.name} is not done; wait for it before you delete it", reason="OPERATION_RUNNING"
            )
        target = operation_target(row)
        deleted = NewEvent(
            kind="CALL", method="DeleteOperation", resource=request.name, account=target.account, region=target.region,
            principal=principal(), call_id=current_call().id, generation=row.generation,
        )  # fmt: skip

        def store(tx: Tx) -> None:
            operations.remove(tx, row.id)
            audit.add(tx, [deleted])

        await self._deps.db.write(store)
        return empty_pb2.Empty()

    async def CancelOperation(
        self, request: operations_pb2.CancelOperationRequest, context: Context
    ) -> empty_pb2.Empty:
        """Reject the call: a declaration stays in effect until it is updated or deleted."""
        await self._get(request.name)
        raise FailedPrecondition(
            "operations cannot be cancelled; update or delete the declaration instead",
            reason="NOT_CANCELLABLE",
        )
