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
    migrate,
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
