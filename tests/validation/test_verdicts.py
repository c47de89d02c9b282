"""The server and the simulated AWS validate the same documents independently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from ecrkeeper_server.errors import Violation
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.ecr_actions import OPERATIONS, PERMISSION_ONLY, is_known
from ecrkeeper_server.settings.table import SETTINGS

from tests.sim.conftest import Aws

from .documents import (
    ACCOUNT,
    CACHE_RULES,
    DISAGREEMENTS,
    IN_BOTH_POLICIES,
    LIFECYCLES,
    REGION,
    REGISTRY_ONLY,
    REPOSITORY_ONLY,
    SECRET,
    Case,
)

REGISTRY = RegistryName(ACCOUNT, REGION)


def ids(case: Case) -> str:
    return case.reason if case.observed else f"{case.reason} (nobody knows)"


def template(member: str, text: str) -> dict[str, Any]:
    return {"prefix": "lc", "appliedFor": ["PULL_THROUGH_CACHE"], member: text}


def validate(setting: str, shape: dict[str, Any]) -> list[Violation]:
    return SETTINGS[setting].validate(shape, REGISTRY, "p")


def refusals(call: Any, **arguments: Any) -> Iterator[str]:
    """Return AWS's message if it rejects the call."""
    try:
        call(**arguments)
    except ClientError as error:
        yield error.response["Error"]["Message"]


def check(case: Case, violations: list[Violation], path: str, rejections: list[str]) -> None:
    """Both verdicts match the case, and name their error in the expected place."""
    assert bool(violations) is (case.server is not None), (case.reason, violations)
    assert bool(rejections) is (case.aws is not None), (case.reason, rejections)
    assert all(violation.field.startswith(path) for violation in violations), case.reason
    if case.server is not None:
        assert any(case.server in f"{v.field}: {v.description}" for v in violations), (case.reason, violations)
    if case.aws is not None:
        assert case.aws in rejections[0], (case.reason, rejections)


@pytest.mark.parametrize("case", LIFECYCLES, ids=ids)
def test_lifecycle_policy_of_template(aws: Aws, case: Case) -> None:
    document = template("lifecyclePolicy", case.text)
    violations = validate("repository_creation_templates", {"templates": [document]})
    rejections = list(refusals(aws.client("ecr").create_repository_creation_template, **document))
    check(case, violations, "p.templates[0].lifecycle_policy", rejections)


@pytest.mark.parametrize("case", [*IN_BOTH_POLICIES, *REPOSITORY_ONLY], ids=ids)
def test_repository_policy_of_template(aws: Aws, case: Case) -> None:
    document = template("repositoryPolicy", case.text)
    violations = validate("repository_creation_templates", {"templates": [document]})
    rejections = list(refusals(aws.client("ecr").create_repository_creation_template, **document))
    check(case, violations, "p.templates[0].repository_policy", rejections)


@pytest.mark.parametrize("case", [*IN_BOTH_POLICIES, *REGISTRY_ONLY], ids=ids)
def test_registry_policy(aws: Aws, case: Case) -> None:
    violations = validate("registry_policy", {"policyText": case.text})
    check(
        case, violations, "p.policy_text", list(refusals(aws.client("ecr").put_registry_policy, policyText=case.text))
    )


@pytest.mark.parametrize("case", DISAGREEMENTS, ids=ids)
def test_server_is_intentionally_stricter(aws: Aws, case: Case) -> None:
    violations = validate("registry_policy", {"policyText": case.text})
    check(
        case, violations, "p.policy_text", list(refusals(aws.client("ecr").put_registry_policy, policyText=case.text))
    )


@pytest.mark.parametrize("case", CACHE_RULES, ids=ids)
def test_cache_rule(aws: Aws, case: Case) -> None:
    aws.seed(secrets=[{"name": "ecr-pullthroughcache/hub", "arn": SECRET, "value": "{}"}])
    violations = validate("pull_through_cache_rules", {"rules": [case.document]})
    rejections = list(refusals(aws.client("ecr").create_pull_through_cache_rule, **case.document))
    check(case, violations, "p.rules[0]", rejections)


