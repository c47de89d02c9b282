import datetime

from ecrkeeper.v1 import common_pb2 as _common_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ServiceLinkedRole(_message.Message):
    __slots__ = ("name", "uid", "etag", "generation", "observed_generation", "create_time", "update_time", "reconciling", "conditions", "drift", "last_error", "next_reconcile_time", "mode", "description", "tags", "provenance", "state", "role_name", "aws_service_name", "arn", "role_id", "role_create_time", "observed_description", "observed_tags", "deletion_task_id", "observe_time", "plan", "last_error_attempts")
    class Provenance(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PROVENANCE_UNSPECIFIED: _ClassVar[ServiceLinkedRole.Provenance]
        CREATED: _ClassVar[ServiceLinkedRole.Provenance]
        ADOPTED: _ClassVar[ServiceLinkedRole.Provenance]
        AUTO_CREATED: _ClassVar[ServiceLinkedRole.Provenance]
    PROVENANCE_UNSPECIFIED: ServiceLinkedRole.Provenance
    CREATED: ServiceLinkedRole.Provenance
    ADOPTED: ServiceLinkedRole.Provenance
    AUTO_CREATED: ServiceLinkedRole.Provenance
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[ServiceLinkedRole.State]
        ACTIVE: _ClassVar[ServiceLinkedRole.State]
        ABSENT: _ClassVar[ServiceLinkedRole.State]
        DELETING: _ClassVar[ServiceLinkedRole.State]
    STATE_UNSPECIFIED: ServiceLinkedRole.State
    ACTIVE: ServiceLinkedRole.State
    ABSENT: ServiceLinkedRole.State
    DELETING: ServiceLinkedRole.State
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ObservedTagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
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
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ROLE_NAME_FIELD_NUMBER: _ClassVar[int]
    AWS_SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    ARN_FIELD_NUMBER: _ClassVar[int]
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_TAGS_FIELD_NUMBER: _ClassVar[int]
    DELETION_TASK_ID_FIELD_NUMBER: _ClassVar[int]
    OBSERVE_TIME_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
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
    description: str
    tags: _containers.ScalarMap[str, str]
    provenance: ServiceLinkedRole.Provenance
    state: ServiceLinkedRole.State
    role_name: str
    aws_service_name: str
    arn: str
    role_id: str
    role_create_time: _timestamp_pb2.Timestamp
    observed_description: str
    observed_tags: _containers.ScalarMap[str, str]
    deletion_task_id: str
    observe_time: _timestamp_pb2.Timestamp
    plan: _common_pb2.Plan
    last_error_attempts: _common_pb2.ErrorAttempts
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., etag: _Optional[str] = ..., generation: _Optional[int] = ..., observed_generation: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reconciling: bool = ..., conditions: _Optional[_Iterable[_Union[_common_pb2.Condition, _Mapping]]] = ..., drift: _Optional[_Iterable[_Union[_common_pb2.Drift, _Mapping]]] = ..., last_error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., next_reconcile_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., mode: _Optional[_Union[_common_pb2.Mode, str]] = ..., description: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., provenance: _Optional[_Union[ServiceLinkedRole.Provenance, str]] = ..., state: _Optional[_Union[ServiceLinkedRole.State, str]] = ..., role_name: _Optional[str] = ..., aws_service_name: _Optional[str] = ..., arn: _Optional[str] = ..., role_id: _Optional[str] = ..., role_create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., observed_description: _Optional[str] = ..., observed_tags: _Optional[_Mapping[str, str]] = ..., deletion_task_id: _Optional[str] = ..., observe_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., plan: _Optional[_Union[_common_pb2.Plan, _Mapping]] = ..., last_error_attempts: _Optional[_Union[_common_pb2.ErrorAttempts, _Mapping]] = ...) -> None: ...

class RegionUsage(_message.Message):
    __slots__ = ("region", "state", "resources", "message", "owners", "omitted_resources", "omitted_owners")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[RegionUsage.State]
        IN_USE: _ClassVar[RegionUsage.State]
        FREE: _ClassVar[RegionUsage.State]
        UNKNOWN: _ClassVar[RegionUsage.State]
    STATE_UNSPECIFIED: RegionUsage.State
    IN_USE: RegionUsage.State
    FREE: RegionUsage.State
    UNKNOWN: RegionUsage.State
    REGION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    OWNERS_FIELD_NUMBER: _ClassVar[int]
    OMITTED_RESOURCES_FIELD_NUMBER: _ClassVar[int]
    OMITTED_OWNERS_FIELD_NUMBER: _ClassVar[int]
    region: str
    state: RegionUsage.State
    resources: _containers.RepeatedScalarFieldContainer[str]
    message: str
    owners: _containers.RepeatedScalarFieldContainer[str]
    omitted_resources: int
    omitted_owners: int
    def __init__(self, region: _Optional[str] = ..., state: _Optional[_Union[RegionUsage.State, str]] = ..., resources: _Optional[_Iterable[str]] = ..., message: _Optional[str] = ..., owners: _Optional[_Iterable[str]] = ..., omitted_resources: _Optional[int] = ..., omitted_owners: _Optional[int] = ...) -> None: ...
