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
    __version__: str
    from ecrkeeper import v1 as v1
    from ecrkeeper._public import *  # noqa: F403
    from ecrkeeper._public import __all__ as __all__

_MODULES = ("names", "profiles", "telemetry", "types")


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from ecrkeeper._version import version

        return version()
    # The import system asks for modules here, too, before it looks for their files.
    if name in _MODULES or (name.startswith("_") and name != "__all__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ecrkeeper import _public

    globals().update({each: getattr(_public, each) for each in _public.__all__}, __all__=_public.__all__)
    try:
        return globals()[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    from ecrkeeper import _public

    return sorted({*globals(), *_public.__all__})
