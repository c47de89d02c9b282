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
    """An AWS account of the fleet. Selectors of registry sets choose from these accounts.

    An account outside of the fleet can still have declarations: this record only lets selectors
    match the account."""
    __slots__ = ("name", "uid", "etag", "create_time", "update_time", "display_name", "labels", "organizational_unit", "state", "enabled_regions", "source", "caller_identity", "conditions")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Whether ecrkeeper writes to an account on behalf of registry sets."""
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Account.State]
        """Read as `ACTIVE`."""
        ACTIVE: _ClassVar[Account.State]
        """Registry sets are rolled out to the account."""
        SUSPENDED: _ClassVar[Account.State]
        """Targets in the account are `HELD`: ecrkeeper writes nothing there on behalf of sets, and
        keeps the declarations."""
        GONE: _ClassVar[Account.State]
        """AWS has closed the account. No selector matches it."""
    STATE_UNSPECIFIED: Account.State
    ACTIVE: Account.State
    SUSPENDED: Account.State
    GONE: Account.State
    class Source(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Origin of an account."""
        __slots__ = ()
        SOURCE_UNSPECIFIED: _ClassVar[Account.Source]
        """Never returned."""
        DECLARED: _ClassVar[Account.Source]
        """Somebody called `CreateAccount`."""
        ORGANIZATION: _ClassVar[Account.Source]
        """AWS Organizations has the account."""
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
    """Identifier. `accounts/{account}`, with the 12 digits of the account."""
    uid: str
    """Output only. UUID of the resource; it never changes."""
    etag: str
    """Optional. Opaque version of the account. Pass it to Update or Delete to fail with `ABORTED`
    if the account was changed or deleted since. Create ignores it."""
    create_time: _timestamp_pb2.Timestamp
    """Output only. Time of the creation."""
    update_time: _timestamp_pb2.Timestamp
    """Output only. Time of the last change."""
    display_name: str
    """Optional. A name for people, at most 256 characters."""
    labels: _containers.ScalarMap[str, str]
    """Optional. At most 50 labels. Selectors compare them, and templates insert them. Names and
    values have the characters of AWS tags. Selectors and templates reach the names of letters,
    digits and `_./+@-`."""
    organizational_unit: str
    """Optional. The path of the organizational unit, for example `/workloads/prod`; at most 1,024
    characters."""
    state: Account.State
    """Optional. Whether ecrkeeper writes to the account on behalf of registry sets."""
    enabled_regions: _containers.RepeatedScalarFieldContainer[str]
    """Optional. The Regions that the account has enabled, at most 100. If you leave it empty,
    ecrkeeper asks AWS (`account:ListRegions`) and returns those. While it is empty, a selector
    matches the account only if it lists Regions. A selector never matches a Region that is missing
    in this list."""
    source: Account.Source
    """Output only. Origin of the account."""
    caller_identity: str
    """Output only. ARN of the principal with which ecrkeeper last called AWS in the account; empty
    before the first call."""
    conditions: _containers.RepeatedCompositeFieldContainer[_common_pb2.Condition]
    """Output only. `Reachable`: whether ecrkeeper can call AWS in the account. It is `UNKNOWN`
    before the first call, and for accounts that are not `ACTIVE`. `last_transition_time` is the
    time since which it has its status."""
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., etag: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., display_name: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., organizational_unit: _Optional[str] = ..., state: _Optional[_Union[Account.State, str]] = ..., enabled_regions: _Optional[_Iterable[str]] = ..., source: _Optional[_Union[Account.Source, str]] = ..., caller_identity: _Optional[str] = ..., conditions: _Optional[_Iterable[_Union[_common_pb2.Condition, _Mapping]]] = ...) -> None: ...

