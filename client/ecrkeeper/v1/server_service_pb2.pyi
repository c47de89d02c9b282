import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetServerInfoRequest(_message.Message):
    """Request of `GetServerInfo`."""
    __slots__ = ()
    def __init__(self) -> None: ...

class ServerInfo(_message.Message):
    """Version and features of the server."""
    __slots__ = ("version", "partition", "home_region", "settings", "features")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    HOME_REGION_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    version: str
    """Output only. The version of ecrkeeper, for example `0.2.0`."""
    partition: str
    """Output only. The AWS partition that this server serves, for example `aws`."""
    home_region: str
    """Output only. The home Region, in which the server calls IAM and STS."""
    settings: _containers.RepeatedScalarFieldContainer[str]
    """Output only. The settings that you can declare, by field name in `Settings`."""
    features: _containers.RepeatedScalarFieldContainer[str]
    """Output only. The features of this version and of the server's configuration, in alphabetical
    order. `ABANDON_ROLE`, `DELETE_REGISTRY`, `FILTER_OR` and `FLEET` name calls and fields that
    older versions lack. `AUTHENTICATION`: callers must authenticate. `AUTHORIZATION`: the server
    has a policy file. `ASSUMED_ROLES`: the server assumes a role in each account. Later versions
    may add features."""
    def __init__(self, version: _Optional[str] = ..., partition: _Optional[str] = ..., home_region: _Optional[str] = ..., settings: _Optional[_Iterable[str]] = ..., features: _Optional[_Iterable[str]] = ...) -> None: ...

class WhoAmIRequest(_message.Message):
    """Request of `WhoAmI`."""
    __slots__ = ("resource",)
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    resource: str
    """Optional. The resource to check: `accounts/{account}`, a registry, a declaration, a role or a
    registry set; if empty, the whole installation. It need not exist. If a name contains `-`, the
    answer has the verbs that the caller has on at least one matching resource."""
    def __init__(self, resource: _Optional[str] = ...) -> None: ...

class WhoAmIResponse(_message.Message):
    """Identity and permissions of the caller."""
    __slots__ = ("principal", "groups", "expire_time", "verbs")
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    VERBS_FIELD_NUMBER: _ClassVar[int]
    principal: str
    """Output only. The principal; empty if the server does not authenticate callers."""
    groups: _containers.RepeatedScalarFieldContainer[str]
    """Output only. The groups of the principal, in alphabetical order."""
    expire_time: _timestamp_pb2.Timestamp
    """Output only. Time at which the token expires; unset if the caller has no token."""
    verbs: _containers.RepeatedScalarFieldContainer[str]
    """Output only. The verbs that the caller has on the resource: any of `read`, `write`, `force`,
    `delete-role`, `admin` and `approve`. All of them if the server has no policy file."""
    def __init__(self, principal: _Optional[str] = ..., groups: _Optional[_Iterable[str]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., verbs: _Optional[_Iterable[str]] = ...) -> None: ...

class GetAwsIdentityRequest(_message.Message):
    """Request of `GetAwsIdentity`."""
    __slots__ = ("parent",)
    PARENT_FIELD_NUMBER: _ClassVar[int]
    parent: str
    """Required. The account: `accounts/{account}`."""
    def __init__(self, parent: _Optional[str] = ...) -> None: ...

class AwsIdentity(_message.Message):
    """The identity by which ecrkeeper calls AWS in an account."""
    __slots__ = ("account", "arn", "user_id", "source", "assumed_role_arn")
    class Source(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Source of the credentials."""
        __slots__ = ()
        SOURCE_UNSPECIFIED: _ClassVar[AwsIdentity.Source]
        """Never returned."""
        AMBIENT: _ClassVar[AwsIdentity.Source]
        """The server's environment."""
        ASSUMED_ROLE: _ClassVar[AwsIdentity.Source]
        """A role in the account that the server assumes."""
    SOURCE_UNSPECIFIED: AwsIdentity.Source
    AMBIENT: AwsIdentity.Source
    ASSUMED_ROLE: AwsIdentity.Source
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ARN_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ASSUMED_ROLE_ARN_FIELD_NUMBER: _ClassVar[int]
    account: str
    """Output only. The account, as AWS reports it."""
    arn: str
    """Output only. The ARN of the identity, as AWS reports it."""
    user_id: str
    """Output only. The unique id of the identity, as AWS reports it."""
    source: AwsIdentity.Source
    """Output only. Source of the credentials."""
    assumed_role_arn: str
    """Output only. The role that the server assumes; empty for `AMBIENT`."""
    def __init__(self, account: _Optional[str] = ..., arn: _Optional[str] = ..., user_id: _Optional[str] = ..., source: _Optional[_Union[AwsIdentity.Source, str]] = ..., assumed_role_arn: _Optional[str] = ...) -> None: ...
