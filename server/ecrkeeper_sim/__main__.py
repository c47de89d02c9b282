"""The command `ecrkeeper-sim`, which a client-only install has as well.

Without the simulator's libraries, it names the missing extra.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

# Some packages of the extra; others may be installed for other reasons.
_NEEDED = ("aiohttp", "botocore", "uvloop")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return 2 without the simulator's libraries."""
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