FIELDS: list[tuple[str, dict[str, Any], list[str], str]] = [
    (
        "registry_policy",
        {"policyText": case.text},
        ["p.policy_text.Statement[0].Principal.AWS"],
        f"principal: {case.reason}",
    )
    for case in IN_BOTH_POLICIES
    if case.reason in ("all of an account", "the root of all accounts")
] + [
    (
        "repository_creation_templates",
        {"templates": [template("repositoryPolicy", REPOSITORY_ONLY[0].text)]},
        ["p.templates[0].repository_policy.Statement[0]"],
        "the statement has a member too many",
    ),
    (
        "repository_creation_templates",
        {"templates": [template("lifecyclePolicy", '{"rules":[{"rulePriority":0,"selection":1,"action":2}]}')]},
        ["p.templates[0].lifecycle_policy"] * 3,
        "every violation at once; the path inside of the text is in the description",
    ),
    (
        "registry_policy",
        {"policyText": next(c.text for c in IN_BOTH_POLICIES if c.reason == "condition: the root of a word")},
        ["p.policy_text.Statement[0].Condition.StringEqual"],
        "no such operator",
    ),
]


@pytest.mark.parametrize(("setting", "shape", "fields", "reason"), FIELDS)
def test_violation_names_its_field(setting: str, shape: dict[str, Any], fields: list[str], reason: str) -> None:
    assert [violation.field for violation in validate(setting, shape)] == fields, reason


def test_simulator_can_store_values_that_server_rejects(aws: Aws) -> None:
    aws.settings(templates_check_documents=False)
    document = template("lifecyclePolicy", '{"rules":[]}')
    assert aws.client("ecr").create_repository_creation_template(**document)
    assert validate("repository_creation_templates", {"templates": [document]})


def test_seeded_policy_is_stored_unchecked(aws: Aws) -> None:
    old = '{"Version":"1999","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::2:*"},"Action":"ecr:X"}]}'
    aws.seed(policyText=old)
    assert "arn:aws:iam::2:*" in aws.client("ecr").get_registry_policy()["policyText"]


def test_known_operations_match_botocore() -> None:
    model = botocore.session.get_session().get_service_model("ecr")
    assert set(model.operation_names) == OPERATIONS
    assert not OPERATIONS & PERMISSION_ONLY


@pytest.mark.parametrize(
    ("action", "expected", "reason"),
    [
        ("*", True, "every action"),
        ("ecr:*", True, "every action of ECR"),
        ("ecr:replicateIMAGE", True, "case does not count"),
        ("ecr:BatchGet*", True, "a pattern"),
        ("ecr:???Image", True, "PutImage"),
        ("ecr:BatchGetImages", False, "one letter too many"),
        ("ecr:Push*", False, "a pattern of nothing"),
        ("ecr:" + "*a" * 2000, False, "more letters than any action has"),
    ],
)
def test_action_is_known(action: str, expected: bool, reason: str) -> None:
    assert is_known(action) is expected, reason


def test_rules_of_one_frequency_are_rejected_by_aws_and_packed(aws: Aws) -> None:
    scan = {"scanFrequency": "SCAN_ON_PUSH"}
    rules = [{**scan, "repositoryFilters": [{"filter": f, "filterType": "WILDCARD"}]} for f in ("a*", "b*")]
    put = aws.client("ecr").put_registry_scanning_configuration
    assert list(refusals(put, scanType="BASIC", rules=rules)) == [
        "Invalid parameter at 'rules' failed to satisfy constraint: "
        "'Invalid input. Contains duplicate scan frequencies: [SCAN_ON_PUSH]'"
    ]
    setting = SETTINGS["scanning_configuration"]
    packed = setting.join(setting.split({"scanType": "BASIC", "rules": rules}))
    assert not list(refusals(put, **packed))


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
def test_destination_of_other_partition_is_rejected_by_both(aws: Aws, region: str) -> None:
    configuration = {"rules": [{"destinations": [{"region": region, "registryId": ACCOUNT}]}]}
    rejections = list(refusals(aws.client("ecr").put_replication_configuration, replicationConfiguration=configuration))
    assert [f"Invalid region '{region}'" in message for message in rejections] == [True]
    assert [v.field for v in validate("replication_configuration", configuration)] == [
        "p.rules[0].destinations[0].region"
    ]
