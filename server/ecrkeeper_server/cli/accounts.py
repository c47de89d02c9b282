"""The accounts that a configuration serves, as `check-config` prints them."""

from __future__ import annotations

import asyncio

from ecrkeeper_server.aws.client import AwsClient, AwsOptions
from ecrkeeper_server.aws.served import Served, find_served
from ecrkeeper_server.aws.telemetry import CallTelemetry
from ecrkeeper_server.metrics.server import Metrics

# A configuration may be checked where there is neither a network nor credentials.
_SECONDS = 5.0


def served(options: AwsOptions) -> Served:
    """Return which accounts are served, and how; AWS is asked whose the ambient credentials are."""

    async def ask() -> Served:
        # What a command prints is not mixed with log lines.
        telemetry = CallTelemetry(Metrics().aws, logged=False)
        aws = AwsClient(options, telemetry=telemetry)
        try:
            return await find_served(aws, options.role_template, _SECONDS)
        finally:
            await aws.close()

    return asyncio.run(ask())
