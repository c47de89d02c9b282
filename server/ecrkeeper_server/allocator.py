"""Options of the C allocator, so that the memory of a burst returns to the system."""

from __future__ import annotations

import ctypes

# Names from <malloc.h>. Other C libraries lack `mallopt`, or ignore it.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
# A page that was returned costs a page fault when it is used again: 10 µs on a virtual machine. So the memory that most
# calls need is kept. Larger blocks are returned as soon as they are free: bursts of large headers would keep 370 MB if
# their blocks, of more than 1 MiB, were parts of the heap.
_KEPT, _LARGE = 16 * 1024 * 1024, 1024 * 1024


def return_memory() -> bool:
    """Make glibc return freed memory to the system, but for some megabytes.

    Return False for other C libraries.

    By default each thread of gRPC fills a heap of its own, a freed heap is kept for the next burst of the same
    thread, and the thresholds grow with the largest block. Repeated bursts then add up until the process is killed.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    # An explicit threshold also stops glibc from raising it.
    options = ((_ARENA_MAX, 1), (_TRIM_THRESHOLD, _KEPT), (_MMAP_THRESHOLD, _LARGE))
    done = [mallopt(option, value) for option, value in options]
    return all(done)
