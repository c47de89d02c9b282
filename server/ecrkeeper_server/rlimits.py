"""The file descriptors of the process, and the callers' share of them."""

from __future__ import annotations

import contextlib
import resource

# For probes (64) and open files, with some reserve.
_OWN = 128


def raise_limit() -> int:
    """Raise the limit to the hard limit, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        # The system may reject "no limit"; the old limit then stays.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return soft if soft != resource.RLIM_INFINITY else 2**20


def for_callers(wanted: int, available: int, outgoing: int) -> int:
    """Return the maximum number of callers' connections.

    It leaves enough descriptors for the `outgoing` connections to the database and to AWS, and for
    the probes.
    """
    return max(1, min(wanted, max(available - _OWN - outgoing, available // 2)))
