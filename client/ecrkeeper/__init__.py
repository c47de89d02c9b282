"""The client library: `Client` for synchronous code, `AsyncClient` for asyncio.

with ecrkeeper.Client("127.0.0.1:50051", insecure=True) as client:
    client.apply_registry_settings(
        "accounts/111111111111/registries/us-east-1/settings/team-a",
        {"scanningConfiguration": {"scanType": "ENHANCED"}},
    )
    client.wait_until_synced("accounts/111111111111/registries/us-east-1")
"""

# The first name that is used imports the client, and gRPC with it. `ecrkeeper.profiles` and `ecrkeeper.names` need
# neither, and the command line starts without them.

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecrkeeper import v1 as v1
    from ecrkeeper._public import *  # noqa: F403

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
    "ReplicationDestination",
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


def __getattr__(name: str) -> Any:
    if name not in __all__ and name != "v1":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ecrkeeper import _public

    globals().update({each: getattr(_public, each) for each in __all__})
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
