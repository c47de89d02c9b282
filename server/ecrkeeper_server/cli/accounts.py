"""The accounts that a configuration serves, as `check-config` prints them."""

from __future__ import annotations

import asyncio

from ecrkeeper_server.aws.client import AwsClient, AwsOptions
from ecrkeeper_server.aws.served import Served, find_served
from ecrkeeper_server.aws.telemetry import CallTelemetry
from ecrkeeper_server.metrics.server import Metrics

# `check-config` may run without a network or credentials.
_SECONDS = 5.0


def served(options: AwsOptions) -> Served:
    """Return the served accounts, and how.

    AWS names the account of ambient credentials.
    """

    async def ask() -> Served:
        # Keep log lines out of the command's output.
        telemetry = CallTelemetry(Metrics().aws, logged=False)
        aws = AwsClient(options, telemetry=telemetry)
        try:
            return await find_served(aws, options.role_template, _SECONDS)
        finally:
            await aws.close()

    return asyncio.run(ask())
