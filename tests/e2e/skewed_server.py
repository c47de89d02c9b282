"""The server with a wrong clock: `CLOCK_SKEW_SECONDS` are added to its time.

gRPC compares the clock with deadlines from its C code, so it keeps the correct one.
"""

from __future__ import annotations

import os
import pkgutil
import sys
import time
import types
from importlib import import_module

OTHERS = ("aiohttp.web", "alembic.command", "botocore.session", "grpc.aio", "psycopg", "sqlalchemy.orm", "structlog")


def with_wrong_clock() -> None:
    """Import the server's modules with another `time`."""
    skew = float(os.environ["CLOCK_SKEW_SECONDS"])
    wrong = types.ModuleType("time")
    wrong.__dict__.update(vars(time))
    wrong.__dict__["time"] = lambda: time.time() + skew
    for name in OTHERS:
        import_module(name)
    import ecrkeeper_server

    sys.modules["time"] = wrong
    try:
        for module in pkgutil.walk_packages(ecrkeeper_server.__path__, "ecrkeeper_server."):
            if "migrations" not in module.name:
                import_module(module.name)
    finally:
        sys.modules["time"] = time


if __name__ == "__main__":
    with_wrong_clock()
    main = import_module("ecrkeeper_server.__main__").main
    sys.exit(main(["serve"]))
