"""The one exception with which a simulated operation answers anything but success."""

from __future__ import annotations


class AwsError(Exception):
    """An AWS error answer: wire code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def invalid_parameter(member: str, constraint: str) -> AwsError:
    """Return ECR's error for a member that breaks a rule of the service."""
    return AwsError(
        "InvalidParameterException",
        f"Invalid parameter at '{member}' failed to satisfy constraint: '{constraint}'",
    )
