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
    """The part of a registry that an answer contains. Every answer is smaller than 3 MiB."""
    __slots__ = ()
    REGISTRY_VIEW_UNSPECIFIED: _ClassVar[RegistryView]
    """`FULL` for `GetRegistry`, `BASIC` for lists and watches."""
    BASIC: _ClassVar[RegistryView]
    """The state without the settings, at most 64 KiB: conditions, `last_error`, `declarations`,
    `element_counts` and `worst_problem`. `desired`, `observed`, `elements`, `drift`, `quota_usage`,
    `last_remediation` and `replication_checks` are unset. If `declarations` is too long, it begins
    with those that are not ready."""
    FULL: _ClassVar[RegistryView]
    """All fields. Equal replication pairs are grouped, and a long value appears once. If the
    message is still too long, `truncated_fields` names the lists and settings that are cut."""
REGISTRY_VIEW_UNSPECIFIED: RegistryView
BASIC: RegistryView
FULL: RegistryView

class Registry(_message.Message):
    """The ECR private registry of one account in one Region: its desired state, composed of all
    owners' declarations, and its observed state."""
    __slots__ = ("name", "uid", "etag", "generation", "observed_generation", "create_time", "update_time", "reconciling", "conditions", "drift", "last_error", "next_reconcile_time", "mode", "unmanaged_elements", "owners", "desired", "observed", "observe_time", "elements", "quota_usage", "last_remediation", "replication_checks", "plan", "declarations", "last_error_attempts", "view", "element_counts", "worst_problem", "owner_count", "truncated_fields", "image_deliveries")
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
    IMAGE_DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Identifier. `accounts/{account}/registries/{region}`, for example
    `accounts/111111111111/registries/us-east-1`."""
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
    """Output only. Time at which ecrkeeper stored the registry."""
    update_time: _timestamp_pb2.Timestamp
    """Output only. Time of the last change of the desired state."""
    reconciling: bool
    """Output only. True while AWS does not yet match the newest generation."""
    conditions: _containers.RepeatedCompositeFieldContainer[_common_pb2.Condition]
    """Output only. `Ready`, `Synced`, `Blocked` and `Degraded`, for all owners' elements together:
    `Synced` is true when all of them are in sync. `declarations` has the conditions of each
    owner."""
    drift: _containers.RepeatedCompositeFieldContainer[_common_pb2.Drift]
    """Output only. Elements that differ."""
    last_error: _status_pb2.Status
    """Output only. Error of the last reconciliation; unset after a success.
    `google.rpc.PreconditionFailure` has a violation for each element that AWS rejects, with the
    subject `{setting}/{key}`. `google.rpc.ErrorInfo` describes the first of them: `setting`, `key`,
    `owner`, and details of the element, such as `sid` and `principal`."""
    next_reconcile_time: _timestamp_pb2.Timestamp
    """Output only. Time of the next reconciliation; unset if there is none."""
    mode: _common_pb2.Mode
    """Optional. How ecrkeeper treats the resource."""
    unmanaged_elements: _common_pb2.UnmanagedElements
    """Optional. Handling of unmanaged elements."""
    owners: _containers.RepeatedScalarFieldContainer[str]
    """Output only. Owners with a declaration for this registry, in alphabetical order."""
    desired: _settings_pb2.Settings
    """Output only. Desired settings: the union of all declarations."""
    observed: _settings_pb2.Settings
    """Output only. Settings that AWS returned last; settings that ecrkeeper did not observe are
    absent."""
    observe_time: _timestamp_pb2.Timestamp
    """Output only. Time at which AWS was last observed."""
    elements: _containers.RepeatedCompositeFieldContainer[Element]
    """Output only. All desired and all observed elements, with their owners."""
    quota_usage: _containers.RepeatedCompositeFieldContainer[QuotaUsage]
    """Output only. AWS quotas that the desired settings use."""
    last_remediation: Remediation
    """Output only. The last out-of-band changes that ecrkeeper reverted."""
    replication_checks: _containers.RepeatedCompositeFieldContainer[ReplicationCheck]
    """Output only. Check of the replication to each destination."""
    plan: _common_pb2.Plan
    """Output only. Plan of the call; set only in answers to `validate_only`."""
    declarations: _containers.RepeatedCompositeFieldContainer[DeclarationStatus]
    """Output only. The status of each owner's declaration, by owner."""
    last_error_attempts: _common_pb2.ErrorAttempts
    """Output only. Number and times of the occurrences of `last_error`; unset without an error."""
    view: RegistryView
    """Output only. The view that this message shows: `BASIC` or `FULL`."""
    element_counts: _containers.RepeatedCompositeFieldContainer[ElementCount]
    """Output only. Number of elements by setting and state; settings without elements are
    omitted."""
    worst_problem: RegistryProblem
    """Output only. The problem to solve first; unset if there is none."""
    owner_count: int
    """Output only. Number of owners with a declaration for this registry."""
    truncated_fields: _containers.RepeatedScalarFieldContainer[str]
    """Output only. Fields that are incomplete because the message would be too long, for example
    `elements` or `desired.repository_creation_templates`. `ListRegistryElements` has all elements,
    `ListRegistrySettings` all declarations."""
    image_deliveries: _containers.RepeatedCompositeFieldContainer[ImageDelivery]
    """Output only. The last results of replication to each destination and of pulls through each
    cache rule, as ECR's events report them. Empty without event queues."""
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., etag: _Optional[str] = ..., generation: _Optional[int] = ..., observed_generation: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reconciling: bool = ..., conditions: _Optional[_Iterable[_Union[_common_pb2.Condition, _Mapping]]] = ..., drift: _Optional[_Iterable[_Union[_common_pb2.Drift, _Mapping]]] = ..., last_error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., next_reconcile_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., mode: _Optional[_Union[_common_pb2.Mode, str]] = ..., unmanaged_elements: _Optional[_Union[_common_pb2.UnmanagedElements, str]] = ..., owners: _Optional[_Iterable[str]] = ..., desired: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., observed: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., observe_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., elements: _Optional[_Iterable[_Union[Element, _Mapping]]] = ..., quota_usage: _Optional[_Iterable[_Union[QuotaUsage, _Mapping]]] = ..., last_remediation: _Optional[_Union[Remediation, _Mapping]] = ..., replication_checks: _Optional[_Iterable[_Union[ReplicationCheck, _Mapping]]] = ..., plan: _Optional[_Union[_common_pb2.Plan, _Mapping]] = ..., declarations: _Optional[_Iterable[_Union[DeclarationStatus, _Mapping]]] = ..., last_error_attempts: _Optional[_Union[_common_pb2.ErrorAttempts, _Mapping]] = ..., view: _Optional[_Union[RegistryView, str]] = ..., element_counts: _Optional[_Iterable[_Union[ElementCount, _Mapping]]] = ..., worst_problem: _Optional[_Union[RegistryProblem, _Mapping]] = ..., owner_count: _Optional[int] = ..., truncated_fields: _Optional[_Iterable[str]] = ..., image_deliveries: _Optional[_Iterable[_Union[ImageDelivery, _Mapping]]] = ...) -> None: ...

