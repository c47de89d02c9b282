import datetime

from ecrkeeper.v1 import common_pb2 as _common_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AuditEvent(_message.Message):
    __slots__ = ("name", "kind", "create_time", "complete_time", "principal", "method", "resource", "account", "region", "owners", "request_id", "call_id", "reconcile_id", "generation", "reason", "changes", "omitted_changes", "outcome", "aws_error_code", "aws_request_id", "cause")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[AuditEvent.Kind]
        CALL: _ClassVar[AuditEvent.Kind]
        AWS_WRITE: _ClassVar[AuditEvent.Kind]
    KIND_UNSPECIFIED: AuditEvent.Kind
    CALL: AuditEvent.Kind
    AWS_WRITE: AuditEvent.Kind
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[AuditEvent.Outcome]
        SUCCEEDED: _ClassVar[AuditEvent.Outcome]
        FAILED: _ClassVar[AuditEvent.Outcome]
        UNKNOWN: _ClassVar[AuditEvent.Outcome]
        NOT_SENT: _ClassVar[AuditEvent.Outcome]
    OUTCOME_UNSPECIFIED: AuditEvent.Outcome
    SUCCEEDED: AuditEvent.Outcome
    FAILED: AuditEvent.Outcome
    UNKNOWN: AuditEvent.Outcome
    NOT_SENT: AuditEvent.Outcome
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_TIME_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    OWNERS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    RECONCILE_ID_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    OMITTED_CHANGES_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    AWS_ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    AWS_REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: AuditEvent.Kind
    create_time: _timestamp_pb2.Timestamp
    complete_time: _timestamp_pb2.Timestamp
    principal: str
    method: str
    resource: str
    account: str
    region: str
    owners: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    call_id: str
    reconcile_id: str
    generation: int
    reason: str
    changes: _containers.RepeatedCompositeFieldContainer[_common_pb2.ElementChange]
    omitted_changes: int
    outcome: AuditEvent.Outcome
    aws_error_code: str
    aws_request_id: str
    cause: _common_pb2.Cause
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[AuditEvent.Kind, str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., complete_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., principal: _Optional[str] = ..., method: _Optional[str] = ..., resource: _Optional[str] = ..., account: _Optional[str] = ..., region: _Optional[str] = ..., owners: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ..., call_id: _Optional[str] = ..., reconcile_id: _Optional[str] = ..., generation: _Optional[int] = ..., reason: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[_common_pb2.ElementChange, _Mapping]]] = ..., omitted_changes: _Optional[int] = ..., outcome: _Optional[_Union[AuditEvent.Outcome, str]] = ..., aws_error_code: _Optional[str] = ..., aws_request_id: _Optional[str] = ..., cause: _Optional[_Union[_common_pb2.Cause, _Mapping]] = ...) -> None: ...
