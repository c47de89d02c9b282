"""Operations, and the audit trail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ecrkeeper.v1 import audit_service_pb2 as pb
from google.longrunning import operations_pb2
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message

from ecrkeeper_server.console.elements import change_rows
from ecrkeeper_server.console.json_text import pretty
from ecrkeeper_server.console.search import filter_of
from ecrkeeper_server.console.view import Page, View
from ecrkeeper_server.turns import Steps

_OPERATIONS, _EVENTS, _CHANGES = 50, 50, 200


async def operations(view: View) -> Page:
    """List the operations."""
    request = operations_pb2.ListOperationsRequest(
        name="operations", page_size=_OPERATIONS, page_token=view.text("page"),
        filter=filter_of(view.text("q"), "method"),
    )  # fmt: skip
    listed, error = await view.listed("Operations.ListOperations", request)
    values = {
        "operations": await view.work.run(_summaries(listed.operations)) if listed is not None else [],
        "next": listed.next_page_token if listed is not None else "",
        "error": error,
        "search": view.text("q"),
    }
    return Page("operations.html", "Operations", values)


async def operation(view: View) -> Page:
    """Show one operation."""
    request = operations_pb2.GetOperationRequest(name=f"operations/{view.path_params['operation']}")
    operation = await view.call("Operations.GetOperation", request)
    return Page("operation.html", "Operation", await view.work.run(operation_values(operation)))


def _summaries(operations: Iterable[operations_pb2.Operation]) -> Steps[list[dict[str, Any]]]:
    """Return what a list shows of operations, in steps."""
    values = []
    for each in operations:
        yield
        values.append(_summary(each, _unpacked(each.metadata)))
    return values


def operation_values(operation: operations_pb2.Operation) -> Steps[dict[str, Any]]:
    """Return what the templates show of an operation, in steps."""
    metadata = _unpacked(operation.metadata)
    text = (yield from pretty(metadata)) if metadata is not None else ""
    return {**_summary(operation, metadata), "metadata": text}


def _summary(operation: operations_pb2.Operation, metadata: Any) -> dict[str, Any]:
    outcome = "RUNNING"
    if operation.done:
        outcome = "FAILED" if operation.HasField("error") else "SUCCEEDED"
    return {
        "name": operation.name,
        "method": metadata.DESCRIPTOR.name.removesuffix("Metadata") if metadata is not None else "",
        "target": _target(metadata),
        "created": getattr(metadata, "create_time", None),
        "ended": getattr(metadata, "end_time", None),
        "principals": list(getattr(metadata, "principals", ())),
        "outcome": outcome,
        "failure": operation.error if operation.HasField("error") else None,
    }


def _unpacked(packed: Any) -> Any:
    """Return the message in an Any; None for a type that this server does not know."""
    try:
        described = descriptor_pool.Default().FindMessageTypeByName(packed.TypeName())
    except KeyError:
        return None
    message: Message = message_factory.GetMessageClass(described)()
    packed.Unpack(message)
    return message


def _target(metadata: Any) -> str:
    return str(getattr(metadata, "registry", "") or getattr(metadata, "service_linked_role", ""))


async def audit(view: View) -> Page:
    """List the audit trail."""
    request = pb.ListAuditEventsRequest(page_size=_EVENTS, page_token=view.text("page"), filter=audit_filter(view))
    listed, error = await view.listed("AuditService.ListAuditEvents", request)
    values = {
        "events": listed.audit_events if listed is not None else [],
        "next": listed.next_page_token if listed is not None else "",
        "error": error,
        "search": view.text("q"),
    }
    return Page("audit.html", "Audit trail", values)


def audit_filter(view: View) -> str:
    """Return the filter of a search of the trail."""
    return filter_of(view.text("q"), "owner")


async def event(view: View) -> Page:
    """Show one event."""
    event = await view.call(
        "AuditService.GetAuditEvent", pb.GetAuditEventRequest(name=f"auditEvents/{view.path_params['event']}")
    )
    rows = await view.work.run(change_rows(event.changes[:_CHANGES]))
    values = {"event": event, "changes": rows, "more": len(event.changes) - len(rows) + event.omitted_changes}
    return Page("event.html", f"Audit event {view.path_params['event']}", values)
