import datetime

from ecrkeeper.v1 import common_pb2 as _common_pb2
from ecrkeeper.v1 import settings_pb2 as _settings_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RegistryView(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REGISTRY_VIEW_UNSPECIFIED: _ClassVar[RegistryView]
    BASIC: _ClassVar[RegistryView]
    FULL: _ClassVar[RegistryView]
REGISTRY_VIEW_UNSPECIFIED: RegistryView
BASIC: RegistryView
FULL: RegistryView

class Registry(_message.Message):
    __slots__ = ("name", "uid", "etag", "generation", "observed_generation", "create_time", "update_time", "reconciling", "conditions", "drift", "last_error", "next_reconcile_time", "mode", "unmanaged_elements", "owners", "desired", "observed", "observe_time", "elements", "quota_usage", "last_remediation", "replication_checks", "plan", "declarations", "last_error_attempts", "view", "element_counts", "worst_problem", "owner_count", "truncated_fields")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_GENERATION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    RECONCILING_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    DRIFT_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    NEXT_RECONCILE_TIME_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    UNMANAGED_ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    OWNERS_FIELD_NUMBER: _ClassVar[int]
    DESIRED_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    OBSERVE_TIME_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    QUOTA_USAGE_FIELD_NUMBER: _ClassVar[int]
    LAST_REMEDIATION_FIELD_NUMBER: _ClassVar[int]
    REPLICATION_CHECKS_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    DECLARATIONS_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    ELEMENT_COUNTS_FIELD_NUMBER: _ClassVar[int]
    WORST_PROBLEM_FIELD_NUMBER: _ClassVar[int]
    OWNER_COUNT_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    uid: str
    etag: str
    generation: int
    observed_generation: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    reconciling: bool
    conditions: _containers.RepeatedCompositeFieldContainer[_common_pb2.Condition]
    drift: _containers.RepeatedCompositeFieldContainer[_common_pb2.Drift]
    last_error: _status_pb2.Status
    next_reconcile_time: _timestamp_pb2.Timestamp
    mode: _common_pb2.Mode
    unmanaged_elements: _common_pb2.UnmanagedElements
    owners: _containers.RepeatedScalarFieldContainer[str]
    desired: _settings_pb2.Settings
    observed: _settings_pb2.Settings
    observe_time: _timestamp_pb2.Timestamp
    elements: _containers.RepeatedCompositeFieldContainer[Element]
    quota_usage: _containers.RepeatedCompositeFieldContainer[QuotaUsage]
    last_remediation: Remediation
    replication_checks: _containers.RepeatedCompositeFieldContainer[ReplicationCheck]
    plan: _common_pb2.Plan
    declarations: _containers.RepeatedCompositeFieldContainer[DeclarationStatus]
    last_error_attempts: _common_pb2.ErrorAttempts
    view: RegistryView
    element_counts: _containers.RepeatedCompositeFieldContainer[ElementCount]
    worst_problem: RegistryProblem
    owner_count: int
    truncated_fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., etag: _Optional[str] = ..., generation: _Optional[int] = ..., observed_generation: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reconciling: bool = ..., conditions: _Optional[_Iterable[_Union[_common_pb2.Condition, _Mapping]]] = ..., drift: _Optional[_Iterable[_Union[_common_pb2.Drift, _Mapping]]] = ..., last_error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., next_reconcile_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., mode: _Optional[_Union[_common_pb2.Mode, str]] = ..., unmanaged_elements: _Optional[_Union[_common_pb2.UnmanagedElements, str]] = ..., owners: _Optional[_Iterable[str]] = ..., desired: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., observed: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., observe_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., elements: _Optional[_Iterable[_Union[Element, _Mapping]]] = ..., quota_usage: _Optional[_Iterable[_Union[QuotaUsage, _Mapping]]] = ..., last_remediation: _Optional[_Union[Remediation, _Mapping]] = ..., replication_checks: _Optional[_Iterable[_Union[ReplicationCheck, _Mapping]]] = ..., plan: _Optional[_Union[_common_pb2.Plan, _Mapping]] = ..., declarations: _Optional[_Iterable[_Union[DeclarationStatus, _Mapping]]] = ..., last_error_attempts: _Optional[_Union[_common_pb2.ErrorAttempts, _Mapping]] = ..., view: _Optional[_Union[RegistryView, str]] = ..., element_counts: _Optional[_Iterable[_Union[ElementCount, _Mapping]]] = ..., worst_problem: _Optional[_Union[RegistryProblem, _Mapping]] = ..., owner_count: _Optional[int] = ..., truncated_fields: _Optional[_Iterable[str]] = ...) -> None: ...

