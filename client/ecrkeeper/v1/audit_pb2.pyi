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
    """One entry of the audit trail: a call that changed something and was accepted, or one write to
    AWS.

    Rejected calls and reads have no event. Calls with `validate_only` and calls that repeat a
    `request_id` have no event either. Events hold names of credentials, such as the ARN of a
    secret, and never credentials."""
    __slots__ = ("name", "kind", "create_time", "complete_time", "principal", "method", "resource", "account", "region", "owners", "request_id", "call_id", "reconcile_id", "generation", "reason", "changes", "omitted_changes", "outcome", "aws_error_code", "aws_request_id", "cause")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Kind of an event."""
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[AuditEvent.Kind]
        """Never returned."""
        CALL: _ClassVar[AuditEvent.Kind]
        """A call to ecrkeeper, recorded in the transaction of its change."""
        AWS_WRITE: _ClassVar[AuditEvent.Kind]
        """A write to AWS, recorded before ecrkeeper sends it and completed afterwards."""
    KIND_UNSPECIFIED: AuditEvent.Kind
    CALL: AuditEvent.Kind
    AWS_WRITE: AuditEvent.Kind
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Outcome of the call."""
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[AuditEvent.Outcome]
        """Never returned."""
        SUCCEEDED: _ClassVar[AuditEvent.Outcome]
        """The call was accepted."""
        FAILED: _ClassVar[AuditEvent.Outcome]
        """AWS rejected the call with `aws_error_code`."""
        UNKNOWN: _ClassVar[AuditEvent.Outcome]
        """The effect is unknown. Without a `complete_time`, the attempt is running, or its process
        ended before it recorded the outcome. With a `complete_time`, AWS did not answer."""
        NOT_SENT: _ClassVar[AuditEvent.Outcome]
        """ecrkeeper did not send the call, because an earlier error ended the attempt."""
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
    """Identifier. `auditEvents/{number}`; numbers rise, and some are skipped."""
    kind: AuditEvent.Kind
    """Output only. Kind of the event."""
    create_time: _timestamp_pb2.Timestamp
    """Output only. Time of the record."""
    complete_time: _timestamp_pb2.Timestamp
    """Output only. Time at which the outcome of an AWS write was recorded."""
    principal: str
    """Output only. Principal of the caller. Empty for unauthenticated callers and for AWS writes,
    which follow from the declarations of `owners`."""
    method: str
    """Output only. The RPC, for example `UpdateRegistrySettings`, or the AWS service and operation,
    for example `ecr:PutReplicationConfiguration`."""
    resource: str
    """Output only. Name of the changed resource. For an AWS write, the reconciled registry or
    role."""
    account: str
    """Output only. The account of the resource."""
    region: str
    """Output only. Region of the registry. For an AWS write, the called Region. Empty for a call on
    a role."""
    owners: _containers.RepeatedScalarFieldContainer[str]
    """Output only. Owner of the changed declaration. For an AWS write, the owners of the elements
    that it sets. Removed elements have no owner any more: the call that caused the removal has the
    same `resource`, and the same or an earlier `generation`."""
    request_id: str
    """Output only. The `request_id` of the call."""
    call_id: str
    """Output only. Id of the call in the log and in errors: the metadata `x-request-id` if the
    caller sent it."""
    reconcile_id: str
    """Output only. Id of the attempt that wrote to AWS, as in the log."""
    generation: int
    """Output only. Generation of the registry or role that the call created. For an AWS write, the
    reconciled generation."""
    reason: str
    """Output only. The `reason` of the caller, or one of the server's own:

    - `taken over by OWNER`: the call took elements of this declaration over with `force`. -
    `ROLLOUT: REASON`, or only the name of the rollout: a rollout declared the settings. REASON is
    that of the caller who started it. - `document NUMBER of FILE`: an import wrote the resource. -
    `EVENT_PROBE`: an AWS write of an unchanged setting, to find out whether events arrive."""
    changes: _containers.RepeatedCompositeFieldContainer[_common_pb2.ElementChange]
    """Output only. Changes by element. Besides the settings, `setting` is `registry_settings`,
    `registry`, `service_linked_role`, `role`, `tags`, `description` or `replication_backfill`."""
    omitted_changes: int
    """Output only. Number of changes that are omitted because all changes together exceed 200,000
    characters. The revisions of the declaration have them."""
    outcome: AuditEvent.Outcome
    """Output only. Outcome of the call."""
    aws_error_code: str
    """Output only. AWS's error code without the suffix `Exception`."""
    aws_request_id: str
    """Output only. AWS's id of the request, for CloudTrail and support."""
    cause: _common_pb2.Cause
    """Output only. For an AWS write that reverted drift, the call that caused the drift. It is
    known some time after the event: a stream then sends the event again."""
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[AuditEvent.Kind, str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., complete_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., principal: _Optional[str] = ..., method: _Optional[str] = ..., resource: _Optional[str] = ..., account: _Optional[str] = ..., region: _Optional[str] = ..., owners: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ..., call_id: _Optional[str] = ..., reconcile_id: _Optional[str] = ..., generation: _Optional[int] = ..., reason: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[_common_pb2.ElementChange, _Mapping]]] = ..., omitted_changes: _Optional[int] = ..., outcome: _Optional[_Union[AuditEvent.Outcome, str]] = ..., aws_error_code: _Optional[str] = ..., aws_request_id: _Optional[str] = ..., cause: _Optional[_Union[_common_pb2.Cause, _Mapping]] = ...) -> None: ...
