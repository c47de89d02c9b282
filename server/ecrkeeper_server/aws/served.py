"""Which accounts are served, and how: for the log of the start, and for `check-config`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ecrkeeper_server.aws.client import AwsClient
from ecrkeeper_server.aws_errors import AwsError


@dataclass(frozen=True, slots=True)
class Served:
    """How accounts are reached; `ambient_account` is None where AWS did not say it, and `error` says why."""

    role_template: str | None
    ambient_account: str | None
    error: str = ""

    def __str__(self) -> str:
        account = self.ambient_account or f"(unknown: {self.error})"
        if self.role_template is None:
            return f"account {account}, with its own ambient credentials, and no other"
        return f"every account, by assuming {self.role_template} with the ambient credentials of account {account}"


async def find_served(aws: AwsClient, role_template: str | None, seconds: float) -> Served:
    """Return which accounts are served; AWS has so many seconds to say whose the ambient credentials are."""
    try:
        async with asyncio.timeout(seconds):
            return Served(role_template, await aws.ambient_account())
    except TimeoutError:
        return Served(role_template, None, f"AWS did not say it within {seconds:.0f} s")
    except AwsError as error:
        return Served(role_template, None, error.message)
