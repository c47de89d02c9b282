"""The exception of simulated operations that do not succeed."""

from __future__ import annotations


class AwsError(Exception):
    """An AWS error answer: wire code, message and HTTP status.

    `query_code` is the code of the old query protocol.
    """

    def __init__(self, code: str, message: str, status: int = 400, *, query_code: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.query_code = query_code


def invalid_parameter(member: str, constraint: str) -> AwsError:
    """Return ECR's error for a member that breaks a rule of the service."""
    return AwsError(
        "InvalidParameterException",
        f"Invalid parameter at '{member}' failed to satisfy constraint: '{constraint}'",
    )
