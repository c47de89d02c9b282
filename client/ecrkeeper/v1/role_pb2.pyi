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
    """One of the three roles through which ECR acts in an account. A role serves all Regions of its
    account."""
    __slots__ = ("name", "uid", "etag", "generation", "observed_generation", "create_time", "update_time", "reconciling", "conditions", "drift", "last_error", "next_reconcile_time", "mode", "description", "tags", "provenance", "state", "role_name", "aws_service_name", "arn", "role_id", "role_create_time", "observed_description", "observed_tags", "deletion_task_id", "observe_time", "plan", "last_error_attempts")
    class Provenance(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Origin of a role."""
        __slots__ = ()
        PROVENANCE_UNSPECIFIED: _ClassVar[ServiceLinkedRole.Provenance]
        """Unknown: ecrkeeper has not observed the role yet."""
        CREATED: _ClassVar[ServiceLinkedRole.Provenance]
        """ecrkeeper created it."""
        ADOPTED: _ClassVar[ServiceLinkedRole.Provenance]
        """The role existed before it was declared."""
        AUTO_CREATED: _ClassVar[ServiceLinkedRole.Provenance]
        """ECR created it when ecrkeeper wrote a setting that needs it. ecrkeeper observes it, and
        changes it only after you declare it."""
    PROVENANCE_UNSPECIFIED: ServiceLinkedRole.Provenance
    CREATED: ServiceLinkedRole.Provenance
    ADOPTED: ServiceLinkedRole.Provenance
    AUTO_CREATED: ServiceLinkedRole.Provenance
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """State of a role in IAM."""
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[ServiceLinkedRole.State]
        """Unknown."""
        ACTIVE: _ClassVar[ServiceLinkedRole.State]
        """IAM has the role."""
        ABSENT: _ClassVar[ServiceLinkedRole.State]
        """IAM does not have the role."""
        DELETING: _ClassVar[ServiceLinkedRole.State]
        """ecrkeeper deletes the role."""
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
    """Identifier. `accounts/{account}/serviceLinkedRoles/{role}`, where the role is `replication`,
    `pull-through-cache` or `repository-creation-template`."""
    uid: str
    """Output only. UUID of the resource; it never changes."""
    etag: str
    """Optional. Opaque version of the desired state. Pass it to Update or Delete to fail with
    `ABORTED` if the resource was changed or deleted since. Empty for a resource that is not
    stored."""
    generation: int
    """Output only. Number of the desired state; it grows with each change."""
    observed_generation: int
    """Output only. Generation of the last completed reconciliation."""
    create_time: _timestamp_pb2.Timestamp
    """Output only. Time of the declaration."""
    update_time: _timestamp_pb2.Timestamp
    """Output only. Time of the last change of the desired state."""
    reconciling: bool
    """Output only. True while AWS does not yet match the newest generation."""
    conditions: _containers.RepeatedCompositeFieldContainer[_common_pb2.Condition]
    """Output only. `Ready`, `Synced`, `Blocked` and `Degraded`."""
    drift: _containers.RepeatedCompositeFieldContainer[_common_pb2.Drift]
    """Output only. Differences between the desired and the observed role."""
    last_error: _status_pb2.Status
    """Output only. Error of the last reconciliation; unset after a success. After a rejected
    deletion, its error, until you delete the role again or change its declaration."""
    next_reconcile_time: _timestamp_pb2.Timestamp
    """Output only. Time of the next reconciliation; unset if there is none."""
    mode: _common_pb2.Mode
    """Optional. How ecrkeeper treats the resource."""
    description: str
    """Optional. The role's description: at most 1,000 characters of printable ASCII or Latin-1,
    tabs and line ends. If absent, ecrkeeper does not change the description in IAM."""
    tags: _containers.ScalarMap[str, str]
    """Optional. Tags of the role, at most 50. ecrkeeper does not change other tags."""
    provenance: ServiceLinkedRole.Provenance
    """Output only. Origin of the role."""
    state: ServiceLinkedRole.State
    """Output only. State of the role in IAM."""
    role_name: str
    """Output only. The name of the role in IAM, for example `AWSServiceRoleForECRReplication`."""
    aws_service_name: str
    """Output only. The service principal, for example `replication.ecr.amazonaws.com`."""
    arn: str
    """Output only. The ARN."""
    role_id: str
    """Output only. IAM's id of the role; a recreated role has another id."""
    role_create_time: _timestamp_pb2.Timestamp
    """Output only. Time at which IAM created the role."""
    observed_description: str
    """Output only. The description that IAM has."""
    observed_tags: _containers.ScalarMap[str, str]
    """Output only. The tags that IAM has."""
    deletion_task_id: str
    """Output only. IAM's task that deletes the role; set while it exists."""
    observe_time: _timestamp_pb2.Timestamp
    """Output only. Time at which IAM was last observed."""
    plan: _common_pb2.Plan
    """Output only. Plan of the call; set only in answers to `validate_only`."""
    last_error_attempts: _common_pb2.ErrorAttempts
    """Output only. Number and times of the occurrences of `last_error`; unset without an error."""
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., etag: _Optional[str] = ..., generation: _Optional[int] = ..., observed_generation: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reconciling: bool = ..., conditions: _Optional[_Iterable[_Union[_common_pb2.Condition, _Mapping]]] = ..., drift: _Optional[_Iterable[_Union[_common_pb2.Drift, _Mapping]]] = ..., last_error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., next_reconcile_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., mode: _Optional[_Union[_common_pb2.Mode, str]] = ..., description: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., provenance: _Optional[_Union[ServiceLinkedRole.Provenance, str]] = ..., state: _Optional[_Union[ServiceLinkedRole.State, str]] = ..., role_name: _Optional[str] = ..., aws_service_name: _Optional[str] = ..., arn: _Optional[str] = ..., role_id: _Optional[str] = ..., role_create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., observed_description: _Optional[str] = ..., observed_tags: _Optional[_Mapping[str, str]] = ..., deletion_task_id: _Optional[str] = ..., observe_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., plan: _Optional[_Union[_common_pb2.Plan, _Mapping]] = ..., last_error_attempts: _Optional[_Union[_common_pb2.ErrorAttempts, _Mapping]] = ...) -> None: ...

