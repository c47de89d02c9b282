"""Every peer case whose behaviour is AWS's own, run against the simulator with boto3."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, Aws

CASES_FILE = Path(__file__).resolve().parents[1] / "cases" / "peer-cases.json"

# What the service does with its own store, plans or names; AWS has no part in it.
NOT_AWS = {
    "repl-disappears": "drift is the service's word",
    "repl-delete-replication-unknown-field-preserved": "comparison is the service's work",
    "repl-unmanaged-rule-on-first-apply": "AWS overwrites without asking; only the service refuses",
    "backfill-status-kept-locally": "about the service's store",
    "policy-and-scope-in-one-apply": "about the order in which the service calls",
    "policy-equivalent-no-diff": "comparison is the service's work",
    "scan-rule-order-no-diff": "comparison is the service's work",
    "tpl-disappears": "drift is the service's word",
    "tpl-lifecycle-reordered-noop": "comparison is the service's work",
    "tpl-most-specific-wins": "a query of the service over templates",
    "excl-disappears": "drift is the service's word",
    "sign-disappears": "drift is the service's word",
    "slr-exists-other-description": "adoption is the service's word",
    "slr-decode-plain-role": "parsing of a name, no AWS call",
    "slr-delete-preflight-region-unreadable": "the preflight is the service's",
    "slr-concurrent-create": "what to make of a lost race is the service's work",
    "cc-adopt-or-create-existing": "adoption is the service's word",
    "cc-etag-stale": "etags are the service's",
    "cc-field-mask-partial": "field masks are the service's",
}


def load_cases() -> list[dict[str, Any]]:
    """Return the cases that AWS answers."""
    cases: list[dict[str, Any]] = json.loads(CASES_FILE.read_text())
    return [case for case in cases if case["id"] not in NOT_AWS]


CASES = load_cases()


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_simulator_answers_as_aws_does(aws: Aws, case: dict[str, Any]) -> None:
    prepare(aws, case)
    own_flow = FLOWS.get(case["id"])
    if own_flow is not None:
        own_flow(aws, case["expected"])
        return
    try:
        answer = call(aws, case)
    except ClientError as error:
        check_error(aws, case, error.response["Error"])
    else:
        assert "error" not in case["expected"], f"accepted: {answer}"
        check_state(aws, case)


def prepare(aws: Aws, case: dict[str, Any]) -> None:
    """Bring about what the case takes as given."""
    given, desired = case["input"].get("given", {}), case["input"].get("desired", {})
    setting, name = case["setting"], case["input"].get("call", "")
    parts: dict[str, Any] = {}
    if "account_settings" in given:
        parts["scope"] = given["account_settings"]["REGISTRY_POLICY_SCOPE"]
    if setting == "replication-backfill":
        parts["replicationConfiguration"] = {"rules": [{"destinations": [desired["destination"]]}]}
        busy = [given["in_progress_to"]] if "in_progress_to" in given else ["eu-west-1"] * given["in_progress_count"]
        parts["backfills"] = [{"destination": {"region": region, "registryId": ACCOUNT}} for region in busy]
    if setting == "scanning" and "aws" in given:
        parts |= {"scanning": given["aws"], "repositories": given["repositories"]}
    if setting == "replication" and "replicationConfiguration" in given:
        parts["replicationConfiguration"] = given["replicationConfiguration"]
    if setting == "creation-template" and (given.get("aws") or name.startswith("Update")):
        parts["templates"] = [given.get("aws") or {"prefix": desired["prefix"], "appliedFor": ["REPLICATION"]}]
    if setting == "signing" and "aws" in given:
        parts["signing"] = given["aws"]["signingConfiguration"]
    if given.get("dest_policy"):
        aws.seed("222222222222", "us-west-2", policyText=given["dest_policy"])
    if name == "UpdatePullThroughCacheRule":
        rule = {"upstreamRegistryUrl": "222222222222.dkr.ecr.us-east-1.amazonaws.com"}
        parts["pullThroughCacheRules"] = [{**rule, "ecrRepositoryPrefix": desired["ecrRepositoryPrefix"]}]
    aws.seed(**parts)
    if name in ("iam:TagRole", "iam:DeleteServiceLinkedRole"):
        aws.client("iam").create_service_linked_role(AWSServiceName="replication.ecr.amazonaws.com")


def call(aws: Aws, case: dict[str, Any]) -> Any:
    """Make the call of the case."""
    service, _, operation = case["input"]["call"].rpartition(":")
    method = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).lower()
    return getattr(aws.client(service or "ecr"), method)(**case["input"]["desired"])


def check_error(aws: Aws, case: dict[str, Any], answered: dict[str, Any]) -> None:
    """Compare the error with the expected one; what breaks the model must also be in the log."""
    expected = case["expected"].get("error")
    assert expected is not None, f"refused with {answered}"
    if "aws_code" in expected:
        assert answered["Code"] == expected["aws_code"]
    if "aws_message" in expected:
        assert answered["Message"] == expected["aws_message"]
    if expected["stage"] == "model":
        assert answered["Code"] in ("InvalidParameterException", "ValidationError")
        assert aws.requests()[-1]["model_violations"]


def check_state(aws: Aws, case: dict[str, Any]) -> None:
    """Compare what AWS has now with what the case expects."""
    state = read(aws, case)
    for key, value in case["expected"].items():
        if key == "aws_state":
            check_members(state, value)
        elif key in CHECKS:
            CHECKS[key](state, value)
        else:
            assert key in ("outcome", "filter_order_preserved", "replaced", "other_fields"), f"unchecked: {key}"


def read(aws: Aws, case: dict[str, Any]) -> dict[str, Any]:
    """Return AWS's state of the setting that the case is about."""
    ecr, iam, setting, desired = aws.client("ecr"), aws.client("iam"), case["setting"], case["input"]["desired"]
    if setting == "service-linked-role":
        principal = desired.get("AWSServiceName", "replication.ecr.amazonaws.com")
        listed = iam.list_roles(PathPrefix=f"/aws-service-role/{principal}/")["Roles"]
        role = iam.get_role(RoleName=listed[0]["RoleName"])["Role"]
        attached = iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
        role["AttachedPolicies"] = [policy["PolicyName"] for policy in attached]
        role["AssumeRolePrincipal"] = role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
        return dict(role)
    if setting == "pull-through-cache":
        return dict(ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"][0])
    if setting == "creation-template":
        return dict(ecr.describe_repository_creation_templates()["repositoryCreationTemplates"][0])
    if setting == "registry-policy":
        return dict(json.loads(ecr.get_registry_policy()["policyText"]))
    readers = {
        "replication": ecr.describe_registry,
        "scanning": ecr.get_registry_scanning_configuration,
        "signing": ecr.get_signing_configuration,
        "pull-time-exclusion": ecr.list_pull_time_update_exclusions,
    }
    return dict(readers[setting]())


def check_members(state: dict[str, Any], expected: dict[str, Any]) -> None:
    """Compare member by member; AWS leaves out empty texts, and `_set` marks lists without order."""
    for name, value in expected.items():
        if name.endswith("_set"):
            assert sorted(state[name.removesuffix("_set")]) == sorted(value)
        elif value == "":
            assert not state.get(name)
        else:
            assert state[name] == value


def _policy_means(state: dict[str, Any], expected: dict[str, Any]) -> None:
    def wide(value: Any) -> list[Any]:
        return value if isinstance(value, list) else [value]

    def spread(document: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {**s, "Action": wide(s["Action"]), "Resource": wide(s["Resource"])} for s in wide(document["Statement"])
        ]

    assert spread(state) == spread(expected)


def _equals(*path: Any) -> Callable[[Any, Any], None]:
    def check(state: Any, value: Any) -> None:
        for step in path:
            state = state[step]
        assert state == value

    return check


def _check_tags(state: dict[str, Any], value: dict[str, str]) -> None:
    assert {tag["Key"]: tag["Value"] for tag in state["Tags"]} == value


def _check_contains(state: dict[str, Any], value: str) -> None:
    assert value in state["repositoryPolicy"]


def _check_rule_count(state: dict[str, Any], value: int) -> None:
    assert len(state["signingConfiguration"]["rules"]) == value


def _check_filter_count(state: dict[str, Any], value: int) -> None:
    assert len(state["replicationConfiguration"]["rules"][0]["repositoryFilters"]) == value


def _check_applied_for(state: dict[str, Any], value: list[str]) -> None:
    assert sorted(state["appliedFor"]) == sorted(value)


CHECKS: dict[str, Callable[[Any, Any], None]] = {
    "aws_state_policy": _policy_means,
    "aws_state_filter_count": _check_filter_count,
    "aws_state_customRoleArn": _equals("customRoleArn"),
    "aws_state_kmsKey": _equals("encryptionConfiguration", "kmsKey"),
    "aws_state_tags": _check_tags,
    "appliedFor_set": _check_applied_for,
    "repositoryPolicy_contains": _check_contains,
    "description": _equals("description"),
    "ListPullTimeUpdateExclusions": _equals("pullTimeUpdateExclusions"),
    "rule_count": _check_rule_count,
}


def _scanning_of_repositories(aws: Aws, expected: dict[str, Any]) -> None:
    names = [key.removeprefix("repo ") for key in expected if key.startswith("repo ")]
    answer = aws.client("ecr").batch_get_repository_scanning_configuration(repositoryNames=names)
    for found in answer["scanningConfigurations"]:
        assert expected[f"repo {found['repositoryName']}"].startswith(found["scanFrequency"])


def _deletion_of_an_unused_role(aws: Aws, expected: dict[str, Any]) -> None:
    iam = aws.client("iam")
    task = iam.delete_service_linked_role(RoleName="AWSServiceRoleForECRReplication")["DeletionTaskId"]
    assert re.sub(r"[^/]+$", "", task) == re.sub(r"[^/]+$", "", expected["DeletionTaskId"])
    seen = []
    for _ in expected["status_path"]:
        seen.append(iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"])
        aws.advance(0.31)
    assert seen == expected["status_path"]
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="AWSServiceRoleForECRReplication")


def _creation_without_the_right(aws: Aws, expected: dict[str, Any]) -> None:
    aws.control("PUT", f"accounts/{ACCOUNT}", {"iam_policy": {"Version": "2012-10-17", "Statement": []}})
    with pytest.raises(ClientError) as caught:
        aws.client("iam", **aws.assume()).create_service_linked_role(AWSServiceName="replication.ecr.amazonaws.com")
    assert caught.value.response["Error"]["Code"] == expected["error"]["aws_code"]
    assert "iam:CreateServiceLinkedRole" in caught.value.response["Error"]["Message"]


def _replication_to_a_closed_registry(aws: Aws, expected: dict[str, Any]) -> None:
    ecr = aws.client("ecr")
    destination = {"region": "us-west-2", "registryId": "222222222222"}
    ecr.put_replication_configuration(replicationConfiguration={"rules": [{"destinations": [destination]}]})
    job = ecr.start_replication_backfill(destination=destination)["replicationBackfillId"]
    aws.advance(0.31)
    ecr.list_replication_backfills()
    aws.advance(0.61)
    answer = ecr.describe_replication_backfill_results(replicationBackfillId=job)
    assert answer["status"] == "FAILED"
    assert {result["failureCode"] for result in answer["results"]} == {"DESTINATION_REGISTRY_ACCESS_DENIED"}


FLOWS: dict[str, Callable[[Aws, dict[str, Any]], None]] = {
    "xacct-no-destination-policy": _replication_to_a_closed_registry,
    "xacct-policy-wrong-region": _replication_to_a_closed_registry,
    "scan-effective-per-repo": _scanning_of_repositories,
    "slr-delete-unused": _deletion_of_an_unused_role,
    "slr-access-denied": _creation_without_the_right,
}
