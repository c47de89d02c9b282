"""How the C allocator keeps memory: what a burst of requests took is given back when the burst is over."""

from __future__ import annotations

import ctypes

# Names of <malloc.h>. Other C libraries do not have `mallopt`, or ignore it.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_BYTES = 128 * 1024


def return_memory() -> bool:
    """Let glibc return freed memory to the system; False where the C library has no such options.

    By default each thread of gRPC fills a heap of its own, a freed heap is kept for the next burst of the same
    thread, and the thresholds grow with the largest block. Repeated bursts then add up until the process is killed.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    # Naming a threshold also stops glibc from raising it.
    options = ((_ARENA_MAX, 1), (_TRIM_THRESHOLD, _BYTES), (_MMAP_THRESHOLD, _BYTES))
    done = [mallopt(option, value) for option, value in options]
    return all(done)
