"""The processes of `ecrkeeper_testing`, by the name that the tests use."""

from ecrkeeper_testing.processes import (
    ACCOUNT,
    OTHER_ACCOUNT,
    SCRIPTS,
    Process,
    Server,
    Simulator,
    eventually,
    iam_policy,
    program,
)

__all__ = [
    "ACCOUNT",
    "OTHER_ACCOUNT",
    "SCRIPTS",
    "Process",
    "Server",
    "Simulator",
    "eventually",
    "iam_policy",
    "migrate",
    "program",
]


def migrate(url: str) -> None:
    """Migrate a database as `ecrkeeper-server migrate` does, without a process."""
    from ecrkeeper_server.store import schema  # the client's tests need no server

    schema.migrate(url)
