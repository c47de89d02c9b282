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
    """Request of `GetServiceLinkedRole`."""
    __slots__ = ("name", "refresh")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REFRESH_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The role: `accounts/{account}/serviceLinkedRoles/{role}`."""
    refresh: bool
    """Optional. Observes IAM first, within the deadline of the call, for every account that
    ecrkeeper can read. `state`, the observed fields, `drift` and `reconciling` show the result,
    which ecrkeeper does not store. `conditions` and `last_error` are those of the last
    reconciliation."""
    def __init__(self, name: _Optional[str] = ..., refresh: bool = ...) -> None: ...

class ListServiceLinkedRolesRequest(_message.Message):
    """Request of `ListServiceLinkedRoles`."""
    __slots__ = ("parent", "page_size", "page_token", "filter")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    parent: str
    """Required. The account: `accounts/{account}`, or `accounts/-` for all."""
    page_size: int
    """Optional. At most this many; 100 if unset. A number above 1,000 is read as 1,000."""
    page_token: str
    """Optional. The `next_page_token` of the previous page. Keep all other fields unchanged."""
    filter: str
    """Optional. AIP-160, as in `ListRegistries`. Fields: `account`, `role`, `mode`, `reconciling`,
    `drift`, `reason`, `setting` (`description`, `tags`), `element`, `conditions.Ready`,
    `conditions.Synced`, `conditions.Blocked`, `conditions.Degraded`; `state` (`ACTIVE`, `ABSENT`,
    `DELETING`, `STATE_UNSPECIFIED`); `provenance` (`CREATED`, `ADOPTED`, `AUTO_CREATED`,
    `PROVENANCE_UNSPECIFIED`)."""
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class ListServiceLinkedRolesResponse(_message.Message):
    """Response of `ListServiceLinkedRoles`."""
    __slots__ = ("service_linked_roles", "next_page_token")
    SERVICE_LINKED_ROLES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    service_linked_roles: _containers.RepeatedCompositeFieldContainer[_role_pb2.ServiceLinkedRole]
    """Output only. The roles."""
    next_page_token: str
    """Output only. Token of the next page; empty on the last page."""
    def __init__(self, service_linked_roles: _Optional[_Iterable[_Union[_role_pb2.ServiceLinkedRole, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateServiceLinkedRoleRequest(_message.Message):
    """Request of `CreateServiceLinkedRole`."""
    __slots__ = ("parent", "service_linked_role_id", "service_linked_role", "validate_only", "request_id")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    SERVICE_LINKED_ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_LINKED_ROLE_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    parent: str
    """Required. The account: `accounts/{account}`."""
    service_linked_role_id: str
    """Required. `replication`, `pull-through-cache` or `repository-creation-template`."""
    service_linked_role: _role_pb2.ServiceLinkedRole
    """Optional. The description, the tags and the mode."""
    validate_only: bool
    """Optional. Runs every check and returns the plan, without changing anything."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    def __init__(self, parent: _Optional[str] = ..., service_linked_role_id: _Optional[str] = ..., service_linked_role: _Optional[_Union[_role_pb2.ServiceLinkedRole, _Mapping]] = ..., validate_only: bool = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateServiceLinkedRoleRequest(_message.Message):
    """Request of `UpdateServiceLinkedRole`."""
    __slots__ = ("service_linked_role", "update_mask", "allow_missing", "validate_only", "request_id", "plan_digest")
    SERVICE_LINKED_ROLE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    service_linked_role: _role_pb2.ServiceLinkedRole
    """Required. The role; `name` identifies it, `etag` guards the write."""
    update_mask: _field_mask_pb2.FieldMask
    """Optional. The fields to update: `description`, `tags`, `mode`. If empty, the call updates the
    fields that are set. `*` updates all fields and resets unset ones to their defaults. A call that
    declares the role takes all fields."""
    allow_missing: bool
    """Optional. Declares the role if it is not declared."""
    validate_only: bool
    """Optional. Runs every check and returns the plan, without changing anything."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    plan_digest: str
    """Optional. The digest of the plan that this write is to carry out. If the request, the role's
    generation or the role in IAM has changed since the plan, the call fails with `ABORTED` and the
    reason `PLAN_STALE`."""
    def __init__(self, service_linked_role: _Optional[_Union[_role_pb2.ServiceLinkedRole, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., allow_missing: bool = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., plan_digest: _Optional[str] = ...) -> None: ...

class DeleteServiceLinkedRoleRequest(_message.Message):
    """Request of `DeleteServiceLinkedRole`."""
    __slots__ = ("name", "etag", "validate_only", "request_id", "force_delete_adopted", "deletion_policy")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FORCE_DELETE_ADOPTED_FIELD_NUMBER: _ClassVar[int]
    DELETION_POLICY_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The role: `accounts/{account}/serviceLinkedRoles/{role}`."""
    etag: str
    """Optional. The etag that you read. If the resource changed since, the call fails with
    `ABORTED`."""
    validate_only: bool
    """Optional. Runs every check and returns the plan, without changing anything."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the operation of the first call. With other
    content, the call fails with `ALREADY_EXISTS`."""
    force_delete_adopted: bool
    """Optional. Deletes the role even if it was adopted."""
    deletion_policy: _common_pb2.DeletionPolicy
    """Optional. `REMOVE`, the default, deletes the role from AWS. `ABANDON` keeps it there:
    ecrkeeper forgets the role, in any mode, and neither reads nor writes AWS. The operation is then
    done at once; other operations on the role end with `ABANDONED`."""
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., force_delete_adopted: bool = ..., deletion_policy: _Optional[_Union[_common_pb2.DeletionPolicy, str]] = ...) -> None: ...

