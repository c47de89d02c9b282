"""The command `ecrkeeper-server`, which is installed with the client, too: it says which extra it needs."""

from __future__ import annotations

import sys
from importlib.util import find_spec

# What the extra brings; a part of it may be there for other reasons.
_NEEDED = (
    "aiohttp", "alembic", "boto3", "cachetools", "grpc_health", "grpc_reflection", "httptools", "jwt", "orjson",
    "prometheus_client", "protovalidate", "psycopg", "sqlalchemy", "structlog", "uvloop", "yaml",
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 2 without what it needs."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        print(  # noqa: T201
            f"ecrkeeper-server: the server is not installed ({', '.join(missing)}); install it with: "
            "pip install 'ecrkeeper[server]'",
            file=sys.stderr,
        )
        return 2
    from ecrkeeper_server.cli.main import main as run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
