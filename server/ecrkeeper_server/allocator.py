"""Options of the C allocator, so that the memory of a burst returns to the system."""

from __future__ import annotations

import ctypes

# Names from <malloc.h>. Other C libraries lack `mallopt`, or ignore it.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_BYTES = 128 * 1024


def return_memory() -> bool:
    """Make glibc return freed memory to the system.

    Return False for other C libraries.

    By default each thread of gRPC fills a heap of its own, a freed heap is kept for the next burst of the same
    thread, and the thresholds grow with the largest block. Repeated bursts then add up until the process is killed.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    # An explicit threshold also stops glibc from raising it.
    options = ((_ARENA_MAX, 1), (_TRIM_THRESHOLD, _BYTES), (_MMAP_THRESHOLD, _BYTES))
    done = [mallopt(option, value) for option, value in options]
    return all(done)
