import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import duration_pb2 as _duration_pb2
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
    """How ecrkeeper treats a resource."""
    __slots__ = ()
    MODE_UNSPECIFIED: _ClassVar[Mode]
    """Read as `ENFORCE`."""
    ENFORCE: _ClassVar[Mode]
    """Observe AWS, and write until it matches the declarations."""
    OBSERVE: _ClassVar[Mode]
    """Observe AWS and report drift; never write."""
    PAUSED: _ClassVar[Mode]
    """Neither observe nor write."""

class UnmanagedElements(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    """Handling of unmanaged elements: elements in AWS that nobody declared and that ecrkeeper did
    not write."""
    __slots__ = ()
    UNMANAGED_ELEMENTS_UNSPECIFIED: _ClassVar[UnmanagedElements]
    """Read as `PRESERVE`."""
    PRESERVE: _ClassVar[UnmanagedElements]
    """Keep them, and list them in the registry's elements."""
    PRUNE: _ClassVar[UnmanagedElements]
    """Remove them from every setting that at least one owner declares."""

class DeletionPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    """Effect of deleting a declaration in AWS."""
    __slots__ = ()
    DELETION_POLICY_UNSPECIFIED: _ClassVar[DeletionPolicy]
    """Read as `REMOVE`."""
    REMOVE: _ClassVar[DeletionPolicy]
    """Remove the declaration's elements from AWS, except those that other owners declare."""
    ABANDON: _ClassVar[DeletionPolicy]
    """Keep all elements in AWS, as unmanaged elements."""
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
    """One aspect of a resource's state, in the style of Kubernetes conditions. Every reconciled
    resource has four of them:

    - `Synced`: AWS matches the desired state, and no error is known. It is `FALSE` while a write is
    pending, while AWS differs, and while an error lasts. - `Blocked`: an error that waiting does
    not resolve keeps the resource out of sync, whatever the error: AWS rejects the declared value,
    a quota is exceeded, an organization policy forbids the value, access or credentials are
    missing, or ecrkeeper withholds the write. Somebody has to act. ecrkeeper retries with each
    resync. `Synced` is never `TRUE` at the same time. - `Degraded`: ecrkeeper cannot write a
    setting safely, because AWS returned members that this version does not know or no longer
    accepts what it has. `Synced` may be `TRUE` at the same time. - `Ready`: `Synced` is `TRUE`, and
    `Blocked` and `Degraded` are `FALSE`.

    A registry or a role has these conditions only while they hold:

    - `CausesUnknown`: ecrkeeper may not read CloudTrail's event history
    (`cloudtrail:LookupEvents`), so `Drift.cause` stays unset. - `ReplicationFailing`,
    `CacheFailing`: the last event of a replication destination or a pull-through cache rule
    reported a failure. Both need an event queue. - `EventsSilent`: the server has event queues, and
    no event of the account and Region arrived for 24 hours. - `Contested`: somebody changes
    elements again and again after ecrkeeper reverted them. The reason is `SECOND_KEEPER` if another
    installation of ecrkeeper makes these changes.

    The conditions of a declaration cover its owner's elements; those of a registry cover the
    elements of all owners. A condition describes the last completed reconciliation: compare
    `observed_generation` with `generation` first."""
    __slots__ = ("type", "status", "reason", "message", "last_transition_time")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """The value of a condition."""
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[Condition.Status]
        """Never returned."""
        TRUE: _ClassVar[Condition.Status]
        """The condition holds."""
        FALSE: _ClassVar[Condition.Status]
        """The condition does not hold."""
        UNKNOWN: _ClassVar[Condition.Status]
        """ecrkeeper does not know whether the condition holds."""
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
    """Output only. The type, for example `Ready`."""
    status: Condition.Status
    """Output only. Whether the condition holds."""
    reason: str
    """Output only. Reason code in `UPPER_SNAKE_CASE`, for programs."""
    message: str
    """Output only. Explanation for people."""
    last_transition_time: _timestamp_pb2.Timestamp
    """Output only. Time of the last change of `status`."""
    def __init__(self, type: _Optional[str] = ..., status: _Optional[_Union[Condition.Status, str]] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., last_transition_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Drift(_message.Message):
    """One element whose value in AWS differs from the desired one."""
    __slots__ = ("setting", "key", "kind", "desired", "observed", "since", "owners", "cause", "pairs", "values_omitted", "omitted_owners")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Kind of difference."""
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Drift.Kind]
        """Never returned."""
        MISSING: _ClassVar[Drift.Kind]
        """The element is desired and missing in AWS."""
        CHANGED: _ClassVar[Drift.Kind]
        """AWS has another value than the desired one."""
        UNEXPECTED: _ClassVar[Drift.Kind]
        """AWS has the element, and ecrkeeper removes it: it is no longer desired, or unmanaged
        under `PRUNE`."""
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
    OMITTED_OWNERS_FIELD_NUMBER: _ClassVar[int]
    setting: str
    """Output only. The setting, by its field name in `Settings`, for example
    `replication_configuration`; for a role `description` or `tags`."""
    key: str
    """Output only. The key of the element in its setting, for example `222222222222/eu-
    west-1:prod-` for one replication pair."""
    kind: Drift.Kind
    """Output only. Kind of difference."""
    desired: _struct_pb2.Value
    """Output only. The desired value in AWS's shape; unset if the element is to be removed."""
    observed: _struct_pb2.Value
    """Output only. The value in AWS; unset if the element is missing."""
    since: _timestamp_pb2.Timestamp
    """Output only. Time at which ecrkeeper first observed this kind of difference; another kind
    gets a new time. In `last_remediation`, set only if an earlier attempt found the difference."""
    owners: _containers.RepeatedScalarFieldContainer[str]
    """Output only. The owners that declare the element, in alphabetical order. Empty for roles, and
    for an element that ecrkeeper is to remove."""
    cause: Cause
    """Output only. The call that caused the difference. Unset while it is unknown: CloudTrail shows
    a call minutes later, and ecrkeeper repeats its query for 15 minutes."""
    pairs: ReplicationPairs
    """Output only. The replication pairs with the same difference; `key` is the first of them.
    Unset for other settings."""
    values_omitted: bool
    """Output only. True if a value longer than 2 KiB is omitted. `ListRegistryElements` returns
    it."""
    omitted_owners: int
    """Output only. Number of owners that are omitted, because the element has more than 20.
    `ListRegistryElements` returns them."""
    def __init__(self, setting: _Optional[str] = ..., key: _Optional[str] = ..., kind: _Optional[_Union[Drift.Kind, str]] = ..., desired: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., observed: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., owners: _Optional[_Iterable[str]] = ..., cause: _Optional[_Union[Cause, _Mapping]] = ..., pairs: _Optional[_Union[ReplicationPairs, _Mapping]] = ..., values_omitted: bool = ..., omitted_owners: _Optional[int] = ...) -> None: ...

class Cause(_message.Message):
    """The AWS call that caused drift, and its caller, as CloudTrail recorded them. If several calls
    changed the element since the last observation without the drift, it is the newest one."""
    __slots__ = ("principal", "session", "source_ip", "user_agent", "event_id", "event_time", "confidence", "invoked_by", "installation")
    class Confidence(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Certainty of a cause."""
        __slots__ = ()
        CONFIDENCE_UNSPECIFIED: _ClassVar[Cause.Confidence]
        """Never returned."""
        LIKELY: _ClassVar[Cause.Confidence]
        """An event from a queue names the call."""
        CONFIRMED: _ClassVar[Cause.Confidence]
        """CloudTrail's event history shows the call."""
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
    """Output only. ARN of the IAM role, the IAM user or the root of the account that called."""
    session: str
    """Output only. Name of the session, if the principal is a role."""
    source_ip: str
    """Output only. Address of the caller, or the DNS name of the AWS service that called."""
    user_agent: str
    """Output only. `User-Agent` of the call."""
    event_id: str
    """Output only. CloudTrail's id of the event."""
    event_time: _timestamp_pb2.Timestamp
    """Output only. Time of the call."""
    confidence: Cause.Confidence
    """Output only. Certainty of the cause."""
    invoked_by: str
    """Output only. The AWS service that called in the principal's name, for example
    `elasticfilesystem.amazonaws.com`."""
    installation: str
    """Output only. If another installation of ecrkeeper called, its id, which each installation
    sends as `install/ID` in its `User-Agent`. Two installations must not manage the same
    settings."""
    def __init__(self, principal: _Optional[str] = ..., session: _Optional[str] = ..., source_ip: _Optional[str] = ..., user_agent: _Optional[str] = ..., event_id: _Optional[str] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., confidence: _Optional[_Union[Cause.Confidence, str]] = ..., invoked_by: _Optional[str] = ..., installation: _Optional[str] = ...) -> None: ...

class ErrorAttempts(_message.Message):
    """Number and times of an error's occurrences."""
    __slots__ = ("first_time", "last_time", "attempt_count")
    FIRST_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_TIME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_COUNT_FIELD_NUMBER: _ClassVar[int]
    first_time: _timestamp_pb2.Timestamp
    """Output only. Time at which an attempt first ended with this error. Errors with the same
    reason, AWS operation and AWS code count as the same error."""
    last_time: _timestamp_pb2.Timestamp
    """Output only. Time at which an attempt last ended with this error."""
    attempt_count: int
    """Output only. Number of consecutive attempts that ended with this error."""
    def __init__(self, first_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempt_count: _Optional[int] = ...) -> None: ...

class Plan(_message.Message):
    """AWS calls and warnings of a write."""
    __slots__ = ("calls", "warnings", "omitted_calls", "omitted_warnings", "digest", "least_duration")
    CALLS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    OMITTED_CALLS_FIELD_NUMBER: _ClassVar[int]
    OMITTED_WARNINGS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    LEAST_DURATION_FIELD_NUMBER: _ClassVar[int]
    calls: _containers.RepeatedCompositeFieldContainer[PlannedCall]
    """Output only. The AWS calls in the order in which they are made."""
    warnings: _containers.RepeatedCompositeFieldContainer[Warning]
    """Output only. Consequences to check before you apply the plan."""
    omitted_calls: int
    """Output only. Number of calls that are omitted to limit the size of the answer."""
    omitted_warnings: int
    """Output only. Number of warnings that are omitted to limit the size of the answer."""
    digest: str
    """Output only. Opaque digest of the request, of the generation that it changes, and of the
    settings that AWS has. Pass it as `plan_digest` to the write: the write fails with `ABORTED` and
    the reason `PLAN_STALE` if one of them has changed since. Empty if AWS could not be observed."""
    least_duration: _duration_pb2.Duration
    """Output only. Minimum duration of the calls, because ecrkeeper limits the rate of its calls to
    an account and Region; 0 if it can make all of them at once. AWS's own limits may add to it."""
    def __init__(self, calls: _Optional[_Iterable[_Union[PlannedCall, _Mapping]]] = ..., warnings: _Optional[_Iterable[_Union[Warning, _Mapping]]] = ..., omitted_calls: _Optional[int] = ..., omitted_warnings: _Optional[int] = ..., digest: _Optional[str] = ..., least_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class PlannedCall(_message.Message):
    """One AWS call of a plan."""
    __slots__ = ("service", "operation", "request", "changes", "request_omitted", "omitted_changes")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_OMITTED_FIELD_NUMBER: _ClassVar[int]
    OMITTED_CHANGES_FIELD_NUMBER: _ClassVar[int]
    service: str
    """Output only. The AWS service: `ecr` or `iam`."""
    operation: str
    """Output only. The operation, for example `PutReplicationConfiguration`."""
    request: _struct_pb2.Struct
    """Output only. The request in AWS's shape."""
    changes: _containers.RepeatedCompositeFieldContainer[ElementChange]
    """Output only. Changes of the call, by element."""
    request_omitted: bool
    """Output only. True if `request` is omitted to limit the size of the answer."""
    omitted_changes: int
    """Output only. Number of entries of `changes` that are omitted to limit the size of the
    answer."""
    def __init__(self, service: _Optional[str] = ..., operation: _Optional[str] = ..., request: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., changes: _Optional[_Iterable[_Union[ElementChange, _Mapping]]] = ..., request_omitted: bool = ..., omitted_changes: _Optional[int] = ...) -> None: ...

class ElementChange(_message.Message):
    """The change of one element of a setting."""
    __slots__ = ("setting", "key", "kind", "before", "after", "pairs", "values_omitted")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Kind of change."""
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[ElementChange.Kind]
        """Never returned."""
        ADD: _ClassVar[ElementChange.Kind]
        """The element is added."""
        UPDATE: _ClassVar[ElementChange.Kind]
        """The element gets another value in place."""
        REPLACE: _ClassVar[ElementChange.Kind]
        """The element is deleted and created again, because AWS cannot change it in place."""
        REMOVE: _ClassVar[ElementChange.Kind]
        """The element is removed."""
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
    """Output only. The setting, by its field name in `Settings`."""
    key: str
    """Output only. The key of the element in its setting."""
    kind: ElementChange.Kind
    """Output only. Kind of change."""
    before: _struct_pb2.Value
    """Output only. The value before; unset for an addition."""
    after: _struct_pb2.Value
    """Output only. The value after; unset for a removal."""
    pairs: ReplicationPairs
    """Output only. The replication pairs with the same change; `key` is the first of them. Unset
    for other settings."""
    values_omitted: bool
    """Output only. True if a value longer than 2 KiB is omitted. The request of the planned call,
    or the settings of the revision, has it."""
    def __init__(self, setting: _Optional[str] = ..., key: _Optional[str] = ..., kind: _Optional[_Union[ElementChange.Kind, str]] = ..., before: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., after: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., pairs: _Optional[_Union[ReplicationPairs, _Mapping]] = ..., values_omitted: bool = ...) -> None: ...

class Warning(_message.Message):
    """A consequence that is allowed and may be unexpected."""
    __slots__ = ("reason", "subject", "message")
    REASON_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    reason: str
    """Output only. Reason code in `UPPER_SNAKE_CASE`, for programs."""
    subject: str
    """Output only. The affected field path or element key."""
    message: str
    """Output only. Explanation for people."""
    def __init__(self, reason: _Optional[str] = ..., subject: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class ReplicationPairs(_message.Message):
    """Replication pairs with a common state: each of the filters to each of the destinations."""
    __slots__ = ("destinations", "filters")
    DESTINATIONS_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    destinations: _containers.RepeatedScalarFieldContainer[str]
    """Output only. The destinations as `{account}/{region}`, for example `222222222222/eu-
    west-1`."""
    filters: _containers.RepeatedScalarFieldContainer[str]
    """Output only. The repository prefixes; the empty prefix matches every repository."""
    def __init__(self, destinations: _Optional[_Iterable[str]] = ..., filters: _Optional[_Iterable[str]] = ...) -> None: ...
