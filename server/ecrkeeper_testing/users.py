"""Children that run as another user, started without a fork."""

from __future__ import annotations

import pwd
import sys

# Not Popen's `user` or `preexec_fn`: with them Popen forks instead of using vfork, and gRPC's fork
# handlers run in the child. While gRPC's threads are active, some of these children crash before
# they run the program.
_BECOME = (
    "import os, sys; user, group = map(int, sys.argv[1:3]);"
    "os.setgroups([]); os.setgid(group); os.setuid(user); os.execv(sys.argv[3], sys.argv[3:])"
)


def as_user(user: str | int, command: list[str]) -> list[str]:
    """Return the command line that runs a program as another user; for root only."""
    if isinstance(user, str):
        entry = pwd.getpwnam(user)
        ids = entry.pw_uid, entry.pw_gid
    else:
        ids = user, user
    return [sys.executable, "-I", "-S", "-c", _BECOME, *map(str, ids), *command]
