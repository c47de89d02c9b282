"""Resource names."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.errors import InvalidArgument
from ecrkeeper_server.names import (
    BackfillName,
    RegistryName,
    RoleName,
    SettingsName,
    parse_account,
    parse_registry_pattern,
    partition_of,
)

UUID = "12345678-1234-1234-1234-123456789abc"
GOOD: list[tuple[Any, str]] = [
    (RegistryName, "accounts/111111111111/registries/us-east-1"),
    (RegistryName, "accounts/000000000000/registries/us-gov-west-1"),
    (SettingsName, "accounts/111111111111/registries/eu-west-1/settings/team-a"),
    (SettingsName, f"accounts/111111111111/registries/eu-west-1/settings/{'a' * 63}"),
    (RoleName, "accounts/111111111111/serviceLinkedRoles/pull-through-cache"),
    (BackfillName, f"accounts/111111111111/registries/eu-west-1/replicationBackfills/{UUID}"),
]


@pytest.mark.parametrize(("kind", "name"), GOOD)
def test_name_round_trips(kind: Any, name: str) -> None:
    assert str(kind.parse(name)) == name


R = "accounts/111111111111/registries/us-east-1"
# kind, name, what the description says, reason
BAD: list[tuple[Any, str, str, str]] = [
    (RegistryName, "", "must look like", "empty"),
    (RegistryName, "accounts/111111111111", "must look like", "too short"),
    (RegistryName, R + "/", "must look like", "a slash behind"),
    (RegistryName, "/" + R, "must look like", "a slash in front"),
    (RegistryName, "Accounts/111111111111/registries/us-east-1", "must look like", "upper case"),
    (RegistryName, "accounts/11111111111/registries/us-east-1", "12 digits", "11 digits"),
    (RegistryName, "accounts/1111111111111/registries/us-east-1", "12 digits", "13 digits"),
    (RegistryName, "accounts/١١١١١١١١١١١١/registries/us-east-1", "12 digits", "digits of another script"),
    (RegistryName, "accounts/111111111111\n/registries/us-east-1", "12 digits", "a line break"),
    (RegistryName, "accounts/-/registries/us-east-1", "12 digits", "a wildcard where there is none"),
    (RegistryName, "accounts/111111111111/registries/us-east", "AWS Region", "no number"),
    (RegistryName, "accounts/111111111111/registries/US-EAST-1", "AWS Region", "upper case"),
    (RegistryName, "accounts/111111111111/registries/us-east-1\x00", "AWS Region", "NUL"),
    (RegistryName, f"accounts/111111111111/registries/us-{'a' * 100_000}-1", "AWS Region", "long"),
    (SettingsName, R + "/settings/", "1 to 63", "no owner"),
    (SettingsName, R + "/settings/" + "a" * 64, "1 to 63", "64 characters"),
    (SettingsName, R + "/settings/1a", "begin with a letter", "begins with a digit"),
    (SettingsName, R + "/settings/a-", "not end with a hyphen", "ends with a hyphen"),
    (SettingsName, R + "/settings/a_b", "lower-case letters, digits and hyphens", "an underscore"),
    (SettingsName, R + "/settings/a\n", "lower-case letters, digits and hyphens", "a line break"),
    (RoleName, "accounts/111111111111/serviceLinkedRoles/other", "must be one of", "no such role"),
    (BackfillName, R + "/replicationBackfills/1", "must be a UUID", "no UUID"),
]


@pytest.mark.parametrize(("kind", "name", "expected", "reason"), BAD, ids=[row[3] for row in BAD])
def test_invalid_name_is_rejected_with_its_field(kind: Any, name: str, expected: str, reason: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        kind.parse(name, "some.field")
    (violation,) = caught.value.violations
    assert violation.field == "some.field"
    assert expected in violation.description, reason
    assert len(violation.description) < 300


def test_name_violations_are_reported_together() -> None:
    with pytest.raises(InvalidArgument) as caught:
        SettingsName.parse("accounts/1/registries/x/settings/-")
    assert len(caught.value.violations) == 3


def test_wildcards_are_parsed_where_allowed() -> None:
    assert parse_account("accounts/-", wildcard=True) == "-"
    assert parse_registry_pattern("accounts/-/registries/eu-west-1") == ("-", "eu-west-1")
    with pytest.raises(InvalidArgument):
        parse_account("accounts/-")
    with pytest.raises(InvalidArgument):
        parse_registry_pattern("accounts/--/registries/-")


# Region, partition, reason
PARTITIONS = [
    ("us-east-1", "aws", "the usual one"),
    ("us-gov-east-1", "aws-us-gov", "begins like a Region of aws"),
    ("cn-north-1", "aws-cn", "China"),
    ("us-iso-east-1", "aws-iso", "secret"),
    ("us-isob-east-1", "aws-iso-b", "more secret"),
    ("eusc-de-east-1", "aws-eusc", "European sovereign cloud"),
    ("ap-nowhere-9", "aws", "newer than the installed botocore"),
    ("moon-north-1", None, "no partition has it"),
]


@pytest.mark.parametrize(("region", "partition", "reason"), PARTITIONS)
def test_region_has_a_partition(region: str, partition: str | None, reason: str) -> None:
    assert partition_of(region) == partition, reason