class RegistrySelector(_message.Message):
    """Chooses registries of the fleet. All parts must match."""
    __slots__ = ("accounts", "regions", "exclude")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_FIELD_NUMBER: _ClassVar[int]
    accounts: str
    """Optional. AIP-160 over accounts, as in `ListRegistries`; empty for all. Fields: `account`,
    `display_name`, `organizational_unit`, `state` (`ACTIVE`, `SUSPENDED`), `source` (`DECLARED`,
    `ORGANIZATION`), and `labels.NAME`. `=` compares the whole value, `:` looks for a part of it,
    and `labels.NAME:*` asks whether there is such a label. For example `labels.env = "prod" AND
    organizational_unit:"/workloads/"`. A missing label equals no value."""
    regions: _containers.RepeatedScalarFieldContainer[str]
    """Optional. The Regions; empty for all that an account has enabled. At most 100."""
    exclude: _containers.RepeatedScalarFieldContainer[str]
    """Optional. Accounts and registries to leave out, with `*` for any text, for example
    `accounts/111111111111` or `accounts/*/registries/us-*`. At most 500."""
    def __init__(self, accounts: _Optional[str] = ..., regions: _Optional[_Iterable[str]] = ..., exclude: _Optional[_Iterable[str]] = ...) -> None: ...

class TargetAmount(_message.Message):
    """A number of targets, or a percentage of them."""
    __slots__ = ("count", "percent")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    count: int
    """A number of targets."""
    percent: int
    """A percentage of the targets, rounded down."""
    def __init__(self, count: _Optional[int] = ..., percent: _Optional[int] = ...) -> None: ...

