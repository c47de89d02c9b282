import datetime

from ecrkeeper.v1 import common_pb2 as _common_pb2
from ecrkeeper.v1 import settings_pb2 as _settings_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Account(_message.Message):
    __slots__ = ("name", "uid", "etag", "create_time", "update_time", "display_name", "labels", "organizational_unit", "state", "enabled_regions", "source", "caller_identity", "conditions")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Account.State]
        ACTIVE: _ClassVar[Account.State]
        SUSPENDED: _ClassVar[Account.State]
        GONE: _ClassVar[Account.State]
    STATE_UNSPECIFIED: Account.State
    ACTIVE: Account.State
    SUSPENDED: Account.State
    GONE: Account.State
    class Source(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SOURCE_UNSPECIFIED: _ClassVar[Account.Source]
        DECLARED: _ClassVar[Account.Source]
        ORGANIZATION: _ClassVar[Account.Source]
    SOURCE_UNSPECIFIED: Account.Source
    DECLARED: Account.Source
    ORGANIZATION: Account.Source
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATIONAL_UNIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ENABLED_REGIONS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CALLER_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    uid: str
    etag: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    display_name: str
    labels: _containers.ScalarMap[str, str]
    organizational_unit: str
    state: Account.State
    enabled_regions: _containers.RepeatedScalarFieldContainer[str]
    source: Account.Source
    caller_identity: str
    conditions: _containers.RepeatedCompositeFieldContainer[_common_pb2.Condition]
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., etag: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., display_name: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., organizational_unit: _Optional[str] = ..., state: _Optional[_Union[Account.State, str]] = ..., enabled_regions: _Optional[_Iterable[str]] = ..., source: _Optional[_Union[Account.Source, str]] = ..., caller_identity: _Optional[str] = ..., conditions: _Optional[_Iterable[_Union[_common_pb2.Condition, _Mapping]]] = ...) -> None: ...

class RegistrySelector(_message.Message):
    __slots__ = ("accounts", "regions", "exclude")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_FIELD_NUMBER: _ClassVar[int]
    accounts: str
    regions: _containers.RepeatedScalarFieldContainer[str]
    exclude: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, accounts: _Optional[str] = ..., regions: _Optional[_Iterable[str]] = ..., exclude: _Optional[_Iterable[str]] = ...) -> None: ...

class TargetAmount(_message.Message):
    __slots__ = ("count", "percent")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    count: int
    percent: int
    def __init__(self, count: _Optional[int] = ..., percent: _Optional[int] = ...) -> None: ...

class RolloutWave(_message.Message):
    __slots__ = ("selector", "count", "percent", "rest", "max_concurrent", "failure_tolerance", "bake", "gate")
    class Gate(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        GATE_UNSPECIFIED: _ClassVar[RolloutWave.Gate]
        NONE: _ClassVar[RolloutWave.Gate]
        APPROVAL: _ClassVar[RolloutWave.Gate]
    GATE_UNSPECIFIED: RolloutWave.Gate
    NONE: RolloutWave.Gate
    APPROVAL: RolloutWave.Gate
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    REST_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    BAKE_FIELD_NUMBER: _ClassVar[int]
    GATE_FIELD_NUMBER: _ClassVar[int]
    selector: RegistrySelector
    count: int
    percent: int
    rest: bool
    max_concurrent: TargetAmount
    failure_tolerance: TargetAmount
    bake: _duration_pb2.Duration
    gate: RolloutWave.Gate
    def __init__(self, selector: _Optional[_Union[RegistrySelector, _Mapping]] = ..., count: _Optional[int] = ..., percent: _Optional[int] = ..., rest: bool = ..., max_concurrent: _Optional[_Union[TargetAmount, _Mapping]] = ..., failure_tolerance: _Optional[_Union[TargetAmount, _Mapping]] = ..., bake: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., gate: _Optional[_Union[RolloutWave.Gate, str]] = ...) -> None: ...

class RolloutStrategy(_message.Message):
    __slots__ = ("waves",)
    WAVES_FIELD_NUMBER: _ClassVar[int]
    waves: _containers.RepeatedCompositeFieldContainer[RolloutWave]
    def __init__(self, waves: _Optional[_Iterable[_Union[RolloutWave, _Mapping]]] = ...) -> None: ...

class RegistrySetOverride(_message.Message):
    __slots__ = ("selector", "settings")
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    selector: RegistrySelector
    settings: _settings_pb2.Settings
    def __init__(self, selector: _Optional[_Union[RegistrySelector, _Mapping]] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ...) -> None: ...

class RegistrySet(_message.Message):
    __slots__ = ("name", "uid", "etag", "generation", "current_revision", "create_time", "update_time", "selector", "settings", "overrides", "strategy", "deletion_policy", "allow_replacement", "max_removals", "active_rollout", "queued_rollout", "deleting", "plan", "held_removals")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    CURRENT_REVISION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    OVERRIDES_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    DELETION_POLICY_FIELD_NUMBER: _ClassVar[int]
    ALLOW_REPLACEMENT_FIELD_NUMBER: _ClassVar[int]
    MAX_REMOVALS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_ROLLOUT_FIELD_NUMBER: _ClassVar[int]
    QUEUED_ROLLOUT_FIELD_NUMBER: _ClassVar[int]
    DELETING_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    HELD_REMOVALS_FIELD_NUMBER: _ClassVar[int]
    name: str
    uid: str
    etag: str
    generation: int
    current_revision: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    selector: RegistrySelector
    settings: _settings_pb2.Settings
    overrides: _containers.RepeatedCompositeFieldContainer[RegistrySetOverride]
    strategy: RolloutStrategy
    deletion_policy: _common_pb2.DeletionPolicy
    allow_replacement: bool
    max_removals: TargetAmount
    active_rollout: str
    queued_rollout: str
    deleting: bool
    plan: FleetPlan
    held_removals: int
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., etag: _Optional[str] = ..., generation: _Optional[int] = ..., current_revision: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., selector: _Optional[_Union[RegistrySelector, _Mapping]] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., overrides: _Optional[_Iterable[_Union[RegistrySetOverride, _Mapping]]] = ..., strategy: _Optional[_Union[RolloutStrategy, _Mapping]] = ..., deletion_policy: _Optional[_Union[_common_pb2.DeletionPolicy, str]] = ..., allow_replacement: bool = ..., max_removals: _Optional[_Union[TargetAmount, _Mapping]] = ..., active_rollout: _Optional[str] = ..., queued_rollout: _Optional[str] = ..., deleting: bool = ..., plan: _Optional[_Union[FleetPlan, _Mapping]] = ..., held_removals: _Optional[int] = ...) -> None: ...

