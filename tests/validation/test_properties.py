"""Random documents crash no validator, and both validators agree on them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings import lifecycle_policy, policy_validation, repository_policy
from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.lifecycle_documents import check_lifecycle_policy
from ecrkeeper_sim.policy_documents import check_repository_policy, parse_registry_policy
from hypothesis import given, settings
from hypothesis import strategies as st

from .documents import ACCOUNT, HERE, IAM, OTHER, REGION, STS

REGISTRY = RegistryName(ACCOUNT, REGION)


def server_accepts(kind: str, text: str) -> bool:
    verdicts = {
        "lifecycle": lambda: lifecycle_policy.validate(text, "p"),
        "repository": lambda: repository_policy.validate(text, REGISTRY, "p"),
        "registry": lambda: policy_validation.validate({"policyText": text}, REGISTRY, "p"),
    }[kind]()
    assert all(violation.field and violation.description for violation in verdicts)
    return not verdicts


def aws_accepts(kind: str, text: str) -> bool:
    call: Callable[[], Any] = {
        "lifecycle": lambda: check_lifecycle_policy(text),
        "repository": lambda: check_repository_policy(text, "aws", ()),
        "registry": lambda: parse_registry_policy(text, "V2", "aws", ()),
    }[kind]
    try:
        call()
    except AwsError:
        return False
    return True


KINDS = st.sampled_from(["lifecycle", "repository", "registry"])
WORDS = st.sampled_from(
    [
        "",
        "*",
        "rules",
        "any",
        "days",
        "archive",
        "Statement",
        "Effect",
        "Allow",
        "AWS",
        OTHER,
        "ecr:*",
        "10.0.0.0/8",
        "Null",
    ]
)
# The store cannot hold NUL, so the server rejects it everywhere.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS | TEXT
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | TEXT, inner, max_size=4)
)


@given(KINDS, JSON.map(json.dumps) | st.text(min_size=1))
def test_validators_are_total(kind: str, text: str) -> None:
    server_accepts(kind, text)
    aws_accepts(kind, text)


@st.composite
def selections(draw: st.DrawFn, status: str, storage: str) -> dict[str, Any]:
    """Generate a selection that ECR accepts."""
    kinds = ["imageCountMoreThan", "sinceImagePushed", "sinceImagePulled"]
    kind = draw(st.sampled_from(kinds)) if storage == "standard" else "sinceImageTransitioned"
    selection: dict[str, Any] = {"tagStatus": status, "countType": kind, "countNumber": draw(st.integers(1, 2**31 - 1))}
    if kind != "imageCountMoreThan":
        selection["countUnit"] = "days"
    if storage == "archive" or draw(st.booleans()):
        selection["storageClass"] = storage
    if status == "tagged":
        name = draw(st.sampled_from(["tagPrefixList", "tagPatternList"]))
        selection[name] = draw(st.lists(st.sampled_from(["v", "v*", "*a*b*c*"]), min_size=1, max_size=3))
    return selection


@st.composite
def lifecycles(draw: st.DrawFn) -> dict[str, Any]:
    """Generate a lifecycle policy that ECR accepts."""
    rules = []
    for storage in ("standard", "archive"):
        statuses = ["tagged"] * draw(st.integers(0, 3)) + ["untagged"] * draw(st.integers(0, 1))
        statuses += ["any"] * draw(st.integers(0 if rules or statuses else 1, 1))
        for status in statuses:
            selection = draw(selections(status, storage))
            action: dict[str, Any] = {"type": "expire"}
            if selection["countType"] == "sinceImagePulled" or (storage == "standard" and draw(st.booleans())):
                action = {"type": "transition", "targetStorageClass": "archive"}
            rules.append({"selection": selection, "action": action})
    numbered = [{**rule, "rulePriority": 3 * i + 1} for i, rule in enumerate(rules)]
    return {"rules": draw(st.permutations(numbered))}


PRINCIPALS = st.sampled_from(
    ["*", OTHER, f"{IAM}:root", f"{IAM}:role/a/b", f"{IAM}:user/x", f"{STS}:assumed-role/r/s", "AROA1234567890EXAMPLE"]
)
ACTIONS = st.sampled_from(["ecr:*", "*", "ecr:BatchGetImage", "ECR:describe*", "ecr:ReplicateImage", "ecr:Get?*"])
CONDITIONS = st.sampled_from(
    [
        {"StringEquals": {"aws:PrincipalOrgID": "o-abc"}},
        {"ForAnyValue:StringLikeIfExists": {"aws:PrincipalOrgPaths": ["o-1/*", "o-2/*"]}},
        {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}, "Bool": {"aws:SecureTransport": True}},
        {"NumericLessThan": {"aws:MultiFactorAuthAge": 3600}, "Null": {"aws:TokenIssueTime": "false"}},
        {},
    ]
)


def one_or_many(values: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Generate one value or a list of them."""
    return values | st.lists(values, min_size=1, max_size=3)


STATEMENTS = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Principal": st.just("*") | st.fixed_dictionaries({"AWS": one_or_many(PRINCIPALS)}),
        "Action": one_or_many(ACTIONS),
    },
    optional={"Condition": CONDITIONS},
)
POLICIES = st.lists(STATEMENTS, min_size=1, max_size=3).map(lambda s: {"Version": "2012-10-17", "Statement": s})


@given(lifecycles())
def test_valid_lifecycle_policy_is_accepted_by_both(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert server_accepts("lifecycle", text)
    assert aws_accepts("lifecycle", text)


@given(st.sampled_from(["repository", "registry"]), POLICIES)
def test_valid_policy_is_accepted_by_both(kind: str, document: dict[str, Any]) -> None:
    for statement in document["Statement"] if kind == "registry" else ():
        statement["Resource"] = f"{HERE}/*"
    text = json.dumps(document)
    assert server_accepts(kind, text)
    assert aws_accepts(kind, text)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Yield every container in a document with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in [(value, key), *places(value[key])]]


@st.composite
def damaged(draw: st.DrawFn, documents: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    """Generate a valid document with one value changed, removed or added."""
    document = copy.deepcopy(draw(documents))
    holder, key = draw(st.sampled_from(places(document)))
    match draw(st.integers(0, 3)):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[draw(WORDS | st.sampled_from(["description", "Sid", "Resource", "targetStorageClass"]))] = draw(
                SCALARS
            )
        case 2:
            other, name = draw(st.sampled_from(places(document)))
            holder[key] = copy.deepcopy(other[name])
        case _:
            holder[key] = draw(JSON)
    return document


@settings(max_examples=400)
@given(damaged(lifecycles()))
def test_damaged_lifecycle_policies_have_equal_verdicts(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert server_accepts("lifecycle", text) is aws_accepts("lifecycle", text)


@settings(max_examples=400)
@given(damaged(POLICIES))
def test_damaged_repository_policies_have_equal_verdicts(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert server_accepts("repository", text) is aws_accepts("repository", text)
