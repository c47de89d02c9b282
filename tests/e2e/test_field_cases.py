"""The field cases: documents that must be rejected run here; each other case names the test that covers it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode

from tests.e2e.live import Live, fields_of, fresh_account, refused

CASES = {
    case["id"]: case for case in json.loads(Path(__file__).parents[1].joinpath("cases/field-cases.json").read_text())
}
ACCOUNT = "811111111111"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:ecr-pullthroughcache/quay-AbCdEf"

ELSEWHERE = {
    "F1a": "tests/e2e/test_isolation.py",
    "F2a": "tests/api/test_replication_arrivals.py",
    "F5": "tests/engine/test_shown_errors.py",
    "F6": "tests/isolation/test_policy_steps.py",
    "F8": "tests/api/test_replication_arrivals.py",
    "F11b": "tests/api/test_plan_warnings.py",
}
TEMPLATE = "repository_creation_templates.templates[0]"
POLICY = "registry_policy.policy_text.Statement[0]"
REJECTED = [
    ("F3a", f"{TEMPLATE}.lifecycle_policy", "the rule for any tag must come last"),
    ("F3d", f"{TEMPLATE}.lifecycle_policy", "AWS takes no null members"),
    ("F3g", f"{TEMPLATE}.lifecycle_policy", "pulled images cannot expire"),
    ("F3j", f"{TEMPLATE}.repository_policy", "a repository policy names no Resource"),
    ("F4a", f"{POLICY}.Principal.AWS", "an account's ARN ends with root"),
    ("F4c", f"{POLICY}.Principal.AWS", "an ARN has no wildcard for the account"),
    ("F7a", "pull_through_cache_rules.rules[0].credential_arn", "quay.io takes no credential"),
    ("F9a", f"{POLICY}.Condition", "there is no such operator"),
]


def declared(case: dict[str, Any]) -> dict[str, Any]:
    """Settings that declare the input of a case."""
    given = case["input"]
    if case["setting"] == "registry_policy":
        text = json.dumps({"Version": "2012-10-17", "Statement": [given]})
        return {"registry_policy": {"policyText": text}}
    if case["setting"] == "pull_through_cache_rules":
        return {"pull_through_cache_rules": {"rules": [{**given, "credentialArn": SECRET}]}}
    documents = {name: json.dumps(given[name]) for name in ("lifecyclePolicy", "repositoryPolicy") if name in given}
    template = {"prefix": "lc", "appliedFor": ["PULL_THROUGH_CACHE"], **documents}
    return {"repository_creation_templates": {"templates": [template]}}


@pytest.mark.parametrize(("name", "field", "reason"), REJECTED, ids=[row[0] for row in REJECTED])
def test_field_case_is_rejected_at_its_field(live: Live, name: str, field: str, reason: str) -> None:
    account = ACCOUNT if name == "F7a" else fresh_account()
    place = live.registry(account)
    error = refused(StatusCode.INVALID_ARGUMENT, place.apply, declared(CASES[name]))
    fields = fields_of(error)
    assert fields, reason
    assert all(each.startswith(f"registry_settings.settings.{field}") for each in fields), (reason, fields)
    place.untouched()


def test_every_field_case_is_covered() -> None:
    assert {*ELSEWHERE, *(row[0] for row in REJECTED)} == set(CASES)
    root = Path(__file__).parents[2]
    assert all((root / path).is_file() for path in ELSEWHERE.values())
