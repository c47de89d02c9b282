"""Describe the served accounts, for the start log and `check-config`."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from ecrkeeper_server.aws.client import AwsClient
from ecrkeeper_server.aws_errors import AwsError


class Served(Struct, frozen=True):
    """The way to reach accounts.

    `ambient_account` is None if AWS did not name it; `error` is the reason.
    """

    role_template: str | None
    ambient_account: str | None
    error: str = ""

    def __str__(self) -> str:
        account = self.ambient_account or f"(unknown: {self.error})"
        if self.role_template is None:
            return f"account {account}, with its own ambient credentials, and no other"
        return f"every account, by assuming {self.role_template} with the ambient credentials of account {account}"


async def find_served(aws: AwsClient, role_template: str | None, seconds: float) -> Served:
    """Return the served accounts; AWS has a time limit to name the ambient one."""
    try:
        async with asyncio.timeout(seconds):
            return Served(role_template, await aws.ambient_account())
    except TimeoutError:
        return Served(role_template, None, f"AWS did not answer within {seconds:.0f} s")
    except AwsError as error:
        return Served(role_template, None, error.message)