class ImageDelivery(_message.Message):
    """The last results of the replication to one destination, or of pulls through one cache
    rule."""
    __slots__ = ("setting", "target", "last_success_time", "last_failure_time", "failure_reason")
    SETTING_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    LAST_SUCCESS_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_FAILURE_TIME_FIELD_NUMBER: _ClassVar[int]
    FAILURE_REASON_FIELD_NUMBER: _ClassVar[int]
    setting: str
    """Output only. `replication_configuration` or `pull_through_cache_rules`."""
    target: str
    """Output only. `{account}/{region}` of the destination, or the prefix of the cache rule."""
    last_success_time: _timestamp_pb2.Timestamp
    """Output only. Time of the last success; unset if no event reported one."""
    last_failure_time: _timestamp_pb2.Timestamp
    """Output only. Time of the last failure; unset if no event reported one."""
    failure_reason: str
    """Output only. Reason of the last failure, in ECR's words, and the repository."""
    def __init__(self, setting: _Optional[str] = ..., target: _Optional[str] = ..., last_success_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_failure_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., failure_reason: _Optional[str] = ...) -> None: ...

class DeclarationStatus(_message.Message):
    """Status of one owner's declaration. It does not depend on elements of other owners: a
    statement that AWS rejects blocks only the owners who declare it."""
    __slots__ = ("owner", "generation", "observed_generation", "conditions", "last_error")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_GENERATION_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    owner: str
    """Output only. The owner."""
    generation: int
    """Output only. Number of the declaration's content; it grows with each change."""
    observed_generation: int
    """Output only. The newest generation that AWS matches."""
    conditions: _containers.RepeatedCompositeFieldContainer[_common_pb2.Condition]
    """Output only. `Ready`, `Synced`, `Blocked` and `Degraded`, as in `RegistrySettings`."""
    last_error: _status_pb2.Status
    """Output only. Error that keeps the declaration out of sync; unset if there is none."""
    def __init__(self, owner: _Optional[str] = ..., generation: _Optional[int] = ..., observed_generation: _Optional[int] = ..., conditions: _Optional[_Iterable[_Union[_common_pb2.Condition, _Mapping]]] = ..., last_error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class Element(_message.Message):
    """One element of a setting: the smallest part that an owner can declare."""
    __slots__ = ("setting", "key", "state", "owners", "value", "problem", "pairs", "observed", "value_omitted", "omitted_owners")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """State of an element."""
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Element.State]
        """Never returned."""
        IN_SYNC: _ClassVar[Element.State]
        """The element is desired, and AWS has its desired value."""
        OUT_OF_SYNC: _ClassVar[Element.State]
        """The element is desired, and AWS has another value or none."""
        UNMANAGED: _ClassVar[Element.State]
        """AWS has the element, and nobody declares it."""
        REMOVING: _ClassVar[Element.State]
        """AWS has the element, ecrkeeper wrote it, and nobody declares it any more. ecrkeeper
        removes it."""
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
    OMITTED_OWNERS_FIELD_NUMBER: _ClassVar[int]
    setting: str
    """Output only. The setting, by its field name in `Settings`."""
    key: str
    """Output only. The key of the element in its setting."""
    state: Element.State
    """Output only. State of the element."""
    owners: _containers.RepeatedScalarFieldContainer[str]
    """Output only. The first 1,000 owners that declare the element; empty for an unmanaged
    element."""
    value: _struct_pb2.Value
    """Output only. The value in AWS's shape: the desired one, or else the observed one. A
    `Registry` omits values longer than 2 KiB, which `desired` or `observed` already has."""
    problem: str
    """Output only. Problem of an element that AWS has: for a cache rule, ECR's error when it logs
    in to the upstream."""
    pairs: _common_pb2.ReplicationPairs
    """Output only. The replication pairs with the same state and the same owners; `key` is the
    first of them. Unset for other settings, and in `ListRegistryElements`, which lists each
    pair."""
    observed: _struct_pb2.Value
    """Output only. The value in AWS if it differs from the desired one; set only by
    `ListRegistryElements`."""
    value_omitted: bool
    """Output only. True if `value` is omitted because it is long."""
    omitted_owners: int
    """Output only. Number of owners that `owners` omits."""
    def __init__(self, setting: _Optional[str] = ..., key: _Optional[str] = ..., state: _Optional[_Union[Element.State, str]] = ..., owners: _Optional[_Iterable[str]] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., problem: _Optional[str] = ..., pairs: _Optional[_Union[_common_pb2.ReplicationPairs, _Mapping]] = ..., observed: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., value_omitted: bool = ..., omitted_owners: _Optional[int] = ...) -> None: ...