class DeclarationStatus(_message.Message):
    __slots__ = ("owner", "generation", "observed_generation", "conditions", "last_error")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_GENERATION_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    owner: str
    generation: int
    observed_generation: int
    conditions: _containers.RepeatedCompositeFieldContainer[_common_pb2.Condition]
    last_error: _status_pb2.Status
    def __init__(self, owner: _Optional[str] = ..., generation: _Optional[int] = ..., observed_generation: _Optional[int] = ..., conditions: _Optional[_Iterable[_Union[_common_pb2.Condition, _Mapping]]] = ..., last_error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class Element(_message.Message):
    __slots__ = ("setting", "key", "state", "owners", "value", "problem", "pairs", "observed", "value_omitted")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Element.State]
        IN_SYNC: _ClassVar[Element.State]
        OUT_OF_SYNC: _ClassVar[Element.State]
        UNMANAGED: _ClassVar[Element.State]
        REMOVING: _ClassVar[Element.State]
    STATE_UNSPECIFIED: Element.State
    IN_SYNC: Element.State
    OUT_OF_SYNC: Element.State
    UNMANAGED: Element.State
    REMOVING: Element.State
    SETTING_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    OWNERS_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    VALUE_OMITTED_FIELD_NUMBER: _ClassVar[int]
    setting: str
    key: str
    state: Element.State
    owners: _containers.RepeatedScalarFieldContainer[str]
    value: _struct_pb2.Value
    problem: str
    pairs: _common_pb2.ReplicationPairs
    observed: _struct_pb2.Value
    value_omitted: bool
    def __init__(self, setting: _Optional[str] = ..., key: _Optional[str] = ..., state: _Optional[_Union[Element.State, str]] = ..., owners: _Optional[_Iterable[str]] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., problem: _Optional[str] = ..., pairs: _Optional[_Union[_common_pb2.ReplicationPairs, _Mapping]] = ..., observed: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., value_omitted: bool = ...) -> None: ...

