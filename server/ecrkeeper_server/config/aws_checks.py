"""Checks of the settings for AWS: roles, queues of events, and the endpoint."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ecrkeeper_server.config.lists import words
from ecrkeeper_server.events.queue_url import QueueUrl
from ecrkeeper_server.names import partition_of, shown

if TYPE_CHECKING:
    from ecrkeeper_server.config.settings import Config

_QUEUES = 32
_ROLE = re.compile(r"arn:(aws[a-z-]*):iam::[0-9]{12}:role/(?:[\x21-\x7e]+/)?[\w+=,.@-]{1,64}", re.ASCII)


def check_aws(config: Config) -> list[str]:
    """Return the errors of the roles, of the queues of events, and of the endpoint."""
    errors = _role_template(config) + _organization(config) + _queues(config)
    if config.aws_endpoint_url and not config.aws_endpoint_url.startswith(("http://", "https://")):
        errors.append(f"aws_endpoint_url: must begin with http:// or https://, got {config.aws_endpoint_url!r}")
    return errors


def _role_template(config: Config) -> list[str]:
    template = config.aws_role_template
    if not template:
        return []
    # With `{account}` anywhere else, all accounts would share one role and its account.
    role = _ROLE.fullmatch(template.replace("{account}", "0" * 12))
    if role is None or template.split(":")[4] != "{account}":
        rule = "must be the ARN of a role whose account is {account}, such as arn:aws:iam::{account}:role/ecrkeeper"
        return [f"aws_role_template: {rule}, got {template!r}"]
    partition = partition_of(config.home_region)
    if partition is not None and role[1] != partition:
        return [
            f"aws_role_template: must be in partition {partition}, like home_region {config.home_region},"
            f" got {template!r}"
        ]
    return []


def _organization(config: Config) -> list[str]:
    arn = config.organization_role_arn
    if not arn or _ROLE.fullmatch(arn):
        return []
    rule = "must be the ARN of a role in the management account or a delegated one"
    return [f"organization_role_arn: {rule}, as in arn:aws:iam::111111111111:role/ecrkeeper-organization, got {arn!r}"]


def _queues(config: Config) -> list[str]:
    """Errors of the queues: each URL, and the role that reads them all."""
    errors, partition, urls = [], partition_of(config.home_region), words(config.event_queue_urls)
    for url in urls:
        try:
            queue = QueueUrl.parse(url)
        except ValueError as error:
            errors.append(f"event_queue_urls: each {error}, got {shown(url)}")
            continue
        if partition is not None and partition_of(queue.region) != partition:
            errors.append(
                f"event_queue_urls: must be of partition {partition}, where home_region {config.home_region} is,"
                f" got {shown(url)}"
            )
    if len(urls) > _QUEUES:
        errors.append(f"event_queue_urls: must be {_QUEUES} at most, got {len(urls)}")
    if len(set(urls)) < len(urls):
        errors.append("event_queue_urls: names a queue twice")
    if config.event_queue_role and _ROLE.fullmatch(config.event_queue_role) is None:
        rule = "must be the ARN of a role, as in arn:aws:iam::111111111111:role/ecrkeeper-events"
        errors.append(f"event_queue_role: {rule}, got {shown(config.event_queue_role)}")
    if config.event_queue_role and not urls:
        errors.append("event_queue_role: is needed with event_queue_urls only")
    return errors