class QuotaUsage(_message.Message):
    """Use of one AWS quota."""
    __slots__ = ("setting", "quota", "used", "limit")
    SETTING_FIELD_NUMBER: _ClassVar[int]
    QUOTA_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    setting: str
    """Output only. The setting, by its field name in `Settings`."""
    quota: str
    """Output only. Counted items, for example `replication rules`. The text is for people; do not
    compare it."""
    used: int
    """Output only. Number that the next write uses, including unmanaged elements."""
    limit: int
    """Output only. Number that AWS allows."""
    def __init__(self, setting: _Optional[str] = ..., quota: _Optional[str] = ..., used: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class Remediation(_message.Message):
    """Drift that ecrkeeper reverted."""
    __slots__ = ("remediation_time", "drift", "cause")
    REMEDIATION_TIME_FIELD_NUMBER: _ClassVar[int]
    DRIFT_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    remediation_time: _timestamp_pb2.Timestamp
    """Output only. Time of the remediation."""
    drift: _containers.RepeatedCompositeFieldContainer[_common_pb2.Drift]
    """Output only. The drift, with the values before and after."""
    cause: _common_pb2.Cause
    """Output only. The newest of the causes in `drift`."""
    def __init__(self, remediation_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., drift: _Optional[_Iterable[_Union[_common_pb2.Drift, _Mapping]]] = ..., cause: _Optional[_Union[_common_pb2.Cause, _Mapping]] = ...) -> None: ...

class ReplicationCheck(_message.Message):
    """Check of one replication destination. It compares the destination's registry policy with the
    filters that are replicated there."""
    __slots__ = ("destination", "result", "findings", "check_time", "arrivals")
    class Result(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """The result of a check."""
        __slots__ = ()
        RESULT_UNSPECIFIED: _ClassVar[ReplicationCheck.Result]
        """Never returned."""
        OK: _ClassVar[ReplicationCheck.Result]
        """Images of every replicated repository arrive."""
        BROKEN: _ClassVar[ReplicationCheck.Result]
        """No image arrives."""
        UNKNOWN: _ClassVar[ReplicationCheck.Result]
        """The result is unknown: ecrkeeper cannot read the destination, or the result depends on a
        condition or a principal that ecrkeeper does not evaluate."""
        CONDITIONAL: _ClassVar[ReplicationCheck.Result]
        """Images of some repositories arrive and those of others do not, or they arrive only in
        repositories that exist at the destination."""
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
    """Output only. The destination."""
    result: ReplicationCheck.Result
    """Output only. The result."""
    findings: _containers.RepeatedCompositeFieldContainer[_common_pb2.Warning]
    """Output only. Problems, at most 20, or the cause of an unknown result; each has a `reason` for
    programs."""
    check_time: _timestamp_pb2.Timestamp
    """Output only. Time of the check."""
    arrivals: _containers.RepeatedCompositeFieldContainer[ReplicationArrival]
    """Output only. One entry for each outcome that occurs."""
    def __init__(self, destination: _Optional[_Union[_settings_pb2.ReplicationDestination, _Mapping]] = ..., result: _Optional[_Union[ReplicationCheck.Result, str]] = ..., findings: _Optional[_Iterable[_Union[_common_pb2.Warning, _Mapping]]] = ..., check_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., arrivals: _Optional[_Iterable[_Union[ReplicationArrival, _Mapping]]] = ...) -> None: ...

class ReplicationArrival(_message.Message):
    """The replicated repositories whose images have the same outcome at a destination."""
    __slots__ = ("outcome", "filters", "partial_filters", "omitted_filters", "example_repository")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Outcome for the images of a repository at a destination."""
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[ReplicationArrival.Outcome]
        """Never returned."""
        ARRIVES: _ClassVar[ReplicationArrival.Outcome]
        """Images arrive, and ECR creates the repository if it does not exist."""
        ARRIVES_IF_REPOSITORY_EXISTS: _ClassVar[ReplicationArrival.Outcome]
        """Images arrive if the repository exists at the destination: ECR may not create it
        there."""
        DOES_NOT_ARRIVE: _ClassVar[ReplicationArrival.Outcome]
        """Images do not arrive."""
        UNKNOWN: _ClassVar[ReplicationArrival.Outcome]
        """ecrkeeper does not know whether images arrive."""
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
    """Output only. The outcome."""
    filters: _containers.RepeatedScalarFieldContainer[str]
    """Output only. Filters all of whose repositories have this outcome; the empty filter is every
    repository. A filter that another one includes is omitted."""
    partial_filters: _containers.RepeatedScalarFieldContainer[str]
    """Output only. Filters some of whose repositories have this outcome."""
    omitted_filters: int
    """Output only. Number of omitted filters: each list has at most 20."""
    example_repository: str
    """Output only. The shortest possible name of a repository with this outcome; the repository
    need not exist. Empty if the outcome is unknown for single repositories."""
    def __init__(self, outcome: _Optional[_Union[ReplicationArrival.Outcome, str]] = ..., filters: _Optional[_Iterable[str]] = ..., partial_filters: _Optional[_Iterable[str]] = ..., omitted_filters: _Optional[int] = ..., example_repository: _Optional[str] = ...) -> None: ...

class RepositoryReplication(_message.Message):
    """Outcome for the images of one repository at one replication destination."""
    __slots__ = ("destination", "outcome", "findings")
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    destination: _settings_pb2.ReplicationDestination
    """Output only. The destination."""
    outcome: ReplicationArrival.Outcome
    """Output only. Whether the images arrive."""
    findings: _containers.RepeatedCompositeFieldContainer[_common_pb2.Warning]
    """Output only. Problems; each has a `reason` for programs."""
    def __init__(self, destination: _Optional[_Union[_settings_pb2.ReplicationDestination, _Mapping]] = ..., outcome: _Optional[_Union[ReplicationArrival.Outcome, str]] = ..., findings: _Optional[_Iterable[_Union[_common_pb2.Warning, _Mapping]]] = ...) -> None: ...

class RegistrySettings(_message.Message):
    """Declaration of one owner for one registry."""
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
    """Identifier. `accounts/{account}/registries/{region}/settings/{owner}`. An owner is 1 to 63 of
    `[a-z0-9-]`, begins with a letter and does not end with a hyphen."""
    uid: str
    """Output only. UUID of the resource; it never changes."""
    etag: str
    """Optional. Opaque version of the declaration. Pass it to Update or Delete to fail with
    `ABORTED` if the declaration was changed or deleted since. Create ignores it. In answers to
    `validate_only` it is the etag of the current declaration, and empty if there is none."""
    generation: int
    """Output only. Number of the newest revision; it grows with each change of the declaration."""
    observed_generation: int
    """Output only. The newest generation that AWS matches, independent of other owners."""
    create_time: _timestamp_pb2.Timestamp
    """Output only. Time of the creation."""
    update_time: _timestamp_pb2.Timestamp
    """Output only. Time of the last change."""
    reconciling: bool
    """Output only. True while AWS does not yet match this declaration."""
    conditions: _containers.RepeatedCompositeFieldContainer[_common_pb2.Condition]
    """Output only. `Ready`, `Synced`, `Blocked` and `Degraded` of this owner's elements. They do
    not depend on elements of other owners. An error of the whole registry or of a setting affects
    every owner."""
    drift: _containers.RepeatedCompositeFieldContainer[_common_pb2.Drift]
    """Output only. Elements of this declaration that differ."""
    last_error: _status_pb2.Status
    """Output only. Error of the last reconciliation of this owner's elements, as in `Registry`."""
    next_reconcile_time: _timestamp_pb2.Timestamp
    """Output only. Time of the registry's next reconciliation."""
    settings: _settings_pb2.Settings
    """Required. The declared settings, at most 1 MiB as a protobuf message. Larger settings fail
    with `INVALID_ARGUMENT` and the reason `DECLARATION_TOO_LARGE`; divide them among several
    owners."""
    deletion_policy: _common_pb2.DeletionPolicy
    """Optional. Effect of deleting this declaration in AWS."""
    allow_replacement: bool
    """Optional. Allows ecrkeeper to delete and recreate elements of this declaration that ECR
    cannot change in place, for example a cache rule that gets another URL."""
    plan: _common_pb2.Plan
    """Output only. Plan of the call; set only in answers to `validate_only`."""
    truncated_fields: _containers.RepeatedScalarFieldContainer[str]
    """Output only. Fields that are incomplete because the message would be too long, for example
    `drift`."""
    managed_by: str
    """Output only. The registry set that made the declaration: `registrySets/{set}`. Nobody else
    can change it. Empty for other declarations."""
    apply_group: str
    """Optional. The group of declarations that are applied together, for example from one
    repository: 1 to 63 of `[a-z0-9-]`, beginning with a letter, not ending with a hyphen.
    `ecrkeeper apply --prune` deletes the declarations of a group that its files no longer have. The
    group has no effect in AWS."""
    takeovers: _containers.RepeatedCompositeFieldContainer[Takeover]
    """Output only. The elements that the call takes over from other owners, because `force` is set;
    set only in the answer to that call."""
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., etag: _Optional[str] = ..., generation: _Optional[int] = ..., observed_generation: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reconciling: bool = ..., conditions: _Optional[_Iterable[_Union[_common_pb2.Condition, _Mapping]]] = ..., drift: _Optional[_Iterable[_Union[_common_pb2.Drift, _Mapping]]] = ..., last_error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., next_reconcile_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., deletion_policy: _Optional[_Union[_common_pb2.DeletionPolicy, str]] = ..., allow_replacement: bool = ..., plan: _Optional[_Union[_common_pb2.Plan, _Mapping]] = ..., truncated_fields: _Optional[_Iterable[str]] = ..., managed_by: _Optional[str] = ..., apply_group: _Optional[str] = ..., takeovers: _Optional[_Iterable[_Union[Takeover, _Mapping]]] = ...) -> None: ...

class Takeover(_message.Message):
    """Elements that an owner takes over from another one, whose declaration loses them."""
    __slots__ = ("owner", "setting", "key", "value", "value_omitted", "pairs")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    SETTING_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    VALUE_OMITTED_FIELD_NUMBER: _ClassVar[int]
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    owner: str
    """Output only. The owner who loses the elements."""
    setting: str
    """Output only. The setting, by its field name in `Settings`."""
    key: str
    """Output only. The key of the element in its setting."""
    value: _struct_pb2.Value
    """Output only. The value that the other owner declared, in AWS's shape."""
    value_omitted: bool
    """Output only. True if `value` is omitted because it is longer than 2 KiB. The previous
    revision of the other owner's declaration has it."""
    pairs: _common_pb2.ReplicationPairs
    """Output only. The replication pairs that are taken over together; `key` is the first of them.
    Unset for other settings."""
    def __init__(self, owner: _Optional[str] = ..., setting: _Optional[str] = ..., key: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., value_omitted: bool = ..., pairs: _Optional[_Union[_common_pb2.ReplicationPairs, _Mapping]] = ...) -> None: ...

class RegistrySettingsRevision(_message.Message):
    """One stored content of a declaration."""
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
    """Output only. Number of the revision. Revision 0 holds the elements that AWS had of each
    setting before this owner first declared it, without those of other owners."""
    settings: _settings_pb2.Settings
    """Output only. The declared settings; unset for a deletion."""
    create_time: _timestamp_pb2.Timestamp
    """Output only. Time of the write."""
    principal: str
    """Output only. Principal of the caller; empty without authentication."""
    request_id: str
    """Output only. Request id of the call."""
    reason: str
    """Output only. Reason of the caller."""
    method: str
    """Output only. The call, for example `UpdateRegistrySettings`."""
    changes: _containers.RepeatedCompositeFieldContainer[_common_pb2.ElementChange]
    """Output only. Changes since the previous revision, by element."""
    deletion_policy: _common_pb2.DeletionPolicy
    """Output only. The declaration's `deletion_policy`."""
    allow_replacement: bool
    """Output only. The declaration's `allow_replacement`."""
    truncated_fields: _containers.RepeatedScalarFieldContainer[str]
    """Output only. Fields that are incomplete because the message would be too long, for example
    `changes` or `settings.repository_creation_templates`."""
    def __init__(self, revision: _Optional[int] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., principal: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ..., method: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[_common_pb2.ElementChange, _Mapping]]] = ..., deletion_policy: _Optional[_Union[_common_pb2.DeletionPolicy, str]] = ..., allow_replacement: bool = ..., truncated_fields: _Optional[_Iterable[str]] = ...) -> None: ...

