import datetime

from ecrkeeper.v1 import audit_pb2 as _audit_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetAuditEventRequest(_message.Message):
    """Request of `GetAuditEvent`."""
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The event: `auditEvents/{audit_event}`."""
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListAuditEventsRequest(_message.Message):
    """Request of `ListAuditEvents`."""
    __slots__ = ("page_size", "page_token", "filter", "start_time", "end_time")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    """Optional. At most this many; 100 if unset. A number above 1,000 is read as 1,000. A page may
    hold fewer events, or none, and not be the last one."""
    page_token: str
    """Optional. The `next_page_token` of the previous page. Keep all other fields unchanged."""
    filter: str
    """Optional. AIP-160, as in `ListRegistries`. Fields: `account`, `call_id`, `kind` (`CALL`,
    `AWS_WRITE`), `method`, `outcome` (`SUCCEEDED`, `FAILED`, `UNKNOWN`, `NOT_SENT`), `owner`,
    `principal`, `reconcile_id`, `region`, `request_id`, `resource`, `aws_request_id`, for example
    `account = 111111111111 AND kind = AWS_WRITE`. A filter with `account` is the fastest."""
    start_time: _timestamp_pb2.Timestamp
    """Optional. Returns only events that were recorded at this time or later."""
    end_time: _timestamp_pb2.Timestamp
    """Optional. Returns only events that were recorded before this time."""
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListAuditEventsResponse(_message.Message):
    """Response of `ListAuditEvents`."""
    __slots__ = ("audit_events", "next_page_token")
    AUDIT_EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    audit_events: _containers.RepeatedCompositeFieldContainer[_audit_pb2.AuditEvent]
    """Output only. The events."""
    next_page_token: str
    """Output only. Token of the next page; empty on the last page."""
    def __init__(self, audit_events: _Optional[_Iterable[_Union[_audit_pb2.AuditEvent, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchAuditEventsRequest(_message.Message):
    """Request of `WatchAuditEvents`."""
    __slots__ = ("filter", "start_time", "resume_token")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    filter: str
    """Optional. As in `ListAuditEvents`."""
    start_time: _timestamp_pb2.Timestamp
    """Optional. Starts with events that were recorded at this time or later. Without it and without
    `resume_token`, the stream starts with new events."""
    resume_token: str
    """Optional. Continues after the message with this token, and skips nothing."""
    def __init__(self, filter: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class WatchAuditEventsResponse(_message.Message):
    """One message of the stream."""
    __slots__ = ("audit_event", "resume_token")
    AUDIT_EVENT_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    audit_event: _audit_pb2.AuditEvent
    """Output only. The event. Unset in a message that only carries a `resume_token`: the first
    message, and messages after a while without events."""
    resume_token: str
    """Output only. Token to continue the stream after this message."""
    def __init__(self, audit_event: _Optional[_Union[_audit_pb2.AuditEvent, _Mapping]] = ..., resume_token: _Optional[str] = ...) -> None: ...