class QuotaUsage(_message.Message):
    __slots__ = ("setting", "quota", "used", "limit")
    SETTING_FIELD_NUMBER: _ClassVar[int]
    QUOTA_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    setting: str
    quota: str
    used: int
    limit: int
    def __init__(self, setting: _Optional[str] = ..., quota: _Optional[str] = ..., used: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class Remediation(_message.Message):
    __slots__ = ("remediation_time", "drift", "cause")
    REMEDIATION_TIME_FIELD_NUMBER: _ClassVar[int]
    DRIFT_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    remediation_time: _timestamp_pb2.Timestamp
    drift: _containers.RepeatedCompositeFieldContainer[_common_pb2.Drift]
    cause: _common_pb2.Cause
    def __init__(self, remediation_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., drift: _Optional[_Iterable[_Union[_common_pb2.Drift, _Mapping]]] = ..., cause: _Optional[_Union[_common_pb2.Cause, _Mapping]] = ...) -> None: ...

class ReplicationCheck(_message.Message):
    __slots__ = ("destination", "result", "findings", "check_time", "arrivals")
    class Result(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        RESULT_UNSPECIFIED: _ClassVar[ReplicationCheck.Result]
        OK: _ClassVar[ReplicationCheck.Result]
        BROKEN: _ClassVar[ReplicationCheck.Result]
        UNKNOWN: _ClassVar[ReplicationCheck.Result]
        CONDITIONAL: _ClassVar[ReplicationCheck.Result]
    RESULT_UNSPECIFIED: ReplicationCheck.Result
    OK: ReplicationCheck.Result
    BROKEN: ReplicationCheck.Result
    UNKNOWN: ReplicationCheck.Result
    CONDITIONAL: ReplicationCheck.Result
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    CHECK_TIME_FIELD_NUMBER: _ClassVar[int]
    ARRIVALS_FIELD_NUMBER: _ClassVar[int]
    destination: _settings_pb2.ReplicationDestination
    result: ReplicationCheck.Result
    findings: _containers.RepeatedCompositeFieldContainer[_common_pb2.Warning]
    check_time: _timestamp_pb2.Timestamp
    arrivals: _containers.RepeatedCompositeFieldContainer[ReplicationArrival]
    def __init__(self, destination: _Optional[_Union[_settings_pb2.ReplicationDestination, _Mapping]] = ..., result: _Optional[_Union[ReplicationCheck.Result, str]] = ..., findings: _Optional[_Iterable[_Union[_common_pb2.Warning, _Mapping]]] = ..., check_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., arrivals: _Optional[_Iterable[_Union[ReplicationArrival, _Mapping]]] = ...) -> None: ...

class ReplicationArrival(_message.Message):
    __slots__ = ("outcome", "filters", "partial_filters", "omitted_filters", "example_repository")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[ReplicationArrival.Outcome]
        ARRIVES: _ClassVar[ReplicationArrival.Outcome]
        ARRIVES_IF_REPOSITORY_EXISTS: _ClassVar[ReplicationArrival.Outcome]
        DOES_NOT_ARRIVE: _ClassVar[ReplicationArrival.Outcome]
        UNKNOWN: _ClassVar[ReplicationArrival.Outcome]
    OUTCOME_UNSPECIFIED: ReplicationArrival.Outcome
    ARRIVES: ReplicationArrival.Outcome
    ARRIVES_IF_REPOSITORY_EXISTS: ReplicationArrival.Outcome
    DOES_NOT_ARRIVE: ReplicationArrival.Outcome
    UNKNOWN: ReplicationArrival.Outcome
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FILTERS_FIELD_NUMBER: _ClassVar[int]
    OMITTED_FILTERS_FIELD_NUMBER: _ClassVar[int]
    EXAMPLE_REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    outcome: ReplicationArrival.Outcome
    filters: _containers.RepeatedScalarFieldContainer[str]
    partial_filters: _containers.RepeatedScalarFieldContainer[str]
    omitted_filters: int
    example_repository: str
    def __init__(self, outcome: _Optional[_Union[ReplicationArrival.Outcome, str]] = ..., filters: _Optional[_Iterable[str]] = ..., partial_filters: _Optional[_Iterable[str]] = ..., omitted_filters: _Optional[int] = ..., example_repository: _Optional[str] = ...) -> None: ...

class RepositoryReplication(_message.Message):
    __slots__ = ("destination", "outcome", "findings")
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    destination: _settings_pb2.ReplicationDestination
    outcome: ReplicationArrival.Outcome
    findings: _containers.RepeatedCompositeFieldContainer[_common_pb2.Warning]
    def __init__(self, destination: _Optional[_Union[_settings_pb2.ReplicationDestination, _Mapping]] = ..., outcome: _Optional[_Union[ReplicationArrival.Outcome, str]] = ..., findings: _Optional[_Iterable[_Union[_common_pb2.Warning, _Mapping]]] = ...) -> None: ...

class RegistrySettings(_message.Message):
    __slots__ = ("name", "uid", "etag", "generation", "observed_generation", "create_time", "update_time", "reconciling", "conditions", "drift", "last_error", "next_reconcile_time", "settings", "deletion_policy", "allow_replacement", "plan", "truncated_fields", "managed_by", "apply_group", "takeovers")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_GENERATION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    RECONCILING_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    DRIFT_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    NEXT_RECONCILE_TIME_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    DELETION_POLICY_FIELD_NUMBER: _ClassVar[int]
    ALLOW_REPLACEMENT_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    MANAGED_BY_FIELD_NUMBER: _ClassVar[int]
    APPLY_GROUP_FIELD_NUMBER: _ClassVar[int]
    TAKEOVERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    uid: str
    etag: str
    generation: int
    observed_generation: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    reconciling: bool
    conditions: _containers.RepeatedCompositeFieldContainer[_common_pb2.Condition]
    drift: _containers.RepeatedCompositeFieldContainer[_common_pb2.Drift]
    last_error: _status_pb2.Status
    next_reconcile_time: _timestamp_pb2.Timestamp
    settings: _settings_pb2.Settings
    deletion_policy: _common_pb2.DeletionPolicy
    allow_replacement: bool
    plan: _common_pb2.Plan
    truncated_fields: _containers.RepeatedScalarFieldContainer[str]
    managed_by: str
    apply_group: str
    takeovers: _containers.RepeatedCompositeFieldContainer[Takeover]
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., etag: _Optional[str] = ..., generation: _Optional[int] = ..., observed_generation: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reconciling: bool = ..., conditions: _Optional[_Iterable[_Union[_common_pb2.Condition, _Mapping]]] = ..., drift: _Optional[_Iterable[_Union[_common_pb2.Drift, _Mapping]]] = ..., last_error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., next_reconcile_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., deletion_policy: _Optional[_Union[_common_pb2.DeletionPolicy, str]] = ..., allow_replacement: bool = ..., plan: _Optional[_Union[_common_pb2.Plan, _Mapping]] = ..., truncated_fields: _Optional[_Iterable[str]] = ..., managed_by: _Optional[str] = ..., apply_group: _Optional[str] = ..., takeovers: _Optional[_Iterable[_Union[Takeover, _Mapping]]] = ...) -> None: ...

class Takeover(_message.Message):
    __slots__ = ("owner", "setting", "key", "value", "value_omitted", "pairs")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    SETTING_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    VALUE_OMITTED_FIELD_NUMBER: _ClassVar[int]
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    owner: str
    setting: str
    key: str
    value: _struct_pb2.Value
    value_omitted: bool
    pairs: _common_pb2.ReplicationPairs
    def __init__(self, owner: _Optional[str] = ..., setting: _Optional[str] = ..., key: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., value_omitted: bool = ..., pairs: _Optional[_Union[_common_pb2.ReplicationPairs, _Mapping]] = ...) -> None: ...

class RegistrySettingsRevision(_message.Message):
    __slots__ = ("revision", "settings", "create_time", "principal", "request_id", "reason", "method", "changes", "deletion_policy", "allow_replacement", "truncated_fields")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    DELETION_POLICY_FIELD_NUMBER: _ClassVar[int]
    ALLOW_REPLACEMENT_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    revision: int
    settings: _settings_pb2.Settings
    create_time: _timestamp_pb2.Timestamp
    principal: str
    request_id: str
    reason: str
    method: str
    changes: _containers.RepeatedCompositeFieldContainer[_common_pb2.ElementChange]
    deletion_policy: _common_pb2.DeletionPolicy
    allow_replacement: bool
    truncated_fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, revision: _Optional[int] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., principal: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ..., method: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[_common_pb2.ElementChange, _Mapping]]] = ..., deletion_policy: _Optional[_Union[_common_pb2.DeletionPolicy, str]] = ..., allow_replacement: bool = ..., truncated_fields: _Optional[_Iterable[str]] = ...) -> None: ...