class ReplicationBackfill(_message.Message):
    """A copy of a registry's existing images to one replication destination."""
    __slots__ = ("name", "destination", "status", "failure_code", "total_replication_count", "completed_replication_count", "failed_replication_count", "failure_codes", "start_time", "end_time")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """The states of a backfill, as ECR names them."""
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[ReplicationBackfill.Status]
        """The backfill is accepted, and ECR does not know it yet."""
        PREPARING: _ClassVar[ReplicationBackfill.Status]
        """ECR collects the images."""
        IN_PROGRESS: _ClassVar[ReplicationBackfill.Status]
        """Images are copied."""
        COMPLETE: _ClassVar[ReplicationBackfill.Status]
        """ECR copied the images."""
        FAILED: _ClassVar[ReplicationBackfill.Status]
        """The backfill ended with too many failures."""
        STOPPING: _ClassVar[ReplicationBackfill.Status]
        """A stop was requested."""
        STOPPED: _ClassVar[ReplicationBackfill.Status]
        """The backfill was stopped."""
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
    """Identifier. `accounts/{account}/registries/{region}/replicationBackfills/{id}`."""
    destination: _settings_pb2.ReplicationDestination
    """Output only. The destination."""
    status: ReplicationBackfill.Status
    """Output only. The last state that ECR reported; it stays after ECR has forgotten the
    backfill."""
    failure_code: str
    """Output only. ECR's code of the failure."""
    total_replication_count: int
    """Output only. Number of images to copy."""
    completed_replication_count: int
    """Output only. Number of copied images."""
    failed_replication_count: int
    """Output only. Number of failed images."""
    failure_codes: _containers.RepeatedScalarFieldContainer[str]
    """Output only. The codes of the failures, at most 100."""
    start_time: _timestamp_pb2.Timestamp
    """Output only. Start time."""
    end_time: _timestamp_pb2.Timestamp
    """Output only. End time."""
    def __init__(self, name: _Optional[str] = ..., destination: _Optional[_Union[_settings_pb2.ReplicationDestination, _Mapping]] = ..., status: _Optional[_Union[ReplicationBackfill.Status, str]] = ..., failure_code: _Optional[str] = ..., total_replication_count: _Optional[int] = ..., completed_replication_count: _Optional[int] = ..., failed_replication_count: _Optional[int] = ..., failure_codes: _Optional[_Iterable[str]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReplicationBackfillResult(_message.Message):
    """Result of one image in a backfill."""
    __slots__ = ("repository_name", "image_digest", "image_tag", "status", "failure_code")
    REPOSITORY_NAME_FIELD_NUMBER: _ClassVar[int]
    IMAGE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    IMAGE_TAG_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_CODE_FIELD_NUMBER: _ClassVar[int]
    repository_name: str
    """Output only. The repository."""
    image_digest: str
    """Output only. The image's digest."""
    image_tag: str
    """Output only. The image's tag."""
    status: str
    """Output only. `COMPLETE` or `FAILED`."""
    failure_code: str
    """Output only. ECR's code of the failure."""
    def __init__(self, repository_name: _Optional[str] = ..., image_digest: _Optional[str] = ..., image_tag: _Optional[str] = ..., status: _Optional[str] = ..., failure_code: _Optional[str] = ...) -> None: ...

class ImageReplicationStatus(_message.Message):
    """Replication of one image to one destination, as ECR reports it."""
    __slots__ = ("repository_name", "image_digest", "image_tag", "status", "failure_code")
    REPOSITORY_NAME_FIELD_NUMBER: _ClassVar[int]
    IMAGE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    IMAGE_TAG_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_CODE_FIELD_NUMBER: _ClassVar[int]
    repository_name: str
    """Output only. The repository."""
    image_digest: str
    """Output only. The image's digest."""
    image_tag: str
    """Output only. One of the image's tags; empty if it has none."""
    status: str
    """Output only. `COMPLETE`, `IN_PROGRESS` or `FAILED`. Empty if ECR has not replicated the image
    to the destination, for example because it was pushed before the rule."""
    failure_code: str
    """Output only. ECR's code of the failure."""
    def __init__(self, repository_name: _Optional[str] = ..., image_digest: _Optional[str] = ..., image_tag: _Optional[str] = ..., status: _Optional[str] = ..., failure_code: _Optional[str] = ...) -> None: ...

class ElementCount(_message.Message):
    """Number of elements of a setting in one state."""
    __slots__ = ("setting", "state", "count")
    SETTING_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    setting: str
    """Output only. The setting, by its field name in `Settings`."""
    state: Element.State
    """Output only. The state."""
    count: int
    """Output only. Number of elements; each replication pair counts as one."""
    def __init__(self, setting: _Optional[str] = ..., state: _Optional[_Union[Element.State, str]] = ..., count: _Optional[int] = ...) -> None: ...

class RegistryProblem(_message.Message):
    """The problem of a registry to solve first. In this order: an error of the last reconciliation,
    an element that does not work, a broken replication destination, drift."""
    __slots__ = ("reason", "message", "setting", "key")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SETTING_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    reason: str
    """Output only. Reason code for programs: the reason of `last_error` or of the finding,
    `ELEMENT_PROBLEM`, or `OUT_OF_SYNC`."""
    message: str
    """Output only. Explanation for people, at most 1,000 characters."""
    setting: str
    """Output only. The affected setting; empty for the whole registry."""
    key: str
    """Output only. The key of the affected element, or of the first ones; empty for the whole
    setting."""
    def __init__(self, reason: _Optional[str] = ..., message: _Optional[str] = ..., setting: _Optional[str] = ..., key: _Optional[str] = ...) -> None: ...
