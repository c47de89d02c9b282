"""A database's clock that a test moves by hand."""

from __future__ import annotations

from collections.abc import Callable

from ecrkeeper_server.store.clock import MICROSECONDS, Now
from sqlalchemy import BigInteger, bindparam


def fixed_time(seconds: Callable[[], float]) -> Now:
    """The time that is given, in seconds since 1970."""
    # Evaluated whenever a statement runs, so that statements can be kept.
    moment = bindparam("fixed_time", type_=BigInteger, callable_=lambda: int(seconds() * MICROSECONDS))
    return lambda: moment