class RegionUsage(_message.Message):
    """Use of a role in one Region of an account."""
    __slots__ = ("region", "state", "resources", "message", "owners", "omitted_resources", "omitted_owners")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Use of a role."""
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[RegionUsage.State]
        """Never returned."""
        IN_USE: _ClassVar[RegionUsage.State]
        """The Region uses the role."""
        FREE: _ClassVar[RegionUsage.State]
        """The Region does not use the role."""
        UNKNOWN: _ClassVar[RegionUsage.State]
        """ecrkeeper cannot read the Region; the role counts as used there."""
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
    """Output only. The Region."""
    state: RegionUsage.State
    """Output only. Use of the role."""
    resources: _containers.RepeatedScalarFieldContainer[str]
    """Output only. Keys of the replication pairs, cache rules or templates that use the role."""
    message: str
    """Output only. Error that prevents reading the Region."""
    owners: _containers.RepeatedScalarFieldContainer[str]
    """Output only. Owners whose declarations in this Region need the role."""
    omitted_resources: int
    """Output only. Number of omitted entries of `resources`, which has at most 50."""
    omitted_owners: int
    """Output only. Number of omitted entries of `owners`, which has at most 50."""
    def __init__(self, region: _Optional[str] = ..., state: _Optional[_Union[RegionUsage.State, str]] = ..., resources: _Optional[_Iterable[str]] = ..., message: _Optional[str] = ..., owners: _Optional[_Iterable[str]] = ..., omitted_resources: _Optional[int] = ..., omitted_owners: _Optional[int] = ...) -> None: ...