class DeleteServiceLinkedRoleMetadata(_message.Message):
    """Progress of a deletion."""
    __slots__ = ("service_linked_role", "phase", "usage", "deletion_task_id", "plan", "create_time", "end_time", "principals")
    class Phase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Phase of a deletion."""
        __slots__ = ()
        PHASE_UNSPECIFIED: _ClassVar[DeleteServiceLinkedRoleMetadata.Phase]
        """The deletion has not begun."""
        PREFLIGHT: _ClassVar[DeleteServiceLinkedRoleMetadata.Phase]
        """ecrkeeper checks whether a Region uses the role."""
        DELETING: _ClassVar[DeleteServiceLinkedRoleMetadata.Phase]
        """IAM deletes it."""
        CONFIRMING: _ClassVar[DeleteServiceLinkedRoleMetadata.Phase]
        """ecrkeeper verifies that the role is gone."""
        DONE: _ClassVar[DeleteServiceLinkedRoleMetadata.Phase]
        """The role is gone."""
        REJECTED: _ClassVar[DeleteServiceLinkedRoleMetadata.Phase]
        """The deletion was rejected; the role stays."""
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
    """Output only. The role."""
    phase: DeleteServiceLinkedRoleMetadata.Phase
    """Output only. The phase."""
    usage: _containers.RepeatedCompositeFieldContainer[_role_pb2.RegionUsage]
    """Output only. The use of the role in each Region."""
    deletion_task_id: str
    """Output only. The task of IAM."""
    plan: _common_pb2.Plan
    """Output only. Plan of the call; set only in answers to `validate_only`."""
    create_time: _timestamp_pb2.Timestamp
    """Output only. Time at which the operation began."""
    end_time: _timestamp_pb2.Timestamp
    """Output only. Time at which the operation ended; unset while it runs."""
    principals: _containers.RepeatedScalarFieldContainer[str]
    """Output only. The principals that requested the operation: the one that started it, then those
    that joined it, at most 100. Empty if the server does not authenticate callers."""
    def __init__(self, service_linked_role: _Optional[str] = ..., phase: _Optional[_Union[DeleteServiceLinkedRoleMetadata.Phase, str]] = ..., usage: _Optional[_Iterable[_Union[_role_pb2.RegionUsage, _Mapping]]] = ..., deletion_task_id: _Optional[str] = ..., plan: _Optional[_Union[_common_pb2.Plan, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., principals: _Optional[_Iterable[str]] = ...) -> None: ...

class CheckServiceLinkedRoleUsageRequest(_message.Message):
    """Request of `CheckServiceLinkedRoleUsage`."""
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The role: `accounts/{account}/serviceLinkedRoles/{role}`."""
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CheckServiceLinkedRoleUsageResponse(_message.Message):
    """Use of a role by Region."""
    __slots__ = ("usage", "deletable")
    USAGE_FIELD_NUMBER: _ClassVar[int]
    DELETABLE_FIELD_NUMBER: _ClassVar[int]
    usage: _containers.RepeatedCompositeFieldContainer[_role_pb2.RegionUsage]
    """Output only. One entry for each enabled or declared Region."""
    deletable: bool
    """Output only. True if every Region is free."""
    def __init__(self, usage: _Optional[_Iterable[_Union[_role_pb2.RegionUsage, _Mapping]]] = ..., deletable: bool = ...) -> None: ...

