"""Output-only members in requests are neither stored nor compared."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper.v1 import registry_settings_service_pb2 as service
from ecrkeeper.v1.settings_pb2 import Settings
from ecrkeeper_server.api.layers.message_bounds import within_bounds
from ecrkeeper_server.backup import documents, registry_documents
from ecrkeeper_server.settings.codec import settings_from_aws, settings_to_aws
from ecrkeeper_server.settings.unknown_fields import unknown
from google.protobuf import json_format

RULE = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
TEMPLATE = {"prefix": "quay", "appliedFor": ["REPLICATION"]}
REPORTED = {"createdAt": 1795814878.25, "updatedAt": "2026-11-27T00:00:00Z"}
ID = {"registryId": "111111111111"}
POLICY = {"policyText": "{}"}

ROWS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"pullThroughCacheRules": {"rules": [{**RULE, **REPORTED, **ID}]}}, {"pullThroughCacheRules": {"rules": [RULE]}},
     "a cache rule"),
    ({"repositoryCreationTemplates": {"templates": [{**TEMPLATE, **REPORTED}]}, **ID},
     {"repositoryCreationTemplates": {"templates": [TEMPLATE]}}, "a template, and the account beside it"),
    ({"registryPolicy": {**POLICY, **ID}}, {"registryPolicy": POLICY}, "a policy"),
    ({"registryPolicy": {**POLICY, "registryId": {"any": [1, None]}}}, {"registryPolicy": POLICY}, "any value"),
    (ID, {}, "no setting at all"),
]  # fmt: skip


def _message(shape: dict[str, Any]) -> Settings:
    return json_format.ParseDict(shape, Settings())


@pytest.mark.parametrize(("pasted", "plain", "reason"), ROWS)
def test_request_ignores_output_only_members(pasted: dict[str, Any], plain: dict[str, Any], reason: str) -> None:
    """A repeated request id with another output-only time is the same request."""
    kind = service.UpdateRegistrySettingsRequest
    sent, expected = (kind(registry_settings={"settings": _message(shape)}) for shape in (pasted, plain))
    assert sent != expected
    assert kind.FromString(within_bounds(sent.SerializeToString(), kind.DESCRIPTOR)) == expected, reason


@pytest.mark.parametrize(("pasted", "plain", "reason"), ROWS)
def test_codec_skips_output_only_members(pasted: dict[str, Any], plain: dict[str, Any], reason: str) -> None:
    shapes = settings_to_aws(_message(pasted))
    assert shapes == settings_to_aws(_message(plain)), reason
    names = {field.json_name: field.name for field in Settings.DESCRIPTOR.fields}
    members = {names[name]: shape for name, shape in pasted.items() if name != "registryId"}
    assert [path for name, shape in members.items() for path in unknown(name, shape)] == []
    assert settings_from_aws(members) == _message(plain)


def test_backup_with_output_only_members_is_read() -> None:
    rules = [{**RULE, **REPORTED, **ID}]
    document = documents.read(
        {
            "apiVersion": "ecrkeeper/v1",
            "kind": "Registry",
            "name": "accounts/111111111111/registries/us-east-1",
            "declarations": {"team-a": {"deletionPolicy": "REMOVE", "settings": {"pullThroughCacheRules": {"rules": rules}}}},
        }
    )  # fmt: skip
    assert isinstance(document, registry_documents.RegistryDocument)
    assert document.specs["team-a"].settings == {"pull_through_cache_rules": {"rules": [RULE]}}


def test_unlisted_member_stays_unknown() -> None:
    assert unknown("pull_through_cache_rules", {"rules": [{**RULE, "lastUsedAt": 1}]}) == ["rules[0].lastUsedAt"]
    assert unknown("replication_configuration", {**ID, "rules": []}) == ["registryId"]
