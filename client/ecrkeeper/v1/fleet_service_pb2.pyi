from ecrkeeper.v1 import fleet_pb2 as _fleet_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateAccountRequest(_message.Message):
    """Request of `CreateAccount`."""
    __slots__ = ("account_id", "account", "validate_only", "request_id", "reason")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    """Required. The 12 digits of the account."""
    account: _fleet_pb2.Account
    """Optional. The account."""
    validate_only: bool
    """Optional. Runs every check and returns the account, without changing anything."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    reason: str
    """Optional. Reason for the change, stored with the audit event; at most 1,000 characters."""
    def __init__(self, account_id: _Optional[str] = ..., account: _Optional[_Union[_fleet_pb2.Account, _Mapping]] = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class UpdateAccountRequest(_message.Message):
    """Request of `UpdateAccount`."""
    __slots__ = ("account", "update_mask", "allow_missing", "validate_only", "request_id", "reason")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    account: _fleet_pb2.Account
    """Required. The account; `name` identifies it, `etag` guards the write."""
    update_mask: _field_mask_pb2.FieldMask
    """Optional. The fields to update: `display_name`, `labels`, `organizational_unit`, `state`,
    `enabled_regions`. If empty, the call updates the fields that are set. `*` updates all fields
    and resets unset ones to their defaults."""
    allow_missing: bool
    """Optional. Creates the account if it does not exist."""
    validate_only: bool
    """Optional. Runs every check and returns the account, without changing anything."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    reason: str
    """Optional. Reason for the change, stored with the audit event; at most 1,000 characters."""
    def __init__(self, account: _Optional[_Union[_fleet_pb2.Account, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., allow_missing: bool = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class GetAccountRequest(_message.Message):
    """Request of `GetAccount`."""
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The account: `accounts/{account}`."""
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListAccountsRequest(_message.Message):
    """Request of `ListAccounts`."""
    __slots__ = ("page_size", "page_token", "filter")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    """Optional. At most this many; 100 if unset. A number above 1,000 is read as 1,000."""
    page_token: str
    """Optional. The `next_page_token` of the previous page. Keep all other fields unchanged."""
    filter: str
    """Optional. AIP-160, as `accounts` of `RegistrySelector`."""
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class ListAccountsResponse(_message.Message):
    """Response of `ListAccounts`."""
    __slots__ = ("accounts", "next_page_token")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[_fleet_pb2.Account]
    """Output only. The accounts."""
    next_page_token: str
    """Output only. Token of the next page; empty on the last page."""
    def __init__(self, accounts: _Optional[_Iterable[_Union[_fleet_pb2.Account, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteAccountRequest(_message.Message):
    """Request of `DeleteAccount`."""
    __slots__ = ("name", "etag", "allow_missing", "validate_only", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The account: `accounts/{account}`."""
    etag: str
    """Optional. The etag that you read. If the resource changed since, the call fails with
    `ABORTED`."""
    allow_missing: bool
    """Optional. Succeeds if the account does not exist."""
    validate_only: bool
    """Optional. Runs every check and returns, without changing anything."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    reason: str
    """Optional. Reason for the change, stored with the audit event; at most 1,000 characters."""
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., allow_missing: bool = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CreateRegistrySetRequest(_message.Message):
    """Request of `CreateRegistrySet`."""
    __slots__ = ("registry_set_id", "registry_set", "validate_only", "request_id", "reason")
    REGISTRY_SET_ID_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_SET_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    registry_set_id: str
    """Required. The id of the set, which is the owner of its declarations: 1 to 63 of `[a-z0-9-]`,
    beginning with a letter, not ending with a hyphen."""
    registry_set: _fleet_pb2.RegistrySet
    """Required. The set. Its `settings` are required."""
    validate_only: bool
    """Optional. Runs every check and returns the plan, without changing anything."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    reason: str
    """Optional. Reason for the change, stored with the revision; at most 1,000 characters."""
    def __init__(self, registry_set_id: _Optional[str] = ..., registry_set: _Optional[_Union[_fleet_pb2.RegistrySet, _Mapping]] = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class UpdateRegistrySetRequest(_message.Message):
    """Request of `UpdateRegistrySet`."""
    __slots__ = ("registry_set", "update_mask", "allow_missing", "validate_only", "request_id", "reason", "allow_removals", "supersede")
    REGISTRY_SET_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ALLOW_REMOVALS_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDE_FIELD_NUMBER: _ClassVar[int]
    registry_set: _fleet_pb2.RegistrySet
    """Required. The set; `name` identifies it, `etag` guards the write."""
    update_mask: _field_mask_pb2.FieldMask
    """Optional. The fields to update: `selector`, `settings`, `overrides`, `strategy`,
    `deletion_policy`, `allow_replacement`, `max_removals`. If empty, the call updates the fields
    that are set. `*` updates all fields and resets unset ones to their defaults."""
    allow_missing: bool
    """Optional. Creates the set if it does not exist."""
    validate_only: bool
    """Optional. Runs every check and returns the plan, without changing anything."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    reason: str
    """Optional. Reason for the change, stored with the revision; at most 1,000 characters."""
    allow_removals: int
    """Optional. The number of targets that lose elements, as in the plan. Confirms a number above
    `max_removals`."""
    supersede: bool
    """Optional. Replaces the revision that is queued or, if none is, cancels the rollout that is
    under way. Targets that it has changed stay where they are until the new rollout reaches
    them."""
    def __init__(self, registry_set: _Optional[_Union[_fleet_pb2.RegistrySet, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., allow_missing: bool = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ..., allow_removals: _Optional[int] = ..., supersede: bool = ...) -> None: ...

class GetRegistrySetRequest(_message.Message):
    """Request of `GetRegistrySet`."""
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The set: `registrySets/{set}`."""
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListRegistrySetsRequest(_message.Message):
    """Request of `ListRegistrySets`."""
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    """Optional. At most this many; 100 if unset. A number above 1,000 is read as 1,000."""
    page_token: str
    """Optional. The `next_page_token` of the previous page. Keep all other fields unchanged."""
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRegistrySetsResponse(_message.Message):
    """Response of `ListRegistrySets`."""
    __slots__ = ("registry_sets", "next_page_token")
    REGISTRY_SETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    registry_sets: _containers.RepeatedCompositeFieldContainer[_fleet_pb2.RegistrySet]
    """Output only. The sets."""
    next_page_token: str
    """Output only. Token of the next page; empty on the last page."""
    def __init__(self, registry_sets: _Optional[_Iterable[_Union[_fleet_pb2.RegistrySet, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteRegistrySetRequest(_message.Message):
    """Request of `DeleteRegistrySet`."""
    __slots__ = ("name", "etag", "allow_missing", "validate_only", "request_id", "reason", "allow_removals", "supersede")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ALLOW_REMOVALS_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDE_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The set: `registrySets/{set}`."""
    etag: str
    """Optional. The etag that you read. If the resource changed since, the call fails with
    `ABORTED`."""
    allow_missing: bool
    """Optional. Succeeds if the set does not exist."""
    validate_only: bool
    """Optional. Runs every check and returns the plan, without changing anything."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    reason: str
    """Optional. Reason for the change, stored with the revision; at most 1,000 characters."""
    allow_removals: int
    """Optional. The number of targets that lose elements, as in the plan. Confirms a number above
    `max_removals`."""
    supersede: bool
    """Optional. Replaces the revision that is queued or, if none is, cancels the rollout that is
    under way. Targets that it has changed stay where they are until the new rollout reaches
    them."""
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., allow_missing: bool = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ..., allow_removals: _Optional[int] = ..., supersede: bool = ...) -> None: ...

class ListRegistrySetTargetsRequest(_message.Message):
    """Request of `ListRegistrySetTargets`."""
    __slots__ = ("parent", "page_size", "page_token")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    """Required. The set: `registrySets/{set}`."""
    page_size: int
    """Optional. At most this many; 100 if unset. A number above 1,000 is read as 1,000."""
    page_token: str
    """Optional. The `next_page_token` of the previous page. Keep all other fields unchanged."""
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRegistrySetTargetsResponse(_message.Message):
    """Response of `ListRegistrySetTargets`."""
    __slots__ = ("targets", "next_page_token")
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    targets: _containers.RepeatedCompositeFieldContainer[_fleet_pb2.RegistrySetTarget]
    """Output only. The registries."""
    next_page_token: str
    """Output only. Token of the next page; empty on the last page."""
    def __init__(self, targets: _Optional[_Iterable[_Union[_fleet_pb2.RegistrySetTarget, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListRegistrySetRevisionsRequest(_message.Message):
    """Request of `ListRegistrySetRevisions`."""
    __slots__ = ("parent", "page_size", "page_token")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    """Required. The set: `registrySets/{set}`."""
    page_size: int
    """Optional. At most this many; 100 if unset. A number above 1,000 is read as 1,000."""
    page_token: str
    """Optional. The `next_page_token` of the previous page. Keep all other fields unchanged."""
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRegistrySetRevisionsResponse(_message.Message):
    """Response of `ListRegistrySetRevisions`."""
    __slots__ = ("revisions", "next_page_token")
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    revisions: _containers.RepeatedCompositeFieldContainer[_fleet_pb2.RegistrySetRevision]
    """Output only. The revisions, newest first."""
    next_page_token: str
    """Output only. Token of the next page; empty on the last page."""
    def __init__(self, revisions: _Optional[_Iterable[_Union[_fleet_pb2.RegistrySetRevision, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetRolloutRequest(_message.Message):
    """Request of `GetRollout`."""
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The rollout: `registrySets/{set}/rollouts/{number}`."""
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListRolloutsRequest(_message.Message):
    """Request of `ListRollouts`."""
    __slots__ = ("parent", "page_size", "page_token")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    """Required. The set: `registrySets/{set}`."""
    page_size: int
    """Optional. At most this many; 100 if unset. A number above 1,000 is read as 1,000."""
    page_token: str
    """Optional. The `next_page_token` of the previous page. Keep all other fields unchanged."""
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRolloutsResponse(_message.Message):
    """Response of `ListRollouts`."""
    __slots__ = ("rollouts", "next_page_token")
    ROLLOUTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    rollouts: _containers.RepeatedCompositeFieldContainer[_fleet_pb2.Rollout]
    """Output only. The rollouts, newest first."""
    next_page_token: str
    """Output only. Token of the next page; empty on the last page."""
    def __init__(self, rollouts: _Optional[_Iterable[_Union[_fleet_pb2.Rollout, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListRolloutTargetsRequest(_message.Message):
    """Request of `ListRolloutTargets`."""
    __slots__ = ("parent", "page_size", "page_token", "filter")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    parent: str
    """Required. The rollout: `registrySets/{set}/rollouts/{number}`."""
    page_size: int
    """Optional. At most this many; 100 if unset. A number above 1,000 is read as 1,000."""
    page_token: str
    """Optional. The `next_page_token` of the previous page. Keep all other fields unchanged."""
    filter: str
    """Optional. AIP-160, as in `ListRegistries`. Fields: `account`, `region`, `state` (`PENDING`,
    `RUNNING`, `BAKING`, `SUCCEEDED`, `FAILED`, `SKIPPED`, `HELD`), `reason`; for example `state =
    FAILED`."""
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class ListRolloutTargetsResponse(_message.Message):
    """Response of `ListRolloutTargets`."""
    __slots__ = ("targets", "next_page_token")
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    targets: _containers.RepeatedCompositeFieldContainer[_fleet_pb2.RolloutTarget]
    """Output only. The targets."""
    next_page_token: str
    """Output only. Token of the next page; empty on the last page."""
    def __init__(self, targets: _Optional[_Iterable[_Union[_fleet_pb2.RolloutTarget, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class PauseRolloutRequest(_message.Message):
    """Request of `PauseRollout`."""
    __slots__ = ("name", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The rollout: `registrySets/{set}/rollouts/{number}`."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    reason: str
    """Optional. Reason for the change, stored with the audit event; at most 1,000 characters."""
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ResumeRolloutRequest(_message.Message):
    """Request of `ResumeRollout`."""
    __slots__ = ("name", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The rollout: `registrySets/{set}/rollouts/{number}`."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    reason: str
    """Optional. Reason for the change, stored with the audit event; at most 1,000 characters."""
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ApproveRolloutRequest(_message.Message):
    """Request of `ApproveRollout`."""
    __slots__ = ("name", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The rollout: `registrySets/{set}/rollouts/{number}`."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    reason: str
    """Optional. Reason for the change, stored with the audit event; at most 1,000 characters."""
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CancelRolloutRequest(_message.Message):
    """Request of `CancelRollout`."""
    __slots__ = ("name", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The rollout: `registrySets/{set}/rollouts/{number}`."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    reason: str
    """Optional. Reason for the change, stored with the audit event; at most 1,000 characters."""
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RollBackRolloutRequest(_message.Message):
    """Request of `RollBackRollout`."""
    __slots__ = ("name", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The rollout: `registrySets/{set}/rollouts/{number}`."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    reason: str
    """Optional. Reason for the change, stored with the audit event; at most 1,000 characters."""
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class WatchRolloutRequest(_message.Message):
    """Request of `WatchRollout`."""
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The rollout: `registrySets/{set}/rollouts/{number}`."""
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class WatchRolloutResponse(_message.Message):
    """One message of the stream."""
    __slots__ = ("rollout",)
    ROLLOUT_FIELD_NUMBER: _ClassVar[int]
    rollout: _fleet_pb2.Rollout
    """Output only. The rollout as it is now."""
    def __init__(self, rollout: _Optional[_Union[_fleet_pb2.Rollout, _Mapping]] = ...) -> None: ...

class GetFleetRequest(_message.Message):
    """Request of `GetFleet`."""
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. Always `fleet`."""
    def __init__(self, name: _Optional[str] = ...) -> None: ...
