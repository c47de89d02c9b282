"""The options of the AWS client, from the configuration."""

from __future__ import annotations

from msgspec.structs import replace

from ecrkeeper_server.aws.client import AwsOptions
from ecrkeeper_server.aws.environment import InvalidEnvironment, aws_environment
from ecrkeeper_server.config.settings import Config, ConfigError
from ecrkeeper_server.events.user_agent import product
from ecrkeeper_server.release import release


def queue_options(config: Config, options: AwsOptions) -> AwsOptions:
    """Return the options of the client for queues.

    It has credentials of its own, and time for long polls.
    """
    # Loaded only if a queue is configured.
    from ecrkeeper_server.engine.event_queue import POLL_SECONDS

    return replace(
        options,
        role_template=config.event_queue_role or None,
        external_id=None,
        timeout=POLL_SECONDS + config.aws_timeout_seconds,
    )


_ORGANIZATION_CONNECTIONS = 4
_CONNECTIONS_OF_ATTEMPT, _MIN_CONNECTIONS = 4, 128


def organization_options(config: Config, options: AwsOptions) -> AwsOptions:
    """Return how AWS Organizations is reached: by one role, whatever the account."""
    return replace(options, role_template=config.organization_role_arn, connections=_ORGANIZATION_CONNECTIONS)


def aws_connections(config: Config) -> int:
    """Return the maximum number of connections to AWS.

    An attempt on a registry reads its settings at the same time, and most have three; callers need some as well.
    """
    return max(_MIN_CONNECTIONS, _CONNECTIONS_OF_ATTEMPT * config.concurrency)


def aws_options(config: Config) -> AwsOptions:
    """Return the options of the AWS client.

    They come from the configuration and the SDKs' environment. Raises ConfigError.
    """
    try:
        environment = aws_environment()
    except InvalidEnvironment as error:
        raise ConfigError(error.errors) from None
    return AwsOptions(
        endpoint_url=config.aws_endpoint_url or None,
        role_template=config.aws_role_template or None,
        external_id=config.aws_external_id or None,
        sts_region=config.home_region,
        timeout=config.aws_timeout_seconds,
        connections=aws_connections(config),
        environment=environment,
        product=product(release()),
    )
