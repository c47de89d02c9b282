"""Violations of each setting."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.table import SETTINGS

from .shapes import REGISTRY

CHINA = RegistryName("111111111111", "cn-north-1")
SECRET = "arn:aws:secretsmanager:us-east-1:111111111111:secret:ecr-pullthroughcache/dh-AbCdEf"
ROLE = "arn:aws:iam::111111111111:role/pull"
STATEMENT = {
    "Effect": "Allow",
    "Principal": {"AWS": "222222222222"},
    "Action": "ecr:ReplicateImage",
    "Resource": "arn:aws:ecr:us-east-1:111111111111:repository/*",
}


def policy(*statements: Any, **members: Any) -> dict[str, Any]:
    return {"policyText": json.dumps({"Version": "2012-10-17", "Statement": list(statements), **members})}


def statement(**members: Any) -> dict[str, Any]:
    return {k: v for k, v in {**STATEMENT, **members}.items() if v is not None}


def to(region: str, account: str = "111111111111", **members: Any) -> dict[str, Any]:
    return {"destinations": [{"region": region, "registryId": account}], **members}


def cached(url: str, prefix: str = "up", **members: Any) -> dict[str, Any]:
    return {"rules": [{"ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": url, **members}]}


def template(**members: Any) -> dict[str, Any]:
    return {"templates": [{"prefix": "a", "appliedFor": ["REPLICATION"], **members}]}


POLICY, REPLICATION, RULES = "registry_policy", "replication_configuration", "pull_through_cache_rules"
TEMPLATES, SCANNING = "repository_creation_templates", "scanning_configuration"
EXCLUDING = [{"filterType": "WILDCARD", "filter": "latest*"}]
KEY = "arn:aws:kms:us-east-1:111111111111:key/1"

# setting, shape, registry, the violations' (path, part of the text), reason
REJECTED: list[tuple[str, dict[str, Any], RegistryName, list[tuple[str, str]], str]] = [
    (POLICY, {"policyText": "[" * 10000}, REGISTRY, [("p.policy_text", "nested deeper")], "no recursion, no crash"),
    (POLICY, {"policyText": '{"a":' * 33}, REGISTRY, [("p.policy_text", "nested deeper")], "bounded before parsing"),
    (POLICY, {"policyText": "{"}, REGISTRY, [("p.policy_text", "line 1")], "where the JSON is broken"),
    (POLICY, {"policyText": '{"Version": NaN}'}, REGISTRY, [("p.policy_text", "NaN")], "Python reads it, AWS does not"),
    (POLICY, {"policyText": '{"a": 1e999}'}, REGISTRY, [("p.policy_text", "range")], "would be written as Infinity"),
    (POLICY, {"policyText": '{"a": ' + "9" * 5000 + "}"}, REGISTRY, [("p.policy_text", "range")], "int() rejects it"),
    (POLICY, {"policyText": '{"a": "\\ud800"}'}, REGISTRY, [("p.policy_text", "surrogate")], "cannot be sent to AWS"),
    (
        POLICY,
        {"policyText": '{"Id":"a","Id":"b"}'},
        REGISTRY,
        [("p.policy_text", "repeats the member 'Id'")],
        "which one counts?",
    ),
    (POLICY, {"policyText": "[]"}, REGISTRY, [("p.policy_text", "object")], "JSON and no policy"),
    (
        POLICY,
        policy(),
        REGISTRY,
        [("p.policy_text.Statement", "empty policy_text")],
        "AWS rejects it; the error has a remedy",
    ),
    (POLICY, {"policyText": "{}"}, REGISTRY, [("p.policy_text.Statement", "statement")], "no statement either"),
    (POLICY, policy(1), REGISTRY, [("p.policy_text.Statement[0]", "object")], "not a statement"),
    (POLICY, policy(STATEMENT, Foo=1), REGISTRY, [("p.policy_text.Foo", "allowed are")], "unknown member"),
    (
        POLICY,
        policy(statement(Foo=1)),
        REGISTRY,
        [("p.policy_text.Statement[0].Foo", "not a member")],
        "unknown member",
    ),
    (
        POLICY,
        policy(statement(), Version="2020-01-01"),
        REGISTRY,
        [("p.policy_text.Version", "2012-10-17")],
        "no version",
    ),
    (
        POLICY,
        policy(
            statement(Resource="arn:aws:ecr:us-east-1:111111111111:repository/${aws:PrincipalTag/x}"),
            Version="2008-10-17",
        ),
        REGISTRY,
        [("p.policy_text.Version", "policy variable")],
        "writing 2012-10-17 would change what it means",
    ),
    (
        POLICY,
        policy(statement(Sid="x"), statement(Sid="x", Effect="Deny")),
        REGISTRY,
        [("p.policy_text.Statement[1].Sid", "Statement[0]")],
        "the Sid is the key",
    ),
    (
        POLICY,
        policy(statement(Sid="sha256:0")),
        REGISTRY,
        [("p.policy_text.Statement[0].Sid", "sha256:")],
        "our own keys",
    ),
    (
        POLICY,
        policy(statement(Effect="allow")),
        REGISTRY,
        [("p.policy_text.Statement[0].Effect", "Allow")],
        "case matters",
    ),
    (
        POLICY,
        policy(statement(Principal=None)),
        REGISTRY,
        [("p.policy_text.Statement[0].Principal", "one of")],
        "required",
    ),
    (POLICY, policy(statement(Action=None)), REGISTRY, [("p.policy_text.Statement[0].Action", "one of")], "required"),
    (
        POLICY,
        policy(statement(Action="s3:Get*")),
        REGISTRY,
        [("p.policy_text.Statement[0].Action", "ECR action")],
        "not ECR",
    ),
    (
        POLICY,
        policy(statement(Action=[])),
        REGISTRY,
        [("p.policy_text.Statement[0].Action", "empty")],
        "matches nothing",
    ),
    (
        POLICY,
        policy(statement(Principal={"AWS": ["222222222222", "12"]})),
        REGISTRY,
        [("p.policy_text.Statement[0].Principal.AWS[1]", "12-digit")],
        "AWS: Principal not found",
    ),
    (
        POLICY,
        policy(statement(Principal={"AWS": "arn:aws-cn:iam::222222222222:root"})),
        REGISTRY,
        [("p.policy_text.Statement[0].Principal.AWS", "aws-cn")],
        "no principal of another partition",
    ),
    (
        POLICY,
        policy(statement(Principal="2")),
        REGISTRY,
        [("p.policy_text.Statement[0].Principal", "object")],
        "only *",
    ),
    (
        POLICY,
        policy(statement(Principal={"Aws": "*"})),
        REGISTRY,
        [("p.policy_text.Statement[0].Principal.Aws", "allowed are AWS")],
        "case matters",
    ),
    (
        POLICY,
        policy(statement(Sid="r", Resource=["*", "arn:aws:ecr:us-east-2:111111111111:repository/*"])),
        REGISTRY,
        [("p.policy_text.Statement[0].Resource[1]", "statement r: wrong region")],
        "AWS stores it and replication fails",
    ),
    (
        POLICY,
        policy(statement(Resource="arn:aws:us-east-1:111111111111:repository/*")),
        REGISTRY,
        [("p.policy_text.Statement[0].Resource", "arn:aws:ecr:us-east-1:111111111111:repository/")],
        "`ecr` is missing, a case seen in the field",
    ),
    (
        POLICY,
        policy(statement(Resource="arn:aws:ecr:us-east-1::repository/*")),
        REGISTRY,
        [("p.policy_text.Statement[0].Resource", "wrong account")],
        "the account is missing",
    ),
    (
        POLICY,
        policy(statement(Condition=[])),
        REGISTRY,
        [("p.policy_text.Statement[0].Condition", "object")],
        "malformed",
    ),
    (
        POLICY,
        policy(statement(Condition={"Bool": {"aws:x": None}})),
        REGISTRY,
        [("p.policy_text.Statement[0].Condition.Bool.aws:x", "string")],
        "malformed",
    ),
    (REPLICATION, {"rules": [to("us-east-1")]}, REGISTRY, [("p.rules[0].destinations[0]", "itself")], "AWS rejects it"),
    (
        REPLICATION,
        {"rules": [to("us-west-2"), to("cn-north-1")]},
        REGISTRY,
        [("p.rules[1].destinations[0].region", "aws-cn")],
        "replication never crosses partitions",
    ),
    (REPLICATION, {"rules": [to("moon-1")]}, REGISTRY, [("p.rules[0].destinations[0].region", "Region")], "no Region"),
    (
        REPLICATION,
        {"rules": [to("us-west-2"), to("us-west-2", deleteReplication={"enabled": True})]},
        REGISTRY,
        [("p.rules[1].delete_replication", "opposite")],
        "one pair, two answers",
    ),
    (RULES, cached("docker.io"), REGISTRY, [("p.rules[0].upstream_registry_url", "ghcr.io")], "says which hosts do"),
    (RULES, cached("https://quay.io"), REGISTRY, [("p.rules[0].upstream_registry_url", "scheme")], "AWS wants a host"),
    (RULES, cached("ghcr.io"), REGISTRY, [("p.rules[0].credential_arn", "login")], "AWS's own error misleads"),
    (
        RULES,
        cached("ghcr.io", credentialArn=SECRET, upstreamRegistry="docker-hub"),
        REGISTRY,
        [("p.rules[0].upstream_registry", "github-container-registry, not docker-hub")],
        "ECR compares them where it logs in",
    ),
    (
        RULES,
        cached("ghcr.io", credentialArn=SECRET.replace("us-east-1:1", "us-east-2:2")),
        REGISTRY,
        [("p.rules[0].credential_arn", "Region us-east-1"), ("p.rules[0].credential_arn", "account 111111111111")],
        "both faults at once",
    ),
    (
        RULES,
        cached("222222222222.dkr.ecr.us-east-1.amazonaws.com"),
        REGISTRY,
        [("p.rules[0].custom_role_arn", "222222222222")],
        "the service-linked role cannot read another account",
    ),
    (
        RULES,
        cached("222222222222.dkr.ecr.us-east-1.amazonaws.com", customRoleArn="arn:aws:iam::222222222222:role/x"),
        REGISTRY,
        [("p.rules[0].custom_role_arn", "account 111111111111")],
        "IAM passes no role of another account",
    ),
    (
        RULES,
        cached("222222222222.dkr.ecr.us-east-1.amazonaws.com", customRoleArn="x"),
        REGISTRY,
        [("p.rules[0].custom_role_arn", "IAM role")],
        "no ARN",
    ),
    (
        RULES,
        cached("quay.io", "ROOT", upstreamRepositoryPrefix="a"),
        REGISTRY,
        [("p.rules[0].upstream_repository_prefix", "ROOT")],
        "AWS rejects it",
    ),
    (
        RULES,
        {"rules": cached("quay.io", "a")["rules"] + cached("public.ecr.aws", "a/")["rules"]},
        REGISTRY,
        [("p.rules[1].ecr_repository_prefix", "p.rules[0]")],
        "a trailing / makes no other prefix",
    ),
    (RULES, cached("quay.io"), CHINA, [("p.rules", "cn-north-1")], "not offered there"),
    (
        TEMPLATES,
        template(imageTagMutability="MUTABLE", imageTagMutabilityExclusionFilters=EXCLUDING),
        REGISTRY,
        [("p.templates[0].image_tag_mutability_exclusion_filters", "empty")],
        "nothing to except from",
    ),
    (
        TEMPLATES,
        template(imageTagMutability="IMMUTABLE_WITH_EXCLUSION"),
        REGISTRY,
        [("p.templates[0].image_tag_mutability_exclusion_filters", "must have")],
        "an exception that excepts nothing",
    ),
    (
        TEMPLATES,
        template(encryptionConfiguration={"encryptionType": "AES256", "kmsKey": KEY}),
        REGISTRY,
        [("p.templates[0].encryption_configuration.kms_key", "AES256")],
        "no key is used",
    ),
    (
        TEMPLATES,
        template(encryptionConfiguration={"encryptionType": "KMS", "kmsKey": KEY.replace("us-east-1", "us-west-2")}),
        REGISTRY,
        [("p.templates[0].encryption_configuration.kms_key", "Region us-east-1")],
        "keys are regional",
    ),
    (
        TEMPLATES,
        template(encryptionConfiguration={"encryptionType": "KMS_DSSE"}),
        REGISTRY,
        [("p.templates[0].encryption_configuration.encryption_type", "GovCloud")],
        "not offered here",
    ),
    (
        TEMPLATES,
        template(lifecyclePolicy='{"rules": [ oops', repositoryPolicy="[]"),
        REGISTRY,
        [("p.templates[0].repository_policy", "object"), ("p.templates[0].lifecycle_policy", "not JSON")],
        "both documents are read",
    ),
    (
        TEMPLATES,
        template(resourceTags=[{"Key": "a"}, {"Key": "a"}, {"Key": "aws:x"}]),
        REGISTRY,
        [("p.templates[0].resource_tags[1].key", "[0]"), ("p.templates[0].resource_tags[2].key", "reserves")],
        "AWS rejects both",
    ),
    (SCANNING, {"rules": [{"scanFrequency": "MANUAL"}]}, REGISTRY, [("p.rules[0].repository_filters", "*")], "useless"),
    (
        SCANNING,
        {"scanType": "BASIC", "rules": [{"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": [{"filter": "*"}]}]},
        REGISTRY,
        [("p.rules[0].scan_frequency", "ENHANCED")],
        "BASIC scans on push only",
    ),
    (
        "signing_configuration",
        {"rules": [{"signingProfileArn": "arn:aws:signer:us-west-2:222222222222:/signing-profiles/p1"}]},
        REGISTRY,
        [("p.rules[0].signing_profile_arn", "Region us-east-1")],
        "the Region must be the registry's, the account need not",
    ),
    (
        "pull_time_update_exclusions",
        {"principalArns": ["arn:aws-cn:iam::111111111111:role/x"]},
        REGISTRY,
        [("p.principal_arns[0]", "partition aws")],
        "no such principal in this partition",
    ),
    (
        "account_settings",
        {
            "settings": [
                {"name": "REGISTRY_POLICY_SCOPE", "value": "V1"},
                {"name": "BLOB_MOUNTING", "value": "ENABLED"},
                {"name": "BLOB_MOUNTING", "value": "DISABLED"},
                {"name": "BASIC_SCAN_TYPE_VERSION", "value": "CLAIR"},
                {"name": "X", "value": "Y"},
            ]
        },
        REGISTRY,
        [
            ("p.settings[0].value", "V2"),
            ("p.settings[2].name", "settings[1]"),
            ("p.settings[3].value", "AWS_NATIVE"),
            ("p.settings[4].name", "BLOB_MOUNTING"),
        ],
        "V1 and Clair are gone",
    ),
]

ACCEPTED: list[tuple[str, dict[str, Any], RegistryName, str]] = [
    (POLICY, {"policyText": ""}, REGISTRY, "none of mine"),
    (POLICY, {"policyText": " "}, REGISTRY, "nothing but space"),
    (POLICY, {"policyText": json.dumps({"Statement": STATEMENT})}, REGISTRY, "one statement, no version"),
    (POLICY, policy(STATEMENT, Id="x"), REGISTRY, "an Id is dropped, not rejected"),
    (POLICY, policy(statement(Resource="arn:aws:ecr:*:*:repository/a?b")), REGISTRY, "IAM's wildcards in every part"),
    (
        POLICY,
        policy(statement(Resource=None, Principal="*", Action=["*"])),
        REGISTRY,
        "a resource policy may omit Resource",
    ),
    (POLICY, policy(statement(Principal={"Service": "x.amazonaws.com"})), REGISTRY, "a service"),
    (
        POLICY,
        policy(statement(Principal={"AWS": "AROA1234567890EXAMPLE"})),
        REGISTRY,
        "what AWS makes of a deleted role",
    ),
    (POLICY, policy(statement(NotAction="ecr:Get*", Action=None)), REGISTRY, "NotAction"),
    (POLICY, policy(statement(Condition={"Bool": {"aws:SecureTransport": True}})), REGISTRY, "JSON booleans"),
    (REPLICATION, {"rules": [to("us-west-2"), to("us-east-1", "222222222222")]}, REGISTRY, "other Region or account"),
    (REPLICATION, {"rules": [to("cn-northwest-1")]}, CHINA, "within China"),
    (RULES, cached("public.ecr.aws", "tf-test/abcdefghij0123456789ab"), REGISTRY, "the longest legal prefix"),
    (
        RULES,
        cached("registry-1.docker.io", credentialArn=SECRET, upstreamRepositoryPrefix="library"),
        REGISTRY,
        "login",
    ),
    (RULES, cached("my.azurecr.io".replace("my", "my-reg"), credentialArn=SECRET), REGISTRY, "any Azure registry"),
    (RULES, cached("222222222222.dkr.ecr.eu-west-1.amazonaws.com", customRoleArn=ROLE), REGISTRY, "cross-account"),
    (RULES, cached("111111111111.dkr.ecr.eu-west-1.amazonaws.com"), REGISTRY, "own account needs no role"),
    (RULES, {"rules": []}, CHINA, "nothing declared, nothing rejected"),
    (TEMPLATES, template(resourceTags=[{"Key": "Foo", "Value": "Bar"}]), REGISTRY, "tags without role only warn"),
    (TEMPLATES, template(encryptionConfiguration={"encryptionType": "KMS", "kmsKey": KEY}), REGISTRY, "KMS"),
    (SCANNING, {"rules": [{"scanFrequency": "MANUAL", "repositoryFilters": [{"filter": "*"}]}]}, REGISTRY, "BASIC"),
    ("account_settings", {"settings": [{"name": "REGISTRY_POLICY_SCOPE", "value": "V2"}]}, REGISTRY, "V2"),
]


@pytest.mark.parametrize(("name", "shape", "registry", "expected", "reason"), REJECTED)
def test_setting_violations_name_their_path(
    name: str, shape: dict[str, Any], registry: RegistryName, expected: list[tuple[str, str]], reason: str
) -> None:
    violations = SETTINGS[name].validate(shape, registry, "p")
    assert [violation.field for violation in violations] == [path for path, _ in expected], reason
    for violation, (_, text) in zip(violations, expected, strict=True):
        assert text in violation.description, reason


@pytest.mark.parametrize(("name", "shape", "registry", "reason"), ACCEPTED)
def test_valid_settings_are_accepted_alone_and_composed(
    name: str, shape: dict[str, Any], registry: RegistryName, reason: str
) -> None:
    assert SETTINGS[name].validate(shape, registry, "p") == [], reason
    assert SETTINGS[name].validate_composed(SETTINGS[name].split(shape), registry) == [], reason


def _pairs(destinations: int, filters: int) -> dict[str, Any]:
    places = [f"{i:012}/us-west-2" for i in range(destinations)]
    return {f"{p}:f{i}-": {"deleteReplication": False} for p in places for i in range(filters)}


SIGNER = "arn:aws:signer:us-east-1:111111111111:/signing-profiles"
# setting, elements over all owners, parts of the violations, reason
TOGETHER: list[tuple[str, dict[str, Any], list[str], str]] = [
    (REPLICATION, _pairs(26, 1), ["26 over all owners, and AWS allows 25"], "unique destinations; one rule holds them"),
    (REPLICATION, _pairs(25, 100), [], "25 destinations and 100 filters pack into one rule"),
    (REPLICATION, _pairs(1, 2500), [], "25 rules of 100 filters"),
    (REPLICATION, _pairs(1, 2501), ["replication rules: 26"], "one filter too many"),
    (RULES, {f"p{i}": {} for i in range(51)}, ["51"], "50 cache rules"),
    ("pull_time_update_exclusions", {f"a{i}": {} for i in range(101)}, ["101"], "100 exclusions"),
    ("signing_configuration", {f"{SIGNER}/p{i} ": {} for i in range(11)}, ["signing rules: 11"], "10 signing rules"),
    ("signing_configuration", {f"{SIGNER}/p1 f{i}": {} for i in range(1000)}, [], "10 rules of 100 filters"),
    (SCANNING, {f"SCAN_ON_PUSH:p{i}": {} for i in range(101)}, ["SCAN_ON_PUSH filters: 101"], "100 per frequency"),
    (SCANNING, {"CONTINUOUS_SCAN:a": {}}, ["CONTINUOUS_SCAN requires scan type ENHANCED"], "BASIC by default"),
    (SCANNING, {"CONTINUOUS_SCAN:a": {}, "scanType": "ENHANCED"}, [], "two owners complete each other"),
    (SCANNING, {"MANUAL:a": {}, "scanType": "ENHANCED"}, ["MANUAL requires"], "no MANUAL under ENHANCED"),
    (
        SCANNING,
        {"MANUAL:a": {}, "SCAN_ON_PUSH:a": {}, "CONTINUOUS_SCAN:a": {}, "scanType": "ENHANCED"},
        ["scanning rules: 3", "MANUAL requires"],
        "every fault at once",
    ),
    (
        POLICY,
        {f"s{i}": {"Effect": "Allow", "Principal": {"AWS": ["2" * 12]}, "Action": ["ecr:*"]} for i in range(200)},
        ["registry policy characters"],
        "10,240 characters as written",
    ),
]


@pytest.mark.parametrize(("name", "elements", "expected", "reason"), TOGETHER)
def test_limits_apply_over_all_owners(name: str, elements: dict[str, Any], expected: list[str], reason: str) -> None:
    violations = SETTINGS[name].validate_composed(elements, REGISTRY)
    assert len(violations) == len(expected), reason
    for violation, text in zip(violations, expected, strict=True):
        assert text in violation.description, reason


@pytest.mark.parametrize(
    ("name", "shape", "reason"),
    [
        (POLICY, {"policyText": '"' + '\\"' * 5000 + "\\"}, "an unfinished string of escapes"),
        (POLICY, {"policyText": '"' * 10240}, "quotes"),
        (POLICY, policy(statement(Resource="arn:aws:ecr:" + "*a" * 2000 + ":b:c")), "many wildcards"),
        (POLICY, policy(statement(Principal={"AWS": "arn:aws" + "-a" * 4000})), "a long partition"),
        (RULES, cached("a" * 256 + ".azurecr.io"), "a long host"),
        (RULES, cached("1" * 256), "digits"),
    ],
)
def test_hostile_input_takes_linear_time(name: str, shape: dict[str, Any], reason: str) -> None:
    start = time.process_time()
    assert SETTINGS[name].validate(shape, REGISTRY, "p"), reason
    assert time.process_time() - start < 0.2, reason
