"""Random ids, read from the system many at a time.

Python gives up its lock for each read. While other threads run, a batch of a hundred new resources would wait for it
hundreds of times.
"""

from __future__ import annotations

import os
import uuid
from collections import deque

_BYTES, _READ = 16, 256
_unused: deque[bytes] = deque()
# A child process would continue with the ids of its parent.
os.register_at_fork(after_in_child=_unused.clear)


def new_uid() -> str:
    """Return a random UUID, as `uuid.uuid4` does."""
    while True:
        try:
            return str(uuid.UUID(bytes=_unused.pop(), version=4))
        except IndexError:
            found = os.urandom(_BYTES * _READ)
            _unused.extend(found[at : at + _BYTES] for at in range(0, len(found), _BYTES))
