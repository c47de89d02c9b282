"""The command `ecrkeeper-server`, which a client-only install has as well.

Without the server's libraries, it names the missing extra.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

# Packages of the extra; some of them may be installed for other reasons.
_NEEDED = (
    "aiohttp", "alembic", "boto3", "cachetools", "grpc_health", "grpc_reflection", "httptools", "jinja2", "jwt",
    "msgspec", "orjson", "prometheus_client", "protovalidate", "psycopg", "sqlalchemy", "structlog", "uvloop", "yaml",
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 2 without the server's libraries."""
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
