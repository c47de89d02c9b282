"""Dictionaries in AWS's shape."""

from __future__ import annotations

import re
from typing import Any

import ecrkeeper
import pytest
from ecrkeeper._messages import message_of
from ecrkeeper.v1 import settings_pb2
from google.protobuf.descriptor import EnumDescriptor

from .fake import FakeServer

OWNED = "accounts/111111111111/registries/us-east-1/settings/team-a"
AWS: dict[str, Any] = {
    "registryPolicy": {"policyText": "{}"},
    "replicationConfiguration": {
        "rules": [
            {
                "destinations": [{"region": "eu-west-1", "registryId": "222222222222"}],
                "repositoryFilters": [{"filter": "prod-", "filterType": "PREFIX_MATCH"}],
            }
        ]
    },
    "scanningConfiguration": {
        "scanType": "ENHANCED",
        "rules": [
            {"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": ({"filter": "*", "filterType": "WILDCARD"},)}
        ],
    },
    "pullThroughCacheRules": {
        "rules": [
            {
                "ecrRepositoryPrefix": "hub",
                "upstreamRegistryUrl": "registry-1.docker.io",
                "upstreamRegistry": "docker-hub",
            }
        ]
    },
    "repositoryCreationTemplates": {
        "templates": [
            {
                "prefix": "ROOT",
                "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
                "encryptionConfiguration": {"encryptionType": "AES256"},
                "resourceTags": [{"Key": "team", "Value": "a"}],
            }
        ]
    },
    "signingConfiguration": {},
}


def test_boto3_dictionary_becomes_message() -> None:
    message = message_of(ecrkeeper.Settings, AWS, "settings")
    assert message.scanning_configuration.scan_type == settings_pb2.RegistryScanningConfiguration.ENHANCED
    (rule,) = message.pull_through_cache_rules.rules
    assert rule.upstream_registry == "docker-hub"
    (template,) = message.repository_creation_templates.templates
    assert list(template.applied_for) == [2, 1]
    assert (template.resource_tags[0].key, template.resource_tags[0].value) == ("team", "a")
    assert message.scanning_configuration.rules[0].repository_filters[0].filter_type == 1


def test_absent_and_empty_settings_differ() -> None:
    message = message_of(ecrkeeper.Settings, AWS, "settings")
    assert message.HasField("signing_configuration")
    assert not message.HasField("account_settings")


def test_proto_names_are_accepted() -> None:
    snake = {"scanning_configuration": {"scan_type": "BASIC"}}
    assert message_of(ecrkeeper.Settings, snake, "settings") == message_of(
        ecrkeeper.Settings, {"scanningConfiguration": {"scanType": "BASIC"}}, "settings"
    )


def _enums(message: Any) -> list[EnumDescriptor]:
    nested = [
        f.message_type for f in message.fields if f.message_type and f.message_type.file.package == "ecrkeeper.v1"
    ]
    return [f.enum_type for f in message.fields if f.enum_type] + [e for inner in nested for e in _enums(inner)]


@pytest.mark.parametrize("enum", _enums(ecrkeeper.Settings.DESCRIPTOR), ids=lambda enum: enum.full_name)
def test_settings_enums_use_aws_values(enum: EnumDescriptor) -> None:
    prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.name).upper()
    assert [value.name for value in enum.values if value.name.startswith(prefix)] == [f"{prefix}_UNSPECIFIED"]


@pytest.mark.parametrize(
    ("settings", "faults"),
    [
        (
            {"scanningConfiguration": {"scanType": "DEEP"}},
            {"settings.scanning_configuration.scan_type": "must be one of BASIC, ENHANCED, got 'DEEP'"},
        ),
        (
            {"scanConfiguration": {}, "registryPolicy": {"policyText": {"Version": "2012-10-17"}}},
            {
                "settings.scanConfiguration": "is not a member here; known members are registryPolicy, replicationConfiguration,",
                "settings.registry_policy.policy_text": "must be text; use json.dumps for a mapping, got dict",
            },
        ),
        (
            {"replicationConfiguration": {"rules": "all"}},
            {"settings.replication_configuration.rules": "must be a list, got str"},
        ),
        (
            {"pullThroughCacheRules": {"rules": [{"ecrRepositoryPrefix": "a"}, 7]}},
            {"settings.pull_through_cache_rules.rules[1]": "must be a mapping, got int"},
        ),
    ],
)
def test_unknown_settings_are_rejected_together_before_sending(
    server: FakeServer, client: ecrkeeper.Client, settings: dict[str, Any], faults: dict[str, str]
) -> None:
    with pytest.raises(ecrkeeper.InvalidArgument) as caught:
        client.apply_registry_settings(OWNED, settings)
    descriptions = {violation.field: violation.description for violation in caught.value.violations}
    assert descriptions.keys() == faults.keys()
    assert all(descriptions[field].startswith(text) for field, text in faults.items()), descriptions
    assert caught.value.reason == "INVALID_FIELDS"
    assert server.received == []


@pytest.mark.parametrize("settings", [[], None, "", [("scanningConfiguration", {})]])
def test_non_mapping_declaration_is_rejected(server: FakeServer, client: ecrkeeper.Client, settings: Any) -> None:
    with pytest.raises(TypeError, match="mapping"):
        client.apply_registry_settings(OWNED, settings)
    assert server.received == []


def test_apply_sends_whole_declaration_and_allows_missing(server: FakeServer, client: ecrkeeper.Client) -> None:
    client.apply_registry_settings(OWNED, AWS, deletion_policy="ABANDON", etag="e", reason="because", force=True)
    (request,) = server.requests("UpdateRegistrySettings")
    assert request.allow_missing and request.force and request.reason == "because"
    assert request.update_mask.paths == ["settings", "deletion_policy", "allow_replacement"], "the group stays"
    declared = request.registry_settings
    assert (declared.name, declared.etag) == (OWNED, "e")
    assert declared.deletion_policy == ecrkeeper.DeletionPolicy.ABANDON
    assert declared.settings == message_of(ecrkeeper.Settings, AWS, "settings")


def test_declaration_accepts_message(server: FakeServer, client: ecrkeeper.Client) -> None:
    settings = message_of(ecrkeeper.Settings, AWS, "settings")
    client.create_registry_settings(
        "accounts/1/registries/eu-west-1",
        "team-a",
        settings=settings,
        deletion_policy=ecrkeeper.DeletionPolicy.REMOVE,
    )
    (request,) = server.requests("CreateRegistrySettings")
    assert request.registry_settings.settings == settings
    assert request.registry_settings.deletion_policy == ecrkeeper.DeletionPolicy.REMOVE


def test_unknown_deletion_policy_is_rejected(client: ecrkeeper.Client) -> None:
    with pytest.raises(ecrkeeper.InvalidArgument, match="deletion_policy"):
        client.apply_registry_settings(OWNED, {}, deletion_policy="BURN")