class ReconcileServiceLinkedRoleRequest(_message.Message):
    """Request of `ReconcileServiceLinkedRole`."""
    __slots__ = ("name", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The role: `accounts/{account}/serviceLinkedRoles/{role}`."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the operation of the first call. With other
    content, the call fails with `ALREADY_EXISTS`."""
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ReconcileServiceLinkedRoleMetadata(_message.Message):
    """Progress of a reconciliation."""
    __slots__ = ("service_linked_role", "generation", "create_time", "end_time", "principals")
    SERVICE_LINKED_ROLE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PRINCIPALS_FIELD_NUMBER: _ClassVar[int]
    service_linked_role: str
    """Output only. The role."""
    generation: int
    """Output only. The generation that AWS is to match."""
    create_time: _timestamp_pb2.Timestamp
    """Output only. Time at which the operation began."""
    end_time: _timestamp_pb2.Timestamp
    """Output only. Time at which the operation ended; unset while it runs."""
    principals: _containers.RepeatedScalarFieldContainer[str]
    """Output only. The principals that requested the operation: the one that started it, then those
    that joined it, at most 100. Empty if the server does not authenticate callers."""
    def __init__(self, service_linked_role: _Optional[str] = ..., generation: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., principals: _Optional[_Iterable[str]] = ...) -> None: ...

class WatchServiceLinkedRolesRequest(_message.Message):
    """Request of `WatchServiceLinkedRoles`."""
    __slots__ = ("parent", "filter")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    parent: str
    """Required. The account: `accounts/{account}`, or `accounts/-` for all."""
    filter: str
    """Optional. As in `ListServiceLinkedRoles`."""
    def __init__(self, parent: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class WatchServiceLinkedRolesResponse(_message.Message):
    """One message of the stream."""
    __slots__ = ("kind", "service_linked_role")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Kind of a message."""
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[WatchServiceLinkedRolesResponse.Kind]
        """Never sent."""
        CURRENT: _ClassVar[WatchServiceLinkedRolesResponse.Kind]
        """The current role, in the snapshot or after a change."""
        SNAPSHOT_COMPLETE: _ClassVar[WatchServiceLinkedRolesResponse.Kind]
        """The snapshot is complete; changes follow."""
        REMOVED: _ClassVar[WatchServiceLinkedRolesResponse.Kind]
        """A role is gone or no longer matches; only its name is set."""
    KIND_UNSPECIFIED: WatchServiceLinkedRolesResponse.Kind
    CURRENT: WatchServiceLinkedRolesResponse.Kind
    SNAPSHOT_COMPLETE: WatchServiceLinkedRolesResponse.Kind
    REMOVED: WatchServiceLinkedRolesResponse.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    SERVICE_LINKED_ROLE_FIELD_NUMBER: _ClassVar[int]
    kind: WatchServiceLinkedRolesResponse.Kind
    """Output only. Kind of the message."""
    service_linked_role: _role_pb2.ServiceLinkedRole
    """Output only. The role."""
    def __init__(self, kind: _Optional[_Union[WatchServiceLinkedRolesResponse.Kind, str]] = ..., service_linked_role: _Optional[_Union[_role_pb2.ServiceLinkedRole, _Mapping]] = ...) -> None: ...

class ListSupportedRegionsRequest(_message.Message):
    """Request of `ListSupportedRegions`."""
    __slots__ = ("partition",)
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    partition: str
    """Optional. Returns only this partition, for example `aws`, `aws-cn`, `aws-us-gov`."""
    def __init__(self, partition: _Optional[str] = ...) -> None: ...

class ListSupportedRegionsResponse(_message.Message):
    """Response of `ListSupportedRegions`."""
    __slots__ = ("regions",)
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    regions: _containers.RepeatedCompositeFieldContainer[SupportedRegion]
    """Output only. The Regions, ordered by partition and name."""
    def __init__(self, regions: _Optional[_Iterable[_Union[SupportedRegion, _Mapping]]] = ...) -> None: ...

class SupportedRegion(_message.Message):
    """A Region that ECR has."""
    __slots__ = ("region", "partition", "unsupported_settings")
    REGION_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    UNSUPPORTED_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    region: str
    """Output only. For example `us-east-1`."""
    partition: str
    """Output only. For example `aws`."""
    unsupported_settings: _containers.RepeatedScalarFieldContainer[str]
    """Output only. Settings that ECR does not offer in this Region, by field name in `Settings`."""
    def __init__(self, region: _Optional[str] = ..., partition: _Optional[str] = ..., unsupported_settings: _Optional[_Iterable[str]] = ...) -> None: ...
