"""Unique ids of new resources."""

from __future__ import annotations

import os
import uuid
from collections import deque

_UID_BYTES, _UIDS_READ = 16, 256
_unused_uids: deque[bytes] = deque()
# A child process would continue with the ids of its parent.
os.register_at_fork(after_in_child=_unused_uids.clear)


def new_uid() -> str:
    """Return a random UUID, as `uuid.uuid4` does.

    Many are read from the system at a time, because Python gives up its lock for each read. While other threads run, a
    batch of a hundred new resources would wait for it hundreds of times.
    """
    while True:
        try:
            return str(uuid.UUID(bytes=_unused_uids.pop(), version=4))
        except IndexError:
            random = os.urandom(_UID_BYTES * _UIDS_READ)
            _unused_uids.extend(random[at : at + _UID_BYTES] for at in range(0, len(random), _UID_BYTES))
