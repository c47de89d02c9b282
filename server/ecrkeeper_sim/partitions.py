"""Partitions, their Regions, and the Regions initially enabled for an account."""

from __future__ import annotations

import re
from functools import cache

import botocore.session

_PREFIXES = (
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("us-iso-", "aws-iso"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
    ("cn-", "aws-cn"),
)

DEFAULT_REGIONS = frozenset(
    f"{area}-{number}"
    for area, count in (
        ("us-east", 2),
        ("us-west", 2),
        ("ca-central", 1),
        ("sa-east", 1),
        ("ap-south", 1),
        ("ap-northeast", 3),
        ("ap-southeast", 2),
        ("eu-central", 1),
        ("eu-west", 3),
        ("eu-north", 1),
    )
    for number in range(1, count + 1)
)

_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d+")


@cache
def partition_of(region: str) -> str:
    """Return the partition of a Region's name, also for Regions newer than botocore."""
    for prefix, partition in _PREFIXES:
        if region.startswith(prefix):
            return partition
    return "aws"


def is_region_name(region: str) -> bool:
    """Return whether the text has the form of a Region name."""
    return _REGION.fullmatch(region) is not None


@cache
def regions_of(partition: str) -> tuple[str, ...]:
    """Return the Regions of the partition in which ECR has an endpoint."""
    session = botocore.session.get_session()
    return tuple(sorted(session.get_available_regions("ecr", partition)))


def enabled_by_default(region: str) -> bool:
    """Return whether an account has the Region without opting in."""
    return region in DEFAULT_REGIONS or partition_of(region) != "aws"
