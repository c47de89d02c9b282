"""Lock an SQLite file, because a server detects only its own changes."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from ecrkeeper_server.errors import StoreUnusable, Unavailable
from ecrkeeper_server.store.schema import make_url


@contextlib.contextmanager
def locked(url: str) -> Iterator[None]:
    """Lock an SQLite file; Unavailable if it is locked. Postgres needs no lock."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        yield
        return
    # A separate file: closing a descriptor of the database itself would drop SQLite's locks.
    try:
        lock = Path(f"{parsed.database}.lock").open("ab")  # noqa: SIM115 - closed below, whatever happens
    except OSError as error:
        raise StoreUnusable(f"the database at {parsed.database} cannot be used: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = f"{parsed.database}: a server or an import uses this file, and only one can; stop that first"
            raise Unavailable(text, reason="STORE_IN_USE") from None
        yield