class RolloutWave(_message.Message):
    """One part of a rollout. A wave begins when all targets of the one before it have ended.

    A wave takes the targets that its `selector` matches; the first such wave wins. The other
    targets are ordered by account and Region: waves with a `count` or a `percent` take from them in
    the order of the waves, and the wave with `rest` takes the remaining ones. A target that no wave
    takes is an error."""
    __slots__ = ("selector", "count", "percent", "rest", "max_concurrent", "failure_tolerance", "bake", "gate")
    class Gate(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """The permission that a wave needs before it begins."""
        __slots__ = ()
        GATE_UNSPECIFIED: _ClassVar[RolloutWave.Gate]
        """Read as `NONE`."""
        NONE: _ClassVar[RolloutWave.Gate]
        """The wave begins by itself."""
        APPROVAL: _ClassVar[RolloutWave.Gate]
        """The wave begins after a principal other than the one that started the rollout called
        `ApproveRollout`."""
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
    """The targets that a selector matches."""
    count: int
    """A number of targets."""
    percent: int
    """A percentage of all targets of the rollout, rounded down, and at least one target."""
    rest: bool
    """All targets that no other wave takes. Must be true."""
    max_concurrent: TargetAmount
    """Optional. Maximum number of targets under way at once, including baking ones; at least 1. If
    unset, 25 % and at most 20. Never more than `failure_tolerance` plus 1, minus the failures so
    far."""
    failure_tolerance: TargetAmount
    """Optional. Maximum number of targets of the wave that may fail; 0 if unset. ecrkeeper checks
    it before each target and assumes that the targets under way fail, so a wave never has more
    failures than this number plus 1. Beyond this number, the rollout is `HALTED`."""
    bake: _duration_pb2.Duration
    """Optional. Time for which a target must stay in order before it is `SUCCEEDED`; at most 7
    days."""
    gate: RolloutWave.Gate
    """Optional. The permission that the wave needs before it begins."""
    def __init__(self, selector: _Optional[_Union[RegistrySelector, _Mapping]] = ..., count: _Optional[int] = ..., percent: _Optional[int] = ..., rest: bool = ..., max_concurrent: _Optional[_Union[TargetAmount, _Mapping]] = ..., failure_tolerance: _Optional[_Union[TargetAmount, _Mapping]] = ..., bake: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., gate: _Optional[_Union[RolloutWave.Gate, str]] = ...) -> None: ...

class RolloutStrategy(_message.Message):
    """The waves in which changes of a registry set reach its targets."""
    __slots__ = ("waves",)
    WAVES_FIELD_NUMBER: _ClassVar[int]
    waves: _containers.RepeatedCompositeFieldContainer[RolloutWave]
    """Optional. At most 50 waves. If empty: one target, 10 percent, and the rest."""
    def __init__(self, waves: _Optional[_Iterable[_Union[RolloutWave, _Mapping]]] = ...) -> None: ...

class RegistrySetOverride(_message.Message):
    """Settings that replace those of the template in registries that a selector matches."""
    __slots__ = ("selector", "settings")
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    selector: RegistrySelector
    """Required. The targets that the override applies to."""
    settings: _settings_pb2.Settings
    """Required. A template. Each setting that it has replaces that setting as a whole. If several
    overrides match, the last one that has a setting wins."""
    def __init__(self, selector: _Optional[_Union[RegistrySelector, _Mapping]] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ...) -> None: ...

class RegistrySet(_message.Message):
    """One declaration for many registries. Each change is rolled out in waves.

    The declarations that a set makes are ordinary ones: their owner is the id of the set, and
    `managed_by` names the set. Only the set changes them."""
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
    """Identifier. `registrySets/{set}`. The id of a set is the owner of its declarations."""
    uid: str
    """Output only. UUID of the resource; it never changes."""
    etag: str
    """Optional. Opaque version of the set. Pass it to Update or Delete to fail with `ABORTED` if
    the set was changed or deleted since. Create ignores it."""
    generation: int
    """Output only. Number of the newest revision; it grows with each change of the set."""
    current_revision: int
    """Output only. The revision that new targets get: that of the last rollout that succeeded; 0 if
    there is none."""
    create_time: _timestamp_pb2.Timestamp
    """Output only. Time of the creation."""
    update_time: _timestamp_pb2.Timestamp
    """Output only. Time of the last change."""
    selector: RegistrySelector
    """Required. The registries that the set declares for; `{}` matches all of the fleet."""
    settings: _settings_pb2.Settings
    """Required. A template of the declaration. In strings, `${account}`, `${region}`,
    `${partition}`, `${label:NAME}` and `${label:NAME:default}` are replaced; `$$` is a dollar. A
    target whose account lacks a label is `FAILED`. The rules of the fields apply to each rendered
    target; the first one is checked at the write. `{}` declares nothing."""
    overrides: _containers.RepeatedCompositeFieldContainer[RegistrySetOverride]
    """Optional. Settings for parts of the fleet, at most 100."""
    strategy: RolloutStrategy
    """Optional. The waves in which changes reach the targets."""
    deletion_policy: _common_pb2.DeletionPolicy
    """Optional. Effect in AWS when the set stops declaring for a registry, because the set is
    deleted or its selector no longer matches."""
    allow_replacement: bool
    """Optional. As in `RegistrySettings`, for all targets."""
    max_removals: TargetAmount
    """Optional. Maximum number of targets in which a change may remove elements without
    `allow_removals`. If unset, 10 percent of the present targets, and at least 5."""
    active_rollout: str
    """Output only. The rollout that is under way; empty if there is none."""
    queued_rollout: str
    """Output only. The rollout that begins when the active one has ended; empty if there is
    none."""
    deleting: bool
    """Output only. True while the set is being deleted; it disappears when its last target is
    released."""
    plan: FleetPlan
    """Output only. Plan of the call; set only in answers to `validate_only`."""
    held_removals: int
    """Output only. Number of targets that the selector no longer matches, and that ecrkeeper does
    not release because they exceed `max_removals`. `UpdateRegistrySet` with `allow_removals`
    releases them."""
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., etag: _Optional[str] = ..., generation: _Optional[int] = ..., current_revision: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., selector: _Optional[_Union[RegistrySelector, _Mapping]] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., overrides: _Optional[_Iterable[_Union[RegistrySetOverride, _Mapping]]] = ..., strategy: _Optional[_Union[RolloutStrategy, _Mapping]] = ..., deletion_policy: _Optional[_Union[_common_pb2.DeletionPolicy, str]] = ..., allow_replacement: bool = ..., max_removals: _Optional[_Union[TargetAmount, _Mapping]] = ..., active_rollout: _Optional[str] = ..., queued_rollout: _Optional[str] = ..., deleting: bool = ..., plan: _Optional[_Union[FleetPlan, _Mapping]] = ..., held_removals: _Optional[int] = ...) -> None: ...

