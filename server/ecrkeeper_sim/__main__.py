"""The command `ecrkeeper-sim`, which is installed with the client, too: it says which extra it needs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

# What the extra brings; a part of it may be there for other reasons.
_NEEDED = ("aiohttp", "botocore", "uvloop")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit status is 2 without what that needs."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        print(
            f"ecrkeeper-sim: the simulated AWS is not installed ({', '.join(missing)}); install it with: "
            "pip install 'ecrkeeper[sim]'",
            file=sys.stderr,
        )
        return 2
    from ecrkeeper_sim.command_line import main as run

    run(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
