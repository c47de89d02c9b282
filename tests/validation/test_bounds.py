"""Validation stops after a hundred violations, and holds no more of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ecrkeeper_server.declarations.commands import violations
from ecrkeeper_server.errors import MAX_VIOLATIONS, MORE_VIOLATIONS, Violation, first_violations
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings import policy_validation, templates
from hypothesis import given
from hypothesis import strategies as st

from .documents import ACCOUNT, REGION

REGISTRY = RegistryName(ACCOUNT, REGION)
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{}] * 3_000})
RULES = json.dumps({"rules": [{f"unknown{at}": 0, "selection": {}} for at in range(50)]})
TEXTS: list[tuple[dict[str, Any], str]] = [
    ({"registry_policy": {"policyText": POLICY}}, "a policy"),
    ({"repository_creation_templates": {"templates": [{"prefix": "a", "repositoryPolicy": POLICY}]}}, "a template"),
    ({"repository_creation_templates": {"templates": [{"prefix": "a", "lifecyclePolicy": RULES}]}}, "a lifecycle"),
    (
        {
            "repository_creation_templates": {
                "templates": [{"prefix": f"p{at}", "repositoryPolicy": f"{POLICY[:-1]}, {at}"} for at in range(100)]
                + [{"prefix": f"q{at}", "repositoryPolicy": POLICY + " " * at} for at in range(100)]
            }
        },
        "many templates",
    ),
]


@pytest.mark.parametrize(("settings", "reason"), TEXTS)
def test_hundred_violations_are_described(settings: dict[str, Any], reason: str) -> None:
    described = violations(REGISTRY, settings, "p")
    assert len(described) == MAX_VIOLATIONS + 1, reason
    assert described[-1] is MORE_VIOLATIONS
    assert MORE_VIOLATIONS not in described[:-1]


def test_validation_of_a_text_stops_after_a_hundred_violations(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []
    validate = policy_validation._validate_statement

    def counting(*args: Any) -> Iterator[Violation]:
        looked_at.append(args[-1])
        return validate(*args)

    monkeypatch.setattr(policy_validation, "_validate_statement", counting)
    violations(REGISTRY, {"registry_policy": {"policyText": POLICY}}, "p")
    assert len(looked_at) <= MAX_VIOLATIONS


def test_document_of_an_invalid_template_is_not_canonicalized(monkeypatch: pytest.MonkeyPatch) -> None:
    def value_of(_: Any) -> Any:
        raise AssertionError("canonicalized")

    monkeypatch.setattr(templates, "value_of", value_of)
    invalid = {"prefix": "a", "appliedFor": ["REPLICATION"], "repositoryPolicy": POLICY}
    assert list(templates.prepare({"templates": [invalid]}, REGISTRY)) == [None]
    with pytest.raises(AssertionError, match="canonicalized"):
        list(templates.prepare({"templates": [{"prefix": "a", "appliedFor": ["REPLICATION"]}]}, REGISTRY))


VIOLATIONS = st.builds(Violation, st.just("a"), st.just("b"), st.sampled_from(["INVALID_FIELD", "QUOTA_EXCEEDED"]))


@given(st.lists(VIOLATIONS | st.just(MORE_VIOLATIONS), max_size=300))
def test_first_violations_are_kept_in_order(drawn: list[Violation]) -> None:
    first = first_violations(iter(drawn))
    own = [each for each in drawn if each is not MORE_VIOLATIONS]
    kept = [each for each in first if each is not MORE_VIOLATIONS]
    assert kept == own[: len(kept)]
    counted = sum(each.reason != "QUOTA_EXCEEDED" for each in kept)
    assert counted <= MAX_VIOLATIONS
    assert counted == MAX_VIOLATIONS or kept == own
    assert (first[-1:] == [MORE_VIOLATIONS]) == (len(kept) < len(own) or MORE_VIOLATIONS in drawn)
    assert first_violations(first) == first
