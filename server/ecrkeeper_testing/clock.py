"""A database clock that a test controls."""

from __future__ import annotations

from collections.abc import Callable

from ecrkeeper_server.store.clock import MICROSECONDS, Now
from sqlalchemy import BigInteger, bindparam


def fixed_time(seconds: Callable[[], float]) -> Now:
    """Return the given time, in seconds since 1970."""
    # Evaluated whenever a statement runs, so that statements can be kept.
    moment = bindparam("fixed_time", type_=BigInteger, callable_=lambda: int(seconds() * MICROSECONDS))
    return lambda: moment
