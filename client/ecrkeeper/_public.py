"""All names that `ecrkeeper` exports.

The first name that is used imports them all.
"""

from ecrkeeper._aio import AsyncClient
from ecrkeeper._arrivals import MissingImage, ReplicationResult
from ecrkeeper._aws_requests import to_aws
from ecrkeeper._channel import SERVICE_CONFIG
from ecrkeeper._client import Client
from ecrkeeper._errors import (
    AlreadyExists,
    Cancelled,
    Conflict,
    DeadlineExceeded,
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    NotFound,
    OperationFailed,
    PermissionDenied,
    PreconditionViolation,
    QuotaViolation,
    RegistryError,
    ResourceExhausted,
    ServerError,
    Unauthenticated,
    Unavailable,
)
from ecrkeeper._many import Outcome
from ecrkeeper._operation import AsyncOperation, Operation
from ecrkeeper._pager import AsyncPager, Pager
from ecrkeeper._plans import Caution, Change, Takeover, WritePlan
from ecrkeeper._replicate import Replication
from ecrkeeper._watch import AsyncWatch, Watch
from ecrkeeper.profiles import Profile, ProfileError
from ecrkeeper.v1.audit_pb2 import AuditEvent
from ecrkeeper.v1.common_pb2 import DeletionPolicy, Mode, UnmanagedElements
from ecrkeeper.v1.fleet_pb2 import Account, RegistrySet, Rollout
from ecrkeeper.v1.registry_pb2 import Registry, RegistrySettings, RegistryView
from ecrkeeper.v1.role_pb2 import ServiceLinkedRole
from ecrkeeper.v1.settings_pb2 import ReplicationDestination, Settings

__all__ = [
    "SERVICE_CONFIG",
    "Account",
    "AlreadyExists",
    "AsyncClient",
    "AsyncOperation",
    "AsyncPager",
    "AsyncWatch",
    "AuditEvent",
    "Cancelled",
    "Caution",
    "Change",
    "Client",
    "Conflict",
    "DeadlineExceeded",
    "DeletionPolicy",
    "FailedPrecondition",
    "FieldViolation",
    "InvalidArgument",
    "MissingImage",
    "Mode",
    "NotFound",
    "Operation",
    "OperationFailed",
    "Outcome",
    "Pager",
    "PermissionDenied",
    "PreconditionViolation",
    "Profile",
    "ProfileError",
    "QuotaViolation",
    "Registry",
    "RegistryError",
    "RegistrySet",
    "RegistrySettings",
    "RegistryView",
    "Replication",
    "ReplicationDestination",
    "ReplicationResult",
    "ResourceExhausted",
    "Rollout",
    "ServerError",
    "ServiceLinkedRole",
    "Settings",
    "Takeover",
    "Unauthenticated",
    "Unavailable",
    "UnmanagedElements",
    "Watch",
    "WritePlan",
    "to_aws",
]
