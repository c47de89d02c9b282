"""Errors of addresses on which the server cannot listen."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def listening(setting: str, address: str) -> Iterator[None]:
    """Exit with status 1 and a line about the setting if its address is not available."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        # gRPC's RuntimeError does not have the cause.
        cause = error.strerror if isinstance(error, OSError) else "it is in use, or is not an address of this machine"
        raise SystemExit(f"ecrkeeper-server: {setting}: cannot listen on {address}: {cause or error}") from error


def host_and_port(text: str) -> tuple[str, int]:
    """Split an address such as `127.0.0.1:50051` or `[::1]:50051`."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
