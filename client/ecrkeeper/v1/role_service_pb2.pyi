import datetime

from ecrkeeper.v1 import common_pb2 as _common_pb2
from ecrkeeper.v1 import role_pb2 as _role_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.longrunning import operations_pb2 as _operations_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetServiceLinkedRoleRequest(_message.Message):
    __slots__ = ("name", "refresh")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REFRESH_FIELD_NUMBER: _ClassVar[int]
    name: str
    refresh: bool
    def __init__(self, name: _Optional[str] = ..., refresh: bool = ...) -> None: ...

class ListServiceLinkedRolesRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "filter")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    filter: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class ListServiceLinkedRolesResponse(_message.Message):
    __slots__ = ("service_linked_roles", "next_page_token")
    SERVICE_LINKED_ROLES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    service_linked_roles: _containers.RepeatedCompositeFieldContainer[_role_pb2.ServiceLinkedRole]
    next_page_token: str
    def __init__(self, service_linked_roles: _Optional[_Iterable[_Union[_role_pb2.ServiceLinkedRole, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateServiceLinkedRoleRequest(_message.Message):
    __slots__ = ("parent", "service_linked_role_id", "service_linked_role", "validate_only", "request_id")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    SERVICE_LINKED_ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_LINKED_ROLE_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    parent: str
    service_linked_role_id: str
    service_linked_role: _role_pb2.ServiceLinkedRole
    validate_only: bool
    request_id: str
    def __init__(self, parent: _Optional[str] = ..., service_linked_role_id: _Optional[str] = ..., service_linked_role: _Optional[_Union[_role_pb2.ServiceLinkedRole, _Mapping]] = ..., validate_only: bool = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateServiceLinkedRoleRequest(_message.Message):
    __slots__ = ("service_linked_role", "update_mask", "allow_missing", "validate_only", "request_id", "plan_digest")
    SERVICE_LINKED_ROLE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    service_linked_role: _role_pb2.ServiceLinkedRole
    update_mask: _field_mask_pb2.FieldMask
    allow_missing: bool
    validate_only: bool
    request_id: str
    plan_digest: str
    def __init__(self, service_linked_role: _Optional[_Union[_role_pb2.ServiceLinkedRole, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., allow_missing: bool = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., plan_digest: _Optional[str] = ...) -> None: ...

class DeleteServiceLinkedRoleRequest(_message.Message):
    __slots__ = ("name", "etag", "validate_only", "request_id", "force_delete_adopted", "deletion_policy")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FORCE_DELETE_ADOPTED_FIELD_NUMBER: _ClassVar[int]
    DELETION_POLICY_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    validate_only: bool
    request_id: str
    force_delete_adopted: bool
    deletion_policy: _common_pb2.DeletionPolicy
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., force_delete_adopted: bool = ..., deletion_policy: _Optional[_Union[_common_pb2.DeletionPolicy, str]] = ...) -> None: ...

class DeleteServiceLinkedRoleMetadata(_message.Message):
    __slots__ = ("service_linked_role", "phase", "usage", "deletion_task_id", "plan", "create_time", "end_time", "principals")
    class Phase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PHASE_UNSPECIFIED: _ClassVar[DeleteServiceLinkedRoleMetadata.Phase]
        PREFLIGHT: _ClassVar[DeleteServiceLinkedRoleMetadata.Phase]
        DELETING: _ClassVar[DeleteServiceLinkedRoleMetadata.Phase]
        CONFIRMING: _ClassVar[DeleteServiceLinkedRoleMetadata.Phase]
        DONE: _ClassVar[DeleteServiceLinkedRoleMetadata.Phase]
        REJECTED: _ClassVar[DeleteServiceLinkedRoleMetadata.Phase]
    PHASE_UNSPECIFIED: DeleteServiceLinkedRoleMetadata.Phase
    PREFLIGHT: DeleteServiceLinkedRoleMetadata.Phase
    DELETING: DeleteServiceLinkedRoleMetadata.Phase
    CONFIRMING: DeleteServiceLinkedRoleMetadata.Phase
    DONE: DeleteServiceLinkedRoleMetadata.Phase
    REJECTED: DeleteServiceLinkedRoleMetadata.Phase
    SERVICE_LINKED_ROLE_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    DELETION_TASK_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PRINCIPALS_FIELD_NUMBER: _ClassVar[int]
    service_linked_role: str
    phase: DeleteServiceLinkedRoleMetadata.Phase
    usage: _containers.RepeatedCompositeFieldContainer[_role_pb2.RegionUsage]
    deletion_task_id: str
    plan: _common_pb2.Plan
    create_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    principals: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, service_linked_role: _Optional[str] = ..., phase: _Optional[_Union[DeleteServiceLinkedRoleMetadata.Phase, str]] = ..., usage: _Optional[_Iterable[_Union[_role_pb2.RegionUsage, _Mapping]]] = ..., deletion_task_id: _Optional[str] = ..., plan: _Optional[_Union[_common_pb2.Plan, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., principals: _Optional[_Iterable[str]] = ...) -> None: ...

class CheckServiceLinkedRoleUsageRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CheckServiceLinkedRoleUsageResponse(_message.Message):
    __slots__ = ("usage", "deletable")
    USAGE_FIELD_NUMBER: _ClassVar[int]
    DELETABLE_FIELD_NUMBER: _ClassVar[int]
    usage: _containers.RepeatedCompositeFieldContainer[_role_pb2.RegionUsage]
    deletable: bool
    def __init__(self, usage: _Optional[_Iterable[_Union[_role_pb2.RegionUsage, _Mapping]]] = ..., deletable: bool = ...) -> None: ...

class ReconcileServiceLinkedRoleRequest(_message.Message):
    __slots__ = ("name", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ReconcileServiceLinkedRoleMetadata(_message.Message):
    __slots__ = ("service_linked_role", "generation", "create_time", "end_time", "principals")
    SERVICE_LINKED_ROLE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PRINCIPALS_FIELD_NUMBER: _ClassVar[int]
    service_linked_role: str
    generation: int
    create_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    principals: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, service_linked_role: _Optional[str] = ..., generation: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., principals: _Optional[_Iterable[str]] = ...) -> None: ...

class WatchServiceLinkedRolesRequest(_message.Message):
    __slots__ = ("parent", "filter")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    parent: str
    filter: str
    def __init__(self, parent: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class WatchServiceLinkedRolesResponse(_message.Message):
    __slots__ = ("kind", "service_linked_role")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[WatchServiceLinkedRolesResponse.Kind]
        CURRENT: _ClassVar[WatchServiceLinkedRolesResponse.Kind]
        SNAPSHOT_COMPLETE: _ClassVar[WatchServiceLinkedRolesResponse.Kind]
        REMOVED: _ClassVar[WatchServiceLinkedRolesResponse.Kind]
    KIND_UNSPECIFIED: WatchServiceLinkedRolesResponse.Kind
    CURRENT: WatchServiceLinkedRolesResponse.Kind
    SNAPSHOT_COMPLETE: WatchServiceLinkedRolesResponse.Kind
    REMOVED: WatchServiceLinkedRolesResponse.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    SERVICE_LINKED_ROLE_FIELD_NUMBER: _ClassVar[int]
    kind: WatchServiceLinkedRolesResponse.Kind
    service_linked_role: _role_pb2.ServiceLinkedRole
    def __init__(self, kind: _Optional[_Union[WatchServiceLinkedRolesResponse.Kind, str]] = ..., service_linked_role: _Optional[_Union[_role_pb2.ServiceLinkedRole, _Mapping]] = ...) -> None: ...

class ListSupportedRegionsRequest(_message.Message):
    __slots__ = ("partition",)
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    partition: str
    def __init__(self, partition: _Optional[str] = ...) -> None: ...

class ListSupportedRegionsResponse(_message.Message):
    __slots__ = ("regions",)
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    regions: _containers.RepeatedCompositeFieldContainer[SupportedRegion]
    def __init__(self, regions: _Optional[_Iterable[_Union[SupportedRegion, _Mapping]]] = ...) -> None: ...

class SupportedRegion(_message.Message):
    __slots__ = ("region", "partition", "unsupported_settings")
    REGION_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    UNSUPPORTED_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    region: str
    partition: str
    unsupported_settings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, region: _Optional[str] = ..., partition: _Optional[str] = ..., unsupported_settings: _Optional[_Iterable[str]] = ...) -> None: ...
