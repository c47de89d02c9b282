"""The calls of `AuditService`, one function for each RPC."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from ecrkeeper._base import Paged, Unary, Watched
from ecrkeeper.v1 import audit_service_pb2 as pb
from ecrkeeper.v1.audit_pb2 import AuditEvent


def get_audit_event(name: str, *, timeout: float | None = None) -> Unary[AuditEvent]:
    """Returns one event, `auditEvents/{number}`.

    NotFound if it does not exist or has expired.
    """
    return Unary(AuditEvent, pb.GetAuditEventRequest(name=name), timeout)


def list_audit_events(
    filter: str = "",
    *,
    start_time: Timestamp | datetime | None = None,
    end_time: Timestamp | datetime | None = None,
    page_size: int = 0,
    page_token: str = "",
    timeout: float | None = None,
) -> Paged[AuditEvent, pb.ListAuditEventsResponse]:
    """Lists events from `start_time` until before `end_time`, newest first.

    InvalidArgument for an invalid filter.

    ValueError for a time without a time zone.
    """
    request = pb.ListAuditEventsRequest(
        filter=filter,
        start_time=_timestamp(start_time),
        end_time=_timestamp(end_time),
        page_size=page_size,
        page_token=page_token,
    )
    return Paged(Unary(pb.ListAuditEventsResponse, request, timeout), lambda page: page.audit_events)


def watch_audit_events(
    filter: str = "",
    *,
    start_time: Timestamp | datetime | None = None,
    resume_token: str = "",
    timeout: float | None = None,
) -> Watched[pb.WatchAuditEventsResponse]:
    """Streams events from `start_time` or after a `resume_token`, then new ones.

    The stream continues after an interruption and skips nothing. An AWS write is sent again when it
    is completed. A message without an event only carries a `resume_token`. Unavailable if the first
    connection fails; DeadlineExceeded after `timeout`; ValueError for a time without a time zone.
    """
    request = pb.WatchAuditEventsRequest(filter=filter, start_time=_timestamp(start_time), resume_token=resume_token)
    return Watched(pb.WatchAuditEventsResponse, request, timeout)


def _timestamp(time: Timestamp | datetime | None) -> Timestamp | None:
    if not isinstance(time, datetime):
        return time
    if time.tzinfo is None:
        raise ValueError(f"a time must have a time zone, as in datetime.now(UTC), got {time!r}")
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp
