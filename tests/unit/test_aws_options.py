"""How each client reaches AWS, from the configuration."""

from __future__ import annotations

from ecrkeeper_server.aws.client import AwsOptions
from ecrkeeper_server.aws_options import aws_options, queue_options
from ecrkeeper_server.config.settings import Config
from ecrkeeper_server.engine.event_queue import POLL_SECONDS

ROLE = "arn:aws:iam::{account}:role/ecrkeeper"
QUEUE_ROLE = "arn:aws:iam::999999999999:role/events"
OPTIONS = AwsOptions(role_template=ROLE, external_id="id", timeout=10.0)


def test_attempts_share_four_connections_each() -> None:
    assert [aws_options(Config(concurrency=each)).connections for each in (1, 32, 64)] == [128, 128, 256]


def test_queues_have_time_for_a_long_poll_and_credentials_of_their_own() -> None:
    ambient = queue_options(Config(aws_timeout_seconds=10.0), OPTIONS)
    assert ambient.timeout == POLL_SECONDS + 10.0
    assert (ambient.role_template, ambient.external_id) == (None, None)
    assumed = queue_options(Config(event_queue_role=QUEUE_ROLE), OPTIONS)
    assert (assumed.role_template, assumed.external_id) == (QUEUE_ROLE, None)