class ReplicationBackfill(_message.Message):
    __slots__ = ("name", "destination", "status", "failure_code", "total_replication_count", "completed_replication_count", "failed_replication_count", "failure_codes", "start_time", "end_time")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[ReplicationBackfill.Status]
        PREPARING: _ClassVar[ReplicationBackfill.Status]
        IN_PROGRESS: _ClassVar[ReplicationBackfill.Status]
        COMPLETE: _ClassVar[ReplicationBackfill.Status]
        FAILED: _ClassVar[ReplicationBackfill.Status]
        STOPPING: _ClassVar[ReplicationBackfill.Status]
        STOPPED: _ClassVar[ReplicationBackfill.Status]
    STATUS_UNSPECIFIED: ReplicationBackfill.Status
    PREPARING: ReplicationBackfill.Status
    IN_PROGRESS: ReplicationBackfill.Status
    COMPLETE: ReplicationBackfill.Status
    FAILED: ReplicationBackfill.Status
    STOPPING: ReplicationBackfill.Status
    STOPPED: ReplicationBackfill.Status
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_CODE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_REPLICATION_COUNT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_REPLICATION_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILED_REPLICATION_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_CODES_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    destination: _settings_pb2.ReplicationDestination
    status: ReplicationBackfill.Status
    failure_code: str
    total_replication_count: int
    completed_replication_count: int
    failed_replication_count: int
    failure_codes: _containers.RepeatedScalarFieldContainer[str]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., destination: _Optional[_Union[_settings_pb2.ReplicationDestination, _Mapping]] = ..., status: _Optional[_Union[ReplicationBackfill.Status, str]] = ..., failure_code: _Optional[str] = ..., total_replication_count: _Optional[int] = ..., completed_replication_count: _Optional[int] = ..., failed_replication_count: _Optional[int] = ..., failure_codes: _Optional[_Iterable[str]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReplicationBackfillResult(_message.Message):
    __slots__ = ("repository_name", "image_digest", "image_tag", "status", "failure_code")
    REPOSITORY_NAME_FIELD_NUMBER: _ClassVar[int]
    IMAGE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    IMAGE_TAG_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_CODE_FIELD_NUMBER: _ClassVar[int]
    repository_name: str
    image_digest: str
    image_tag: str
    status: str
    failure_code: str
    def __init__(self, repository_name: _Optional[str] = ..., image_digest: _Optional[str] = ..., image_tag: _Optional[str] = ..., status: _Optional[str] = ..., failure_code: _Optional[str] = ...) -> None: ...

class ElementCount(_message.Message):
    __slots__ = ("setting", "state", "count")
    SETTING_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    setting: str
    state: Element.State
    count: int
    def __init__(self, setting: _Optional[str] = ..., state: _Optional[_Union[Element.State, str]] = ..., count: _Optional[int] = ...) -> None: ...

class RegistryProblem(_message.Message):
    __slots__ = ("reason", "message", "setting", "key")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SETTING_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    reason: str
    message: str
    setting: str
    key: str
    def __init__(self, reason: _Optional[str] = ..., message: _Optional[str] = ..., setting: _Optional[str] = ..., key: _Optional[str] = ...) -> None: ...