class RegistrySetRevision(_message.Message):
    """One stored content of a registry set."""
    __slots__ = ("revision", "registry_set", "create_time", "principal", "request_id", "reason", "method")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_SET_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    revision: int
    """Output only. Number of the revision."""
    registry_set: RegistrySet
    """Output only. The set as it was; unset for a deletion."""
    create_time: _timestamp_pb2.Timestamp
    """Output only. Time of the write."""
    principal: str
    """Output only. Principal of the caller; empty for an unauthenticated one."""
    request_id: str
    """Output only. The `request_id` of the call."""
    reason: str
    """Output only. The `reason` of the caller."""
    method: str
    """Output only. The RPC, for example `UpdateRegistrySet`."""
    def __init__(self, revision: _Optional[int] = ..., registry_set: _Optional[_Union[RegistrySet, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., principal: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ..., method: _Optional[str] = ...) -> None: ...

class RegistrySetTarget(_message.Message):
    """A registry that a set matches, or still declares for."""
    __slots__ = ("registry", "matched", "revision", "ready")
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    registry: str
    """Output only. The registry: `accounts/{account}/registries/{region}`."""
    matched: bool
    """Output only. Whether the selector of the set matches the registry now."""
    revision: int
    """Output only. The revision of the set that the registry's declaration has; 0 if there is
    none."""
    ready: bool
    """Output only. Whether AWS matches the declaration of the set, and the declaration is
    `Ready`."""
    def __init__(self, registry: _Optional[str] = ..., matched: bool = ..., revision: _Optional[int] = ..., ready: bool = ...) -> None: ...

class FleetPlanGroup(_message.Message):
    """Registries with the same change."""
    __slots__ = ("summary", "registry_count", "registries", "changes")
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    REGISTRIES_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    summary: str
    """Output only. The change in words, for example "312 registries: add pull_through_cache_rules
    quay"."""
    registry_count: int
    """Output only. Number of registries with this change."""
    registries: _containers.RepeatedScalarFieldContainer[str]
    """Output only. The first of the registries, at most 10."""
    changes: _containers.RepeatedCompositeFieldContainer[_common_pb2.ElementChange]
    """Output only. The first changes of the first registry's declaration, at most 20; fewer if the
    plan would be too long. Registries whose changes differ only by their own account and Region are
    in one group."""
    def __init__(self, summary: _Optional[str] = ..., registry_count: _Optional[int] = ..., registries: _Optional[_Iterable[str]] = ..., changes: _Optional[_Iterable[_Union[_common_pb2.ElementChange, _Mapping]]] = ...) -> None: ...

class FleetPlanProblem(_message.Message):
    """A registry in which the rollout of the set would fail."""
    __slots__ = ("reason", "registry", "message")
    REASON_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    reason: str
    """Output only. Reason code in `UPPER_SNAKE_CASE`, for programs."""
    registry: str
    """Output only. The registry."""
    message: str
    """Output only. Explanation for people; a conflict names up to five other owners."""
    def __init__(self, reason: _Optional[str] = ..., registry: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class FleetPlan(_message.Message):
    """The effect of a registry set on its targets, as changes of declarations. ecrkeeper does not
    read AWS for it."""
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
    """Output only. Number of targets, including those to be released."""
    changing_count: int
    """Output only. Number of targets that change."""
    unchanged_count: int
    """Output only. Number of targets whose declaration does not change."""
    removing_count: int
    """Output only. Number of targets that lose elements."""
    released_count: int
    """Output only. Number of targets that the selector no longer matches."""
    held_count: int
    """Output only. Number of targets in suspended accounts, which stay as they are."""
    failing_count: int
    """Output only. Number of targets that would fail."""
    groups: _containers.RepeatedCompositeFieldContainer[FleetPlanGroup]
    """Output only. Identical changes, the most frequent first; at most 100 groups."""
    ungrouped_count: int
    """Output only. Number of changing targets that are in no group, because there are too many
    different changes."""
    problems: _containers.RepeatedCompositeFieldContainer[FleetPlanProblem]
    """Output only. Targets that would fail, at most 100."""
    warnings: _containers.RepeatedCompositeFieldContainer[_common_pb2.Warning]
    """Output only. Consequences that are allowed and may be unexpected."""
    def __init__(self, target_count: _Optional[int] = ..., changing_count: _Optional[int] = ..., unchanged_count: _Optional[int] = ..., removing_count: _Optional[int] = ..., released_count: _Optional[int] = ..., held_count: _Optional[int] = ..., failing_count: _Optional[int] = ..., groups: _Optional[_Iterable[_Union[FleetPlanGroup, _Mapping]]] = ..., ungrouped_count: _Optional[int] = ..., problems: _Optional[_Iterable[_Union[FleetPlanProblem, _Mapping]]] = ..., warnings: _Optional[_Iterable[_Union[_common_pb2.Warning, _Mapping]]] = ...) -> None: ...

class RolloutWaveStatus(_message.Message):
    """Number of targets of a wave in each state."""
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
    """Output only. Number of targets."""
    pending_count: int
    """Output only. Targets that were not written yet."""
    running_count: int
    """Output only. Targets that were written, and that are not in order yet."""
    baking_count: int
    """Output only. Targets that are in order, but not yet for the `bake` time of the wave."""
    succeeded_count: int
    """Output only. Targets that succeeded."""
    failed_count: int
    """Output only. Targets that failed."""
    skipped_count: int
    """Output only. Targets whose account or replication destination cannot be reached."""
    held_count: int
    """Output only. Targets to which nothing is written: their account is suspended, or their
    registry's mode is not `ENFORCE`."""
    def __init__(self, target_count: _Optional[int] = ..., pending_count: _Optional[int] = ..., running_count: _Optional[int] = ..., baking_count: _Optional[int] = ..., succeeded_count: _Optional[int] = ..., failed_count: _Optional[int] = ..., skipped_count: _Optional[int] = ..., held_count: _Optional[int] = ...) -> None: ...

class Rollout(_message.Message):
    """The change of a set's targets from one revision to another. The content and the targets of a
    rollout never change."""
    __slots__ = ("name", "state", "cause", "revision", "principal", "reason", "create_time", "update_time", "end_time", "wave", "waves", "message", "strategy")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """State of a rollout."""
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Rollout.State]
        """Never returned."""
        QUEUED: _ClassVar[Rollout.State]
        """Another rollout of the set has not ended."""
        PLANNING: _ClassVar[Rollout.State]
        """ecrkeeper determines the targets."""
        RUNNING: _ClassVar[Rollout.State]
        """Targets are being changed."""
        AWAITING_APPROVAL: _ClassVar[Rollout.State]
        """The next wave needs `ApproveRollout`."""
        PAUSED: _ClassVar[Rollout.State]
        """No more targets begin, until `ResumeRollout`."""
        HALTED: _ClassVar[Rollout.State]
        """More targets failed than the wave tolerates. `ResumeRollout` tries the failed targets of
        the wave again."""
        ROLLING_BACK: _ClassVar[Rollout.State]
        """The changed targets return to their previous revision, in reverse order of the waves."""
        SUCCEEDED: _ClassVar[Rollout.State]
        """All waves have ended, each within its failure tolerance."""
        CANCELLED: _ClassVar[Rollout.State]
        """Somebody cancelled it. The targets stay where they are."""
        ROLLED_BACK: _ClassVar[Rollout.State]
        """The changed targets have returned to their previous revision."""
        SUPERSEDED: _ClassVar[Rollout.State]
        """A newer revision replaced it before it began."""
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
        """Cause of a rollout."""
        __slots__ = ()
        CAUSE_UNSPECIFIED: _ClassVar[Rollout.Cause]
        """Never returned."""
        REVISION: _ClassVar[Rollout.Cause]
        """The set was created or updated."""
        GROWTH: _ClassVar[Rollout.Cause]
        """The selector matches other registries than before: accounts, labels or Regions
        changed."""
        DELETION: _ClassVar[Rollout.Cause]
        """The set is being deleted."""
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
    """Identifier. `registrySets/{set}/rollouts/{number}`."""
    state: Rollout.State
    """Output only. Its state."""
    cause: Rollout.Cause
    """Output only. Cause of the rollout."""
    revision: int
    """Output only. The revision of the set that the targets get."""
    principal: str
    """Output only. Principal of the caller who started it; empty for an unauthenticated one."""
    reason: str
    """Output only. The `reason` of that caller."""
    create_time: _timestamp_pb2.Timestamp
    """Output only. Time of the call that started it."""
    update_time: _timestamp_pb2.Timestamp
    """Output only. Time of the last change."""
    end_time: _timestamp_pb2.Timestamp
    """Output only. Time at which it ended; unset before."""
    wave: int
    """Output only. Index of the current wave. It equals the number of waves while ecrkeeper tries
    skipped targets again."""
    waves: _containers.RepeatedCompositeFieldContainer[RolloutWaveStatus]
    """Output only. The waves in their order, then the skipped targets that ecrkeeper tries
    again."""
    message: str
    """Output only. Explanation of the state, for people; empty for most states."""
    strategy: RolloutStrategy
    """Output only. The strategy that it began with."""
    def __init__(self, name: _Optional[str] = ..., state: _Optional[_Union[Rollout.State, str]] = ..., cause: _Optional[_Union[Rollout.Cause, str]] = ..., revision: _Optional[int] = ..., principal: _Optional[str] = ..., reason: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., wave: _Optional[int] = ..., waves: _Optional[_Iterable[_Union[RolloutWaveStatus, _Mapping]]] = ..., message: _Optional[str] = ..., strategy: _Optional[_Union[RolloutStrategy, _Mapping]] = ...) -> None: ...

class RolloutTarget(_message.Message):
    """One registry of a rollout."""
    __slots__ = ("registry", "wave", "state", "action", "reason", "message", "changed", "rolled_back", "update_time")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """State of a target."""
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[RolloutTarget.State]
        """Never returned."""
        PENDING: _ClassVar[RolloutTarget.State]
        """It was not written yet."""
        RUNNING: _ClassVar[RolloutTarget.State]
        """It was written, and is not in order yet."""
        BAKING: _ClassVar[RolloutTarget.State]
        """It is in order, but not yet for the `bake` time of its wave."""
        SUCCEEDED: _ClassVar[RolloutTarget.State]
        """It is in order."""
        FAILED: _ClassVar[RolloutTarget.State]
        """ecrkeeper could not bring it to the revision."""
        SKIPPED: _ClassVar[RolloutTarget.State]
        """ecrkeeper cannot reach its account or a replication destination, and tries once more at
        the end."""
        HELD: _ClassVar[RolloutTarget.State]
        """Nothing is written: its account is suspended, or its registry's mode is not `ENFORCE`."""
    STATE_UNSPECIFIED: RolloutTarget.State
    PENDING: RolloutTarget.State
    RUNNING: RolloutTarget.State
    BAKING: RolloutTarget.State
    SUCCEEDED: RolloutTarget.State
    FAILED: RolloutTarget.State
    SKIPPED: RolloutTarget.State
    HELD: RolloutTarget.State
    class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Change of a target's declaration."""
        __slots__ = ()
        ACTION_UNSPECIFIED: _ClassVar[RolloutTarget.Action]
        """Never returned."""
        APPLY: _ClassVar[RolloutTarget.Action]
        """The target gets the declaration of the revision."""
        RELEASE: _ClassVar[RolloutTarget.Action]
        """The set's declaration for the target ends."""
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
    """Output only. The registry: `accounts/{account}/registries/{region}`."""
    wave: int
    """Output only. Index of its wave."""
    state: RolloutTarget.State
    """Output only. Its state."""
    action: RolloutTarget.Action
    """Output only. Change of its declaration."""
    reason: str
    """Output only. Reason code of a target that is `FAILED`, `SKIPPED`, `HELD` or not in order yet,
    for programs."""
    message: str
    """Output only. The same for people."""
    changed: bool
    """Output only. Whether the rollout has changed its declaration."""
    rolled_back: bool
    """Output only. Whether it returns, or has returned, to its previous revision."""
    update_time: _timestamp_pb2.Timestamp
    """Output only. Time of the last change."""
    def __init__(self, registry: _Optional[str] = ..., wave: _Optional[int] = ..., state: _Optional[_Union[RolloutTarget.State, str]] = ..., action: _Optional[_Union[RolloutTarget.Action, str]] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., changed: bool = ..., rolled_back: bool = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReasonCount(_message.Message):
    """Number of resources with one reason of `Ready`."""
    __slots__ = ("reason", "resource_count")
    REASON_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_COUNT_FIELD_NUMBER: _ClassVar[int]
    reason: str
    """Output only. The reason."""
    resource_count: int
    """Output only. Number of resources with this reason."""
    def __init__(self, reason: _Optional[str] = ..., resource_count: _Optional[int] = ...) -> None: ...

class FleetProblem(_message.Message):
    """A registry or a role that is not in order."""
    __slots__ = ("resource", "reason", "message", "since")
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    resource: str
    """Output only. The registry or the role."""
    reason: str
    """Output only. The reason of its `Ready`; `REPLICATION_BROKEN` for a replication check that is
    `BROKEN`."""
    message: str
    """Output only. Explanation for people."""
    since: _timestamp_pb2.Timestamp
    """Output only. Time since which it is not `Ready`; unset for a replication check."""
    def __init__(self, resource: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Fleet(_message.Message):
    """Problems and open rollouts of the fleet, as far as the caller may read them."""
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
    """Identifier. Always `fleet`."""
    account_count: int
    """Output only. Number of accounts in the fleet that the caller may read."""
    registry_count: int
    """Output only. Number of registries that ecrkeeper knows."""
    ready_registry_count: int
    """Output only. Number of registries that are `Ready`."""
    registry_reasons: _containers.RepeatedCompositeFieldContainer[ReasonCount]
    """Output only. Registries that are not `Ready`, by reason, the most frequent first."""
    drifted_registry_count: int
    """Output only. Number of registries with drift."""
    role_count: int
    """Output only. Number of service-linked roles that ecrkeeper knows."""
    role_reasons: _containers.RepeatedCompositeFieldContainer[ReasonCount]
    """Output only. Roles that are not `Ready`, by reason, the most frequent first."""
    worst_problems: _containers.RepeatedCompositeFieldContainer[FleetProblem]
    """Output only. At most 20 roles and registries with problems: some of each reason, the most
    frequent reason first."""
    rollouts: _containers.RepeatedCompositeFieldContainer[Rollout]
    """Output only. Rollouts that have not ended, at most 100, and fewer if their strategies are
    large."""
    unreachable_account_count: int
    """Output only. Number of `ACTIVE` accounts in which ecrkeeper cannot call AWS."""
    broken_replication_registry_count: int
    """Output only. Number of registries with a replication check that is `BROKEN`."""
    unknown_replication_registry_count: int
    """Output only. Number of registries with a replication check that is `UNKNOWN`, and none that
    is `BROKEN`."""
    silent_registry_count: int
    """Output only. Number of registries whose events have stopped: their condition `EventsSilent`
    is `TRUE`."""
    def __init__(self, name: _Optional[str] = ..., account_count: _Optional[int] = ..., registry_count: _Optional[int] = ..., ready_registry_count: _Optional[int] = ..., registry_reasons: _Optional[_Iterable[_Union[ReasonCount, _Mapping]]] = ..., drifted_registry_count: _Optional[int] = ..., role_count: _Optional[int] = ..., role_reasons: _Optional[_Iterable[_Union[ReasonCount, _Mapping]]] = ..., worst_problems: _Optional[_Iterable[_Union[FleetProblem, _Mapping]]] = ..., rollouts: _Optional[_Iterable[_Union[Rollout, _Mapping]]] = ..., unreachable_account_count: _Optional[int] = ..., broken_replication_registry_count: _Optional[int] = ..., unknown_replication_registry_count: _Optional[int] = ..., silent_registry_count: _Optional[int] = ...) -> None: ...