class RegistrySetRevision(_message.Message):
    __slots__ = ("revision", "registry_set", "create_time", "principal", "request_id", "reason", "method")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_SET_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    revision: int
    registry_set: RegistrySet
    create_time: _timestamp_pb2.Timestamp
    principal: str
    request_id: str
    reason: str
    method: str
    def __init__(self, revision: _Optional[int] = ..., registry_set: _Optional[_Union[RegistrySet, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., principal: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ..., method: _Optional[str] = ...) -> None: ...

class RegistrySetTarget(_message.Message):
    __slots__ = ("registry", "matched", "revision", "ready")
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    registry: str
    matched: bool
    revision: int
    ready: bool
    def __init__(self, registry: _Optional[str] = ..., matched: bool = ..., revision: _Optional[int] = ..., ready: bool = ...) -> None: ...

class FleetPlanGroup(_message.Message):
    __slots__ = ("summary", "registry_count", "registries", "changes")
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    REGISTRIES_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    summary: str
    registry_count: int
    registries: _containers.RepeatedScalarFieldContainer[str]
    changes: _containers.RepeatedCompositeFieldContainer[_common_pb2.ElementChange]
    def __init__(self, summary: _Optional[str] = ..., registry_count: _Optional[int] = ..., registries: _Optional[_Iterable[str]] = ..., changes: _Optional[_Iterable[_Union[_common_pb2.ElementChange, _Mapping]]] = ...) -> None: ...

class FleetPlanProblem(_message.Message):
    __slots__ = ("reason", "registry", "message")
    REASON_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    reason: str
    registry: str
    message: str
    def __init__(self, reason: _Optional[str] = ..., registry: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class FleetPlan(_message.Message):
    __slots__ = ("target_count", "changing_count", "unchanged_count", "removing_count", "released_count", "held_count", "failing_count", "groups", "ungrouped_count", "problems", "warnings")
    TARGET_COUNT_FIELD_NUMBER: _ClassVar[int]
    CHANGING_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REMOVING_COUNT_FIELD_NUMBER: _ClassVar[int]
    RELEASED_COUNT_FIELD_NUMBER: _ClassVar[int]
    HELD_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILING_COUNT_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    UNGROUPED_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    target_count: int
    changing_count: int
    unchanged_count: int
    removing_count: int
    released_count: int
    held_count: int
    failing_count: int
    groups: _containers.RepeatedCompositeFieldContainer[FleetPlanGroup]
    ungrouped_count: int
    problems: _containers.RepeatedCompositeFieldContainer[FleetPlanProblem]
    warnings: _containers.RepeatedCompositeFieldContainer[_common_pb2.Warning]
    def __init__(self, target_count: _Optional[int] = ..., changing_count: _Optional[int] = ..., unchanged_count: _Optional[int] = ..., removing_count: _Optional[int] = ..., released_count: _Optional[int] = ..., held_count: _Optional[int] = ..., failing_count: _Optional[int] = ..., groups: _Optional[_Iterable[_Union[FleetPlanGroup, _Mapping]]] = ..., ungrouped_count: _Optional[int] = ..., problems: _Optional[_Iterable[_Union[FleetPlanProblem, _Mapping]]] = ..., warnings: _Optional[_Iterable[_Union[_common_pb2.Warning, _Mapping]]] = ...) -> None: ...

class RolloutWaveStatus(_message.Message):
    __slots__ = ("target_count", "pending_count", "running_count", "baking_count", "succeeded_count", "failed_count", "skipped_count", "held_count")
    TARGET_COUNT_FIELD_NUMBER: _ClassVar[int]
    PENDING_COUNT_FIELD_NUMBER: _ClassVar[int]
    RUNNING_COUNT_FIELD_NUMBER: _ClassVar[int]
    BAKING_COUNT_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILED_COUNT_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_COUNT_FIELD_NUMBER: _ClassVar[int]
    HELD_COUNT_FIELD_NUMBER: _ClassVar[int]
    target_count: int
    pending_count: int
    running_count: int
    baking_count: int
    succeeded_count: int
    failed_count: int
    skipped_count: int
    held_count: int
    def __init__(self, target_count: _Optional[int] = ..., pending_count: _Optional[int] = ..., running_count: _Optional[int] = ..., baking_count: _Optional[int] = ..., succeeded_count: _Optional[int] = ..., failed_count: _Optional[int] = ..., skipped_count: _Optional[int] = ..., held_count: _Optional[int] = ...) -> None: ...

class Rollout(_message.Message):
    __slots__ = ("name", "state", "cause", "revision", "principal", "reason", "create_time", "update_time", "end_time", "wave", "waves", "message", "strategy")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Rollout.State]
        QUEUED: _ClassVar[Rollout.State]
        PLANNING: _ClassVar[Rollout.State]
        RUNNING: _ClassVar[Rollout.State]
        AWAITING_APPROVAL: _ClassVar[Rollout.State]
        PAUSED: _ClassVar[Rollout.State]
        HALTED: _ClassVar[Rollout.State]
        ROLLING_BACK: _ClassVar[Rollout.State]
        SUCCEEDED: _ClassVar[Rollout.State]
        CANCELLED: _ClassVar[Rollout.State]
        ROLLED_BACK: _ClassVar[Rollout.State]
        SUPERSEDED: _ClassVar[Rollout.State]
    STATE_UNSPECIFIED: Rollout.State
    QUEUED: Rollout.State
    PLANNING: Rollout.State
    RUNNING: Rollout.State
    AWAITING_APPROVAL: Rollout.State
    PAUSED: Rollout.State
    HALTED: Rollout.State
    ROLLING_BACK: Rollout.State
    SUCCEEDED: Rollout.State
    CANCELLED: Rollout.State
    ROLLED_BACK: Rollout.State
    SUPERSEDED: Rollout.State
    class Cause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CAUSE_UNSPECIFIED: _ClassVar[Rollout.Cause]
        REVISION: _ClassVar[Rollout.Cause]
        GROWTH: _ClassVar[Rollout.Cause]
        DELETION: _ClassVar[Rollout.Cause]
    CAUSE_UNSPECIFIED: Rollout.Cause
    REVISION: Rollout.Cause
    GROWTH: Rollout.Cause
    DELETION: Rollout.Cause
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    WAVE_FIELD_NUMBER: _ClassVar[int]
    WAVES_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    name: str
    state: Rollout.State
    cause: Rollout.Cause
    revision: int
    principal: str
    reason: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    wave: int
    waves: _containers.RepeatedCompositeFieldContainer[RolloutWaveStatus]
    message: str
    strategy: RolloutStrategy
    def __init__(self, name: _Optional[str] = ..., state: _Optional[_Union[Rollout.State, str]] = ..., cause: _Optional[_Union[Rollout.Cause, str]] = ..., revision: _Optional[int] = ..., principal: _Optional[str] = ..., reason: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., wave: _Optional[int] = ..., waves: _Optional[_Iterable[_Union[RolloutWaveStatus, _Mapping]]] = ..., message: _Optional[str] = ..., strategy: _Optional[_Union[RolloutStrategy, _Mapping]] = ...) -> None: ...

class RolloutTarget(_message.Message):
    __slots__ = ("registry", "wave", "state", "action", "reason", "message", "changed", "rolled_back", "update_time")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[RolloutTarget.State]
        PENDING: _ClassVar[RolloutTarget.State]
        RUNNING: _ClassVar[RolloutTarget.State]
        BAKING: _ClassVar[RolloutTarget.State]
        SUCCEEDED: _ClassVar[RolloutTarget.State]
        FAILED: _ClassVar[RolloutTarget.State]
        SKIPPED: _ClassVar[RolloutTarget.State]
        HELD: _ClassVar[RolloutTarget.State]
    STATE_UNSPECIFIED: RolloutTarget.State
    PENDING: RolloutTarget.State
    RUNNING: RolloutTarget.State
    BAKING: RolloutTarget.State
    SUCCEEDED: RolloutTarget.State
    FAILED: RolloutTarget.State
    SKIPPED: RolloutTarget.State
    HELD: RolloutTarget.State
    class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ACTION_UNSPECIFIED: _ClassVar[RolloutTarget.Action]
        APPLY: _ClassVar[RolloutTarget.Action]
        RELEASE: _ClassVar[RolloutTarget.Action]
    ACTION_UNSPECIFIED: RolloutTarget.Action
    APPLY: RolloutTarget.Action
    RELEASE: RolloutTarget.Action
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    WAVE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    ROLLED_BACK_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    registry: str
    wave: int
    state: RolloutTarget.State
    action: RolloutTarget.Action
    reason: str
    message: str
    changed: bool
    rolled_back: bool
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, registry: _Optional[str] = ..., wave: _Optional[int] = ..., state: _Optional[_Union[RolloutTarget.State, str]] = ..., action: _Optional[_Union[RolloutTarget.Action, str]] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., changed: bool = ..., rolled_back: bool = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReasonCount(_message.Message):
    __slots__ = ("reason", "resource_count")
    REASON_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_COUNT_FIELD_NUMBER: _ClassVar[int]
    reason: str
    resource_count: int
    def __init__(self, reason: _Optional[str] = ..., resource_count: _Optional[int] = ...) -> None: ...

class FleetProblem(_message.Message):
    __slots__ = ("resource", "reason", "message", "since")
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    resource: str
    reason: str
    message: str
    since: _timestamp_pb2.Timestamp
    def __init__(self, resource: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Fleet(_message.Message):
    __slots__ = ("name", "account_count", "registry_count", "ready_registry_count", "registry_reasons", "drifted_registry_count", "role_count", "role_reasons", "worst_problems", "rollouts", "unreachable_account_count", "broken_replication_registry_count", "unknown_replication_registry_count", "silent_registry_count")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_COUNT_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    READY_REGISTRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_REASONS_FIELD_NUMBER: _ClassVar[int]
    DRIFTED_REGISTRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    ROLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    ROLE_REASONS_FIELD_NUMBER: _ClassVar[int]
    WORST_PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    ROLLOUTS_FIELD_NUMBER: _ClassVar[int]
    UNREACHABLE_ACCOUNT_COUNT_FIELD_NUMBER: _ClassVar[int]
    BROKEN_REPLICATION_REGISTRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_REPLICATION_REGISTRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    SILENT_REGISTRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    account_count: int
    registry_count: int
    ready_registry_count: int
    registry_reasons: _containers.RepeatedCompositeFieldContainer[ReasonCount]
    drifted_registry_count: int
    role_count: int
    role_reasons: _containers.RepeatedCompositeFieldContainer[ReasonCount]
    worst_problems: _containers.RepeatedCompositeFieldContainer[FleetProblem]
    rollouts: _containers.RepeatedCompositeFieldContainer[Rollout]
    unreachable_account_count: int
    broken_replication_registry_count: int
    unknown_replication_registry_count: int
    silent_registry_count: int
    def __init__(self, name: _Optional[str] = ..., account_count: _Optional[int] = ..., registry_count: _Optional[int] = ..., ready_registry_count: _Optional[int] = ..., registry_reasons: _Optional[_Iterable[_Union[ReasonCount, _Mapping]]] = ..., drifted_registry_count: _Optional[int] = ..., role_count: _Optional[int] = ..., role_reasons: _Optional[_Iterable[_Union[ReasonCount, _Mapping]]] = ..., worst_problems: _Optional[_Iterable[_Union[FleetProblem, _Mapping]]] = ..., rollouts: _Optional[_Iterable[_Union[Rollout, _Mapping]]] = ..., unreachable_account_count: _Optional[int] = ..., broken_replication_registry_count: _Optional[int] = ..., unknown_replication_registry_count: _Optional[int] = ..., silent_registry_count: _Optional[int] = ...) -> None: ...
