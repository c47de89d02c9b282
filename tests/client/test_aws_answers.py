"""AWS's answers as settings, and settings as parameters of boto3."""

from __future__ import annotations

import datetime
import json
from typing import Any

import botocore.session
import ecrkeeper
import pytest
from botocore.validate import ParamValidator
from ecrkeeper._messages import message_of
from ecrkeeper.v1 import settings_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.settings.shapes import SHAPES

from .fake import FakeServer

OWNED = "accounts/111111111111/registries/us-east-1/settings/team-a"
ECR = botocore.session.get_session().get_service_model("ecr")
NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
RULE = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
REPORTED = {"registryId": "111111111111", "createdAt": NOW, "updatedAt": NOW}
TEMPLATE = {"prefix": "quay", "appliedFor": ["REPLICATION"]}
ARN = "arn:aws:iam::111111111111:role/a"
BLOBS = {"name": "BLOB_MOUNTING", "value": "ENABLED"}
META = {"ResponseMetadata": {"RequestId": "r", "HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}}

ACCEPTED = [
    ({"pullThroughCacheRules": [{**RULE, **REPORTED}], **META}, {"pullThroughCacheRules": {"rules": [RULE]}},
     "a bare list, with datetime objects"),
    ({"pull_through_cache_rules": [{**RULE, "created_at": 1.5, "registry_id": None}]},
     {"pullThroughCacheRules": {"rules": [RULE]}}, "the names of the protos"),
    ({"pullThroughCacheRules": {"rules": [{**RULE, **REPORTED}]}}, {"pullThroughCacheRules": {"rules": [RULE]}},
     "what AWS reports, in the message's own list"),
    ({"pullThroughCacheRules": ()}, {"pullThroughCacheRules": {}}, "nothing in it is present and empty"),
    ({"pullThroughCacheRules": [RULE], "nextToken": None}, {"pullThroughCacheRules": {"rules": [RULE]}}, "no token"),
    ({"pullThroughCacheRules": [RULE], "nextToken": ""}, {"pullThroughCacheRules": {"rules": [RULE]}}, "an empty token"),
    ({"pullThroughCacheRules": {"pullThroughCacheRules": [RULE], **META}}, {"pullThroughCacheRules": {"rules": [RULE]}},
     "a whole answer as one setting"),
    ({"repositoryCreationTemplates": [{**TEMPLATE, "createdAt": "2026-01-02T00:00:00+00:00"}], "registryId": "1"},
     {"repositoryCreationTemplates": {"templates": [TEMPLATE]}}, "templates"),
    ({"repositoryCreationTemplates": {"registryId": "1", "templates": [TEMPLATE]}},
     {"repositoryCreationTemplates": {"templates": [TEMPLATE]}}, "the account inside of the setting"),
    ({"registryId": "1", "policyText": "{}", **META}, {"registryPolicy": {"policyText": "{}"}}, "a policy without a name"),
    ({"registryPolicy": {"registryId": "1", "policyText": "{}", **META}}, {"registryPolicy": {"policyText": "{}"}},
     "a policy as one setting"),
    ({"accountSettings": [{**BLOBS, **META}]}, {"accountSettings": {"settings": [BLOBS]}}, "account settings as a list"),
    ({"accountSettings": {**BLOBS, **META}}, {"accountSettings": {"settings": [BLOBS]}}, "one account setting"),
    ({**BLOBS, **META}, {"accountSettings": {"settings": [BLOBS]}}, "an account setting without a name"),
    ({"pullTimeUpdateExclusions": [ARN]}, {"pullTimeUpdateExclusions": {"principalArns": [ARN]}}, "a list of text"),
    ({"replicationConfiguration": {"registryId": "1", "replicationConfiguration": {"rules": []}}},
     {"replicationConfiguration": {}}, "a whole answer with a configuration"),
    ({"registryId": "1", "scanningConfiguration": {"scanType": "BASIC", "rules": []}},
     {"scanningConfiguration": {"scanType": "BASIC"}}, "scanning"),
    ({"registryId": "1", "signingConfiguration": {"rules": []}, **META}, {"signingConfiguration": {}}, "signing"),
    ({"registryId": {"any": ["thing"]}}, {}, "ignored members are not checked"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "plain", "reason"), ACCEPTED)
def test_aws_response_is_accepted_as_settings(
    server: FakeServer, client: ecrkeeper.Client, answer: Any, plain: Any, reason: str
) -> None:
    client.apply_registry_settings(OWNED, answer)
    client.update_registry_settings({"name": OWNED, "settings": answer})
    message = message_of(ecrkeeper.Settings, plain, "settings")
    sent = [request.registry_settings.settings for request in server.requests("UpdateRegistrySettings")]
    assert sent == [message, message], reason


REJECTED = [
    ({"pullThroughCacheRules": [RULE], "nextToken": "t"}, ["settings.nextToken"], "boto3's token"),
    ({"pullThroughCacheRules": [RULE], "NextToken": "t"}, ["settings.NextToken"], "the CLI's token"),
    ({"pullThroughCacheRules": {"pullThroughCacheRules": [RULE], "nextToken": "t"}},
     ["settings.pull_through_cache_rules.nextToken"], "a page as one setting"),
    ({"pullTimeUpdateExclusions": [ARN], "nextToken": "t"}, ["settings.nextToken"], "exclusions"),
    ({"repositoryCreationTemplates": [TEMPLATE], "nextToken": "t"}, ["settings.nextToken"], "templates"),
    ({"replicationConfiguration": []}, ["settings.replication_configuration"], "AWS lists no configuration"),
    ({"signingConfiguration": [{"rules": []}]}, ["settings.signing_configuration"], "nor this one"),
    ({"pullThroughCacheRules": {"pullThroughCacheRules": [], "rules": []}},
     ["settings.pull_through_cache_rules.rules"], "both shapes at once"),
    ({"policyText": "{}", "registryPolicy": {}}, ["settings.registryPolicy"], "a policy given twice"),
    ({**BLOBS, "accountSettings": []}, ["settings.accountSettings"], "an account setting given twice"),
    ({"name": "BLOB_MOUNTING"}, ["settings.name"], "half an account setting"),
    ({"pullThroughCacheRules": [{**RULE, "resourceId": 1}, RULE, 3]},
     ["settings.pull_through_cache_rules.rules[0].resourceId", "settings.pull_through_cache_rules.rules[2]"],
     "other members, each at its place"),
    ({"repositories": [], "registryId": "1"}, ["settings.repositories"], "the answer of another call"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "fields", "reason"), REJECTED)
def test_response_without_setting_is_rejected(
    server: FakeServer, client: ecrkeeper.Client, answer: Any, fields: list[str], reason: str
) -> None:
    with pytest.raises(ecrkeeper.InvalidArgument) as caught:
        client.apply_registry_settings(OWNED, answer)
    assert sorted(violation.field for violation in caught.value.violations) == fields, reason
    assert server.received == []


def test_destination_registry_id_is_not_output_only() -> None:
    rule = {"destinations": [{"region": "eu-west-1", "registryId": "222222222222"}]}
    message = message_of(ecrkeeper.Settings, {"replicationConfiguration": {"rules": [rule]}}, "settings")
    assert message.replication_configuration.rules[0].destinations[0].registry_id == "222222222222"


def test_settings_convert_with_boto3_required_members() -> None:
    """Required members are present even if empty; unset ones are absent."""
    rule = {"destinations": [{"region": "eu-west-1", "registryId": "1"}], "deleteReplication": {"enabled": False}}
    template = {**TEMPLATE, "resourceTags": [{"Key": "team", "Value": ""}]}
    shapes = {
        "registryPolicy": {"policyText": ""},
        "replicationConfiguration": {"rules": [rule]},
        "scanningConfiguration": {"rules": [{"scanFrequency": "MANUAL", "repositoryFilters": []}]},
        "pullThroughCacheRules": [],
        "repositoryCreationTemplates": [template],
        "accountSettings": [BLOBS],
        "pullTimeUpdateExclusions": [ARN],
        "signingConfiguration": {"rules": []},
    }
    assert ecrkeeper.to_aws(shapes) == shapes
    assert ecrkeeper.to_aws(ecrkeeper.Settings()) == {}
    with_reported = message_of(ecrkeeper.Settings, {"pullThroughCacheRules": [RULE]}, "settings")
    with_reported.registry_id.string_value = "1"
    with_reported.pull_through_cache_rules.rules[0].created_at.number_value = 1.5
    assert ecrkeeper.to_aws(with_reported) == {"pullThroughCacheRules": [RULE]}


def test_unknown_enum_value_is_rejected_for_aws() -> None:
    newer = ecrkeeper.Settings(scanning_configuration={"scan_type": 9})  # type: ignore[arg-type]
    with pytest.raises(ecrkeeper.InvalidArgument) as caught:
        ecrkeeper.to_aws(newer)
    assert [each.field for each in caught.value.violations] == ["settings.scanning_configuration.scan_type"]


PUTS = {
    "registryPolicy": ("PutRegistryPolicy", lambda shape: [shape]),
    "replicationConfiguration": ("PutReplicationConfiguration", lambda shape: [{"replicationConfiguration": shape}]),
    "scanningConfiguration": ("PutRegistryScanningConfiguration", lambda shape: [shape]),
    "pullThroughCacheRules": ("CreatePullThroughCacheRule", lambda shape: shape),
    "repositoryCreationTemplates": ("CreateRepositoryCreationTemplate", lambda shape: shape),
    "accountSettings": ("PutAccountSetting", lambda shape: shape),
    "pullTimeUpdateExclusions": (
        "RegisterPullTimeUpdateExclusion",
        lambda shape: [{"principalArn": arn} for arn in shape],
    ),
    "signingConfiguration": ("PutSigningConfiguration", lambda shape: [{"signingConfiguration": shape}]),
}
_NAMES = {field.name: field.json_name for field in pb.Settings.DESCRIPTOR.fields}
_SETTINGS = st.fixed_dictionaries({}, optional={_NAMES[name]: shape for name, shape in SHAPES.items()})


@given(_SETTINGS)
def test_settings_convert_to_boto3_parameters(shapes: dict[str, Any]) -> None:
    message = message_of(ecrkeeper.Settings, shapes, "settings")
    converted = ecrkeeper.to_aws(message)
    assert message_of(ecrkeeper.Settings, json.loads(json.dumps(converted)), "settings") == message
    assert converted.keys() == shapes.keys()
    for name, shape in converted.items():
        operation, calls = PUTS[name]
        for parameters in calls(shape):
            report = ParamValidator().validate(parameters, ECR.operation_model(operation).input_shape)
            # The shapes contain one-letter prefixes, which ECR does not allow.
            faults = [kind for kind, *_ in report._errors if kind != "invalid length"]
            assert faults == [], report.generate_report()
