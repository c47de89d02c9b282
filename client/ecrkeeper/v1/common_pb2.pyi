import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODE_UNSPECIFIED: _ClassVar[Mode]
    ENFORCE: _ClassVar[Mode]
    OBSERVE: _ClassVar[Mode]
    PAUSED: _ClassVar[Mode]

class UnmanagedElements(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNMANAGED_ELEMENTS_UNSPECIFIED: _ClassVar[UnmanagedElements]
    PRESERVE: _ClassVar[UnmanagedElements]
    PRUNE: _ClassVar[UnmanagedElements]

class DeletionPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELETION_POLICY_UNSPECIFIED: _ClassVar[DeletionPolicy]
    REMOVE: _ClassVar[DeletionPolicy]
    ABANDON: _ClassVar[DeletionPolicy]
MODE_UNSPECIFIED: Mode
ENFORCE: Mode
OBSERVE: Mode
PAUSED: Mode
UNMANAGED_ELEMENTS_UNSPECIFIED: UnmanagedElements
PRESERVE: UnmanagedElements
PRUNE: UnmanagedElements
DELETION_POLICY_UNSPECIFIED: DeletionPolicy
REMOVE: DeletionPolicy
ABANDON: DeletionPolicy

class Condition(_message.Message):
    __slots__ = ("type", "status", "reason", "message", "last_transition_time")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[Condition.Status]
        TRUE: _ClassVar[Condition.Status]
        FALSE: _ClassVar[Condition.Status]
        UNKNOWN: _ClassVar[Condition.Status]
    STATUS_UNSPECIFIED: Condition.Status
    TRUE: Condition.Status
    FALSE: Condition.Status
    UNKNOWN: Condition.Status
    TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LAST_TRANSITION_TIME_FIELD_NUMBER: _ClassVar[int]
    type: str
    status: Condition.Status
    reason: str
    message: str
    last_transition_time: _timestamp_pb2.Timestamp
    def __init__(self, type: _Optional[str] = ..., status: _Optional[_Union[Condition.Status, str]] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., last_transition_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Drift(_message.Message):
    __slots__ = ("setting", "key", "kind", "desired", "observed", "since", "owners", "cause", "pairs", "values_omitted")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Drift.Kind]
        MISSING: _ClassVar[Drift.Kind]
        CHANGED: _ClassVar[Drift.Kind]
        UNEXPECTED: _ClassVar[Drift.Kind]
    KIND_UNSPECIFIED: Drift.Kind
    MISSING: Drift.Kind
    CHANGED: Drift.Kind
    UNEXPECTED: Drift.Kind
    SETTING_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DESIRED_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    OWNERS_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    VALUES_OMITTED_FIELD_NUMBER: _ClassVar[int]
    setting: str
    key: str
    kind: Drift.Kind
    desired: _struct_pb2.Value
    observed: _struct_pb2.Value
    since: _timestamp_pb2.Timestamp
    owners: _containers.RepeatedScalarFieldContainer[str]
    cause: Cause
    pairs: ReplicationPairs
    values_omitted: bool
    def __init__(self, setting: _Optional[str] = ..., key: _Optional[str] = ..., kind: _Optional[_Union[Drift.Kind, str]] = ..., desired: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., observed: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., owners: _Optional[_Iterable[str]] = ..., cause: _Optional[_Union[Cause, _Mapping]] = ..., pairs: _Optional[_Union[ReplicationPairs, _Mapping]] = ..., values_omitted: bool = ...) -> None: ...

class Cause(_message.Message):
    __slots__ = ("principal", "session", "source_ip", "user_agent", "event_id", "event_time", "confidence", "invoked_by", "installation")
    class Confidence(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CONFIDENCE_UNSPECIFIED: _ClassVar[Cause.Confidence]
        LIKELY: _ClassVar[Cause.Confidence]
        CONFIRMED: _ClassVar[Cause.Confidence]
    CONFIDENCE_UNSPECIFIED: Cause.Confidence
    LIKELY: Cause.Confidence
    CONFIRMED: Cause.Confidence
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    SOURCE_IP_FIELD_NUMBER: _ClassVar[int]
    USER_AGENT_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    INVOKED_BY_FIELD_NUMBER: _ClassVar[int]
    INSTALLATION_FIELD_NUMBER: _ClassVar[int]
    principal: str
    session: str
    source_ip: str
    user_agent: str
    event_id: str
    event_time: _timestamp_pb2.Timestamp
    confidence: Cause.Confidence
    invoked_by: str
    installation: str
    def __init__(self, principal: _Optional[str] = ..., session: _Optional[str] = ..., source_ip: _Optional[str] = ..., user_agent: _Optional[str] = ..., event_id: _Optional[str] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., confidence: _Optional[_Union[Cause.Confidence, str]] = ..., invoked_by: _Optional[str] = ..., installation: _Optional[str] = ...) -> None: ...

class ErrorAttempts(_message.Message):
    __slots__ = ("first_time", "last_time", "attempt_count")
    FIRST_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_TIME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_COUNT_FIELD_NUMBER: _ClassVar[int]
    first_time: _timestamp_pb2.Timestamp
    last_time: _timestamp_pb2.Timestamp
    attempt_count: int
    def __init__(self, first_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempt_count: _Optional[int] = ...) -> None: ...

class Plan(_message.Message):
    __slots__ = ("calls", "warnings", "omitted_calls", "omitted_warnings", "digest")
    CALLS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    OMITTED_CALLS_FIELD_NUMBER: _ClassVar[int]
    OMITTED_WARNINGS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    calls: _containers.RepeatedCompositeFieldContainer[PlannedCall]
    warnings: _containers.RepeatedCompositeFieldContainer[Warning]
    omitted_calls: int
    omitted_warnings: int
    digest: str
    def __init__(self, calls: _Optional[_Iterable[_Union[PlannedCall, _Mapping]]] = ..., warnings: _Optional[_Iterable[_Union[Warning, _Mapping]]] = ..., omitted_calls: _Optional[int] = ..., omitted_warnings: _Optional[int] = ..., digest: _Optional[str] = ...) -> None: ...

class PlannedCall(_message.Message):
    __slots__ = ("service", "operation", "request", "changes", "request_omitted", "omitted_changes")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_OMITTED_FIELD_NUMBER: _ClassVar[int]
    OMITTED_CHANGES_FIELD_NUMBER: _ClassVar[int]
    service: str
    operation: str
    request: _struct_pb2.Struct
    changes: _containers.RepeatedCompositeFieldContainer[ElementChange]
    request_omitted: bool
    omitted_changes: int
    def __init__(self, service: _Optional[str] = ..., operation: _Optional[str] = ..., request: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., changes: _Optional[_Iterable[_Union[ElementChange, _Mapping]]] = ..., request_omitted: bool = ..., omitted_changes: _Optional[int] = ...) -> None: ...

class ElementChange(_message.Message):
    __slots__ = ("setting", "key", "kind", "before", "after", "pairs", "values_omitted")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[ElementChange.Kind]
        ADD: _ClassVar[ElementChange.Kind]
        UPDATE: _ClassVar[ElementChange.Kind]
        REPLACE: _ClassVar[ElementChange.Kind]
        REMOVE: _ClassVar[ElementChange.Kind]
    KIND_UNSPECIFIED: ElementChange.Kind
    ADD: ElementChange.Kind
    UPDATE: ElementChange.Kind
    REPLACE: ElementChange.Kind
    REMOVE: ElementChange.Kind
    SETTING_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    VALUES_OMITTED_FIELD_NUMBER: _ClassVar[int]
    setting: str
    key: str
    kind: ElementChange.Kind
    before: _struct_pb2.Value
    after: _struct_pb2.Value
    pairs: ReplicationPairs
    values_omitted: bool
    def __init__(self, setting: _Optional[str] = ..., key: _Optional[str] = ..., kind: _Optional[_Union[ElementChange.Kind, str]] = ..., before: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., after: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., pairs: _Optional[_Union[ReplicationPairs, _Mapping]] = ..., values_omitted: bool = ...) -> None: ...

class Warning(_message.Message):
    __slots__ = ("reason", "subject", "message")
    REASON_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    reason: str
    subject: str
    message: str
    def __init__(self, reason: _Optional[str] = ..., subject: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class ReplicationPairs(_message.Message):
    __slots__ = ("destinations", "filters")
    DESTINATIONS_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    destinations: _containers.RepeatedScalarFieldContainer[str]
    filters: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, destinations: _Optional[_Iterable[str]] = ..., filters: _Optional[_Iterable[str]] = ...) -> None: ...
