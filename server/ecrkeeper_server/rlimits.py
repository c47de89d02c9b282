"""File descriptors of the process, and how many of them callers' connections may have."""

from __future__ import annotations

import contextlib
import resource

# Calls to AWS (128), probes (64), and what is open anyway, with some to spare.
_OWN = 256


def raise_limit() -> int:
    """Raise the limit to what the system allows this process, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        # Where "no limit" is not a limit that can be had, the old one stays.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return soft if soft != resource.RLIM_INFINITY else 2**20


def for_callers(wanted: int, available: int, databases: int) -> int:
    """How many connections callers may have: enough descriptors stay free for AWS, the database and the probes."""
    return max(1, min(wanted, max(available - _OWN - databases, available // 2)))
