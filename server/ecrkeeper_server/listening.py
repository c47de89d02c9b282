"""Reporting an address that cannot be listened on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def listening(setting: str, address: str) -> Iterator[None]:
    """End the process with status 1 and one line that names the setting, if its address cannot be listened on."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        # gRPC's RuntimeError tells no more than that it failed.
        cause = error.strerror if isinstance(error, OSError) else "it is in use, or no address of this machine"
        raise SystemExit(f"ecrkeeper-server: {setting}: cannot listen on {address}: {cause or error}") from error
