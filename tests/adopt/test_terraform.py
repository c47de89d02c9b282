"""The conversion of Terraform states to declarations and `removed` blocks."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import ecrkeeper
import hcl2
import pytest
from ecrkeeper_cli.adopt.members import Member, converted
from ecrkeeper_cli.adopt.parts import Adopted
from ecrkeeper_cli.adopt.places import Places
from ecrkeeper_cli.adopt.removed import OLD_OPENTOFU, removed_files
from ecrkeeper_cli.adopt.state import instances
from ecrkeeper_cli.adopt.terraform import adopted
from ecrkeeper_cli.writing import message_of_document
from ecrkeeper_files.sources import Errors
from hypothesis import given
from hypothesis import strategies as st

from tests.adopt import states

A, B = "111111111111", "222222222222"
QUAY = states.rule("quay", "quay.io", A)


def read(text: str, *regions: str, account: str = "") -> tuple[Adopted, list[str]]:
    return adopted(instances(text, "state"), "team", Places.of(account, regions))


def errors_of(text: str, *regions: str, account: str = "") -> list[str]:
    with pytest.raises(Errors) as caught:
        read(text, *regions, account=account)
    return caught.value.errors


def settings(adopted: Adopted) -> dict[str, Any]:
    return {each["name"]: each["settings"] for each in adopted.readable if each["kind"] == "RegistrySettings"}


EVERY: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "aws_ecr_registry_policy",
        {"id": A, "registry_id": A, "policy": states.policy_of(A)},
        {"registryPolicy": {"policyText": json.loads(states.policy_of(A))}},
    ),
    (
        "aws_ecr_replication_configuration",
        states.replication(A, "prod/"),
        {
            "replicationConfiguration": {
                "rules": [
                    {
                        "destinations": [{"region": "us-west-2", "registryId": A}],
                        "repositoryFilters": [{"filter": "prod/", "filterType": "PREFIX_MATCH"}],
                    }
                ]
            }
        },
    ),
    (
        "aws_ecr_registry_scanning_configuration",
        {
            "id": A,
            "registry_id": A,
            "scan_type": "ENHANCED",
            "rule": [
                {
                    "scan_frequency": "CONTINUOUS_SCAN",
                    "repository_filter": [{"filter": "*", "filter_type": "WILDCARD"}],
                }
            ],
        },
        {
            "scanningConfiguration": {
                "scanType": "ENHANCED",
                "rules": [
                    {
                        "scanFrequency": "CONTINUOUS_SCAN",
                        "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}],
                    }
                ],
            }
        },
    ),
    (
        "aws_ecr_pull_through_cache_rule",
        QUAY,
        {
            "pullThroughCacheRules": [
                {
                    "ecrRepositoryPrefix": "quay",
                    "upstreamRegistryUrl": "quay.io",
                    "upstreamRepositoryPrefix": "ROOT",
                }
            ]
        },
    ),
    (
        "aws_ecr_repository_creation_template",
        {
            "id": "app",
            "registry_id": A,
            "prefix": "app",
            "applied_for": ["REPLICATION"],
            "custom_role_arn": f"arn:aws:iam::{A}:role/templates",
            "description": "",
            "encryption_configuration": [{"encryption_type": "AES256", "kms_key": ""}],
            "image_tag_mutability": "IMMUTABLE_WITH_EXCLUSION",
            "image_tag_mutability_exclusion_filter": [{"filter": "latest", "filter_type": "WILDCARD"}],
            "lifecycle_policy": "",
            "repository_policy": '{"Version":"2012-10-17","Statement":[]}',
            "resource_tags": {"team": "a", "env": "prod"},
        },
        {
            "repositoryCreationTemplates": [
                {
                    "prefix": "app",
                    "appliedFor": ["REPLICATION"],
                    "customRoleArn": f"arn:aws:iam::{A}:role/templates",
                    "encryptionConfiguration": {"encryptionType": "AES256"},
                    "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
                    "imageTagMutabilityExclusionFilters": [{"filter": "latest", "filterType": "WILDCARD"}],
                    "repositoryPolicy": {"Version": "2012-10-17", "Statement": []},
                    "resourceTags": [{"Key": "env", "Value": "prod"}, {"Key": "team", "Value": "a"}],
                }
            ]
        },
    ),
    (
        "aws_ecr_account_setting",
        {"id": "REGISTRY_POLICY_SCOPE", "name": "REGISTRY_POLICY_SCOPE", "value": "V2"},
        {"accountSettings": [{"name": "REGISTRY_POLICY_SCOPE", "value": "V2"}]},
    ),
    (
        "aws_ecr_pull_time_update_exclusion",
        {"principal_arn": f"arn:aws:iam::{A}:role/scanner"},
        {"pullTimeUpdateExclusions": [f"arn:aws:iam::{A}:role/scanner"]},
    ),
    (
        "aws_ecr_signing_configuration",
        {
            "id": A,
            "registry_id": A,
            "rule": [
                {"signing_profile_arn": f"arn:aws:signer:us-east-1:{A}:/signing-profiles/p_1", "repository_filter": []}
            ],
        },
        {
            "signingConfiguration": {
                "rules": [{"signingProfileArn": f"arn:aws:signer:us-east-1:{A}:/signing-profiles/p_1"}]
            }
        },
    ),
]


@pytest.mark.parametrize(("kind", "values", "expected"), EVERY, ids=[each[0] for each in EVERY])
def test_each_resource_becomes_its_setting(kind: str, values: dict[str, Any], expected: dict[str, Any]) -> None:
    name = f"accounts/{A}/registries/us-east-1/settings/team"
    shown = states.shown(states.resource(f"{kind}.this", **values, region="us-east-1"))
    file = states.state_file(states.raw(kind, "this", states.instance(**values)))
    for result, forgotten in (read(shown, account=A), read(file, "us-east-1", account=A)):
        assert settings(result) == {name: expected}
        assert forgotten == [f"{kind}.this"]
        message_of_document(result.declarations[0])


def test_role_becomes_a_document_with_all_of_its_tags() -> None:
    values = states.role(A, description="by hand", tags={"a": "1"}, tags_all={"a": "1", "team": "x"})
    result, _ = read(states.shown(states.resource("aws_iam_service_linked_role.this", **values)))
    assert result.readable == (
        {
            "apiVersion": "ecrkeeper/v1",
            "kind": "ServiceLinkedRole",
            "name": f"accounts/{A}/serviceLinkedRoles/replication",
            "description": "by hand",
            "tags": {"a": "1", "team": "x"},
        },
    )


def test_instances_of_modules_and_for_each_are_distinguished() -> None:
    file = states.state_file(
        states.raw(
            "aws_ecr_pull_through_cache_rule",
            "upstream",
            states.instance("a.b]", **states.rule("quay", "quay.io", A)),
            states.instance("k8s", **states.rule("k8s/", "registry.k8s.io", A)),
            module='module.cache["x"].module.inner[0]',
            alias="west",
        ),
        states.raw("aws_ecr_account_setting", "scope", states.instance(0, name="REGISTRY_POLICY_SCOPE", value="V2")),
    )
    result, forgotten = read(file, "us-east-1", "aws.west=us-west-2")
    west = f"accounts/{A}/registries/us-west-2"
    prefix = 'module.cache["x"].module.inner[0].aws_ecr_pull_through_cache_rule.upstream'
    assert result.address(f"{west}/settings/team", "pull_through_cache_rules", "quay") == f'{prefix}["a.b]"]'
    assert result.address(west, "pull_through_cache_rules", "k8s") == f'{prefix}["k8s"]'
    assert result.address(f"accounts/{A}/registries/us-east-1", "account_settings", "REGISTRY_POLICY_SCOPE") == (
        "aws_ecr_account_setting.scope[0]"
    )
    assert forgotten == [
        "aws_ecr_account_setting.scope",
        "module.cache.module.inner.aws_ecr_pull_through_cache_rule.upstream",
    ]
    regions = ("us-east-1", 'module.cache["x"]=eu-west-1')
    assert f"accounts/{A}/registries/eu-west-1/settings/team" in settings(read(file, *regions)[0])


def test_region_of_each_resource_of_version_6_wins() -> None:
    rules = [
        states.resource(f'aws_ecr_pull_through_cache_rule.this["{region}"]', **QUAY, region=region)
        for region in ("eu-west-1", "us-east-1")
    ]
    result, forgotten = read(states.shown(*rules), "ap-south-1")
    assert sorted(settings(result)) == [
        f"accounts/{A}/registries/{region}/settings/team" for region in ("eu-west-1", "us-east-1")
    ]
    assert forgotten == ["aws_ecr_pull_through_cache_rule.this"]


ADDRESS = "aws_ecr_pull_through_cache_rule.quay"
ROLE = "aws_iam_service_linked_role.all"


def one(**more: Any) -> str:
    return states.shown(states.resource(ADDRESS, **{**QUAY, **more}))


REJECTED = [
    (one(), (), "", [f"{ADDRESS}: the state does not say the Region; give --region REGION"], "provider 5"),
    (
        one(region="us-east-1", registry_id=""), (), "",
        [f"{ADDRESS}: the state does not say the account; give --account"], "no account",
    ),
    (
        one(region="us-east-1"), (), B,
        [f"{ADDRESS}.registry_id: has the account {A}, and --account is {B}"], "two accounts",
    ),
    (
        one(region="us-east-1", new_thing={"x": 1}), (), "",
        [f"{ADDRESS}.new_thing: this version does not know the attribute, which is '{{\"x\": 1}}'"], "a newer provider",
    ),
    (
        states.shown(*[states.resource(f"aws_ecr_registry_policy.{n}", id=A, registry_id=A, policy="{}", region="us-east-1") for n in "ab"]),
        (), "",
        [f"aws_ecr_registry_policy.b: aws_ecr_registry_policy.a holds accounts/{A}/registries/us-east-1 registry_policy as well"],
        "one policy in two resources",
    ),
    (
        states.shown(
            states.resource(f'{ROLE}["a"]', **states.role(A)),
            states.resource(f'{ROLE}["b"]', arn="", aws_service_name="ecs.amazonaws.com"),
        ),
        (), "",
        [
            f'{ROLE}["b"].aws_service_name: a `removed` block takes the whole resource {ROLE}, and \'ecs.amazonaws.com\' '
            "is not a service of ECR; move it with `terraform state mv`"
        ],
        "forgetting a role of another service",
    ),
    (
        states.shown(states.resource("aws_ecr_new_thing.x", id="x")), (), "",
        ["aws_ecr_new_thing.x: ecrkeeper does not manage resources of the type aws_ecr_new_thing"], "an unknown resource",
    ),
    (
        states.state_file(states.raw("aws_ecr_pull_through_cache_rule", "quay", states.instance(**QUAY), alias="west")),
        ("us-east-1",), "",
        [f"{ADDRESS}: the state does not say the Region; give --region aws.west=REGION"], "another provider",
    ),
    (
        states.shown(states.resource("aws_s3_bucket.x", id="x")), (), "",
        ["the state has no registry settings of ECR and none of its service-linked roles"], "nothing of ECR",
    ),
    (
        states.shown(states.resource("aws_ecr_replication_configuration.x", registry_id=A, region="us-east-1", replication_configuration=[{}, {}])),
        (), "",
        ["aws_ecr_replication_configuration.x.replication_configuration: must be one block, got 2"], "two blocks",
    ),
    ("{", (), "", ["state: not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"], "no JSON"),
    ("[]", (), "", ["state: must be the JSON of a state"], "a list"),
    ('{"planned_values": {}}', (), "", ["state: this is a plan; give the state, the output of `terraform show -json` without a file"], "a plan"),
    ("{}", (), "", ["state: must be the output of `terraform show -json`, or a state file of version 4"], "no state"),
    (states.state_file(), (), "", ["the state has no registry settings of ECR and none of its service-linked roles"], "an empty state"),
    (states.state_file(version=3), (), "", ["state: must be a state of version 4, got 3; run `terraform refresh`"], "an old state"),
    ('{"version": 4, "resources": [3]}', (), "", ["state: not the shape of a state: TypeError 'int' object is not subscriptable"], "no resource"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "regions", "account", "expected", "reason"), REJECTED, ids=[r[-1] for r in REJECTED])
def test_state_that_cannot_be_taken_over_is_rejected(
    text: str, regions: tuple[str, ...], account: str, expected: list[str], reason: str
) -> None:
    assert errors_of(text, *regions, account=account) == expected


def test_all_errors_of_a_state_are_reported_at_once() -> None:
    errors = errors_of(states.shown(states.resource(ADDRESS, **QUAY, x=1), states.resource("aws_ecr_new.x", id="x")))
    assert len(errors) == 3


@pytest.mark.parametrize(
    ("account", "regions", "message"),
    [
        ("12", ["us-east-1"], "--account: must have 12 digits, got '12'"),
        ("", ["here"], "--region: must be a Region or WHERE=REGION, got 'here'"),
        ("", ["us-east-1", "us-west-2"], "--region: all has the Regions us-east-1 and us-west-2"),
    ],
)
def test_places_that_are_wrong_are_rejected(account: str, regions: list[str], message: str) -> None:
    with pytest.raises(Errors, match=message):
        Places.of(account, regions)


def test_removed_blocks_exist_in_both_dialects() -> None:
    files = removed_files(["aws_ecr_registry_policy.this", "module.a.aws_ecr_account_setting.x"])
    block = "removed {\n  from = module.a.aws_ecr_account_setting.x\n\n  lifecycle {\n    destroy = false\n  }\n}\n"
    assert block in files["removed.tf"]
    assert "removed {\n  from = aws_ecr_registry_policy.this\n}\n" in files[f"{OLD_OPENTOFU}/removed.tf"]
    assert "lifecycle" not in files[f"{OLD_OPENTOFU}/removed.tf"]


def test_removed_blocks_are_hcl() -> None:
    addresses = ["aws_ecr_registry_policy.this", "module.a-b.module._c.aws_ecr_account_setting.size-2"]
    files = removed_files(addresses)
    for name, text in files.items():
        (blocks,) = [value for key, value in hcl2.loads(text).items() if key != "__comments__"]
        assert [block["from"] for block in blocks] == [f"${{{address}}}" for address in addresses], name
        kept = [[part["destroy"] for part in block.get("lifecycle", [])] for block in blocks]
        assert kept == [[False] if name == "removed.tf" else []] * 2, name


@pytest.mark.parametrize(
    "address",
    ["aws_ecr_registry_policy.a\n}\nresource.x", "aws_ecr_registry_policy.1", "aws_ecr_registry_policy", "module.a.b"],
)
def test_address_that_is_no_hcl_is_rejected(address: str) -> None:
    values = states.resource("aws_ecr_registry_policy.this", policy="{}", registry_id=A, region="us-east-1")
    text = states.shown({**values, "address": address, "type": "aws_ecr_registry_policy"})
    with pytest.raises(Errors, match="is no address of a resource"):
        read(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), JSON))
def test_every_value_becomes_a_member_or_an_error(values: dict[str, Any]) -> None:
    table = {"a": Member("A", {"a": Member("A")}), "b": Member("B", {"b": Member("B")}, single=True)}
    errors: list[str] = []
    members = converted(values, table, "x", errors)
    for name, value in values.items():
        mentioned = (
            value in (None, "", [], {}) or name.upper() in members or any(e.startswith(f"x.{name}") for e in errors)
        )
        assert mentioned, (members, errors)


@given(st.sampled_from([each[0] for each in EVERY] + ["aws_iam_service_linked_role"]), JSON)
def test_hostile_attributes_are_errors_or_values(kind: str, value: Any) -> None:
    names = dict.fromkeys(name for each in EVERY for name in each[1]) | {"tags": 0, "tags_all": 0, "arn": 0}
    values = {**dict.fromkeys(names, value), "region": "us-east-1", "aws_service_name": "ecr.amazonaws.com"}
    try:
        result, _ = read(states.shown(states.resource(f"{kind}.x", **values)), account=A)
    except Errors:
        return
    for each in result.declarations:
        with contextlib.suppress(ecrkeeper.InvalidArgument):
            message_of_document(each)


@given(JSON)
def test_any_json_is_read_or_rejected(value: Any) -> None:
    with pytest.raises(Errors):
        read(json.dumps({"version": 4, "resources": [value]}))
    with pytest.raises(Errors):
        read(json.dumps({"format_version": "1.0", "values": {"root_module": {"resources": [value]}}}))
