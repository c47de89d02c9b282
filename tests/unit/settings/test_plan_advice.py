"""Warnings of plans: conflicting settings, unlimited access, custom roles."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from ecrkeeper_server.settings.advice import advising
from ecrkeeper_server.settings.custom_roles import judge_role, roles_of
from ecrkeeper_server.settings.elements import Change, ChangeKind
from ecrkeeper_server.turns import finish

POLICY, RULES = "registry_policy", "pull_through_cache_rules"
TEMPLATES, SIGNING = "repository_creation_templates", "signing_configuration"
PROFILE = "arn:aws:signer:us-east-1:111111111111:/signing-profiles/release"
RULE = {"upstreamRegistryUrl": "registry-1.docker.io"}
OPEN = {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["ecr:BatchGetImage"]}


def cached(*applied_for: str) -> dict[str, Any]:
    return {"appliedFor": sorted(applied_for or ("PULL_THROUGH_CACHE",))}


def repository_policy(statement: dict[str, Any]) -> dict[str, Any]:
    return {**cached("CREATE_ON_PUSH"), "repositoryPolicy": json.dumps({"Statement": [statement]})}


def signs(*filters: str) -> dict[str, Any]:
    return {f"{PROFILE} {text}": {} for text in filters}


IDLE, ROOT, UNSIGNED, OPEN_TO_ALL = (
    "TEMPLATE_NEVER_APPLIES",
    "CACHE_RULE_ROOT",
    "SIGNING_SKIPS_CACHED_IMAGES",
    "POLICY_OPEN_TO_ALL_ACCOUNTS",
)

# before, after, (reason, subject) of the warnings, reason
ADVISED: list[tuple[dict[str, Any], dict[str, Any], list[tuple[str, str]], str]] = [
    ({}, {RULES: {"hub-proxy": RULE}, TEMPLATES: {"hub": cached()}}, [(IDLE, "hub")], "no `/` between them"),
    ({}, {RULES: {}, TEMPLATES: {"hub": cached()}}, [(IDLE, "hub")], "no rule at all"),
    ({}, {TEMPLATES: {"hub": cached()}}, [], "the rules cannot be read"),
    ({}, {RULES: {"hub": RULE}, TEMPLATES: {"hub": cached()}}, [], "the same prefix"),
    ({}, {RULES: {"hub": RULE}, TEMPLATES: {"hub/library": cached()}}, [], "a part of the rule's repositories"),
    ({}, {RULES: {"hub/library": RULE}, TEMPLATES: {"hub": cached()}}, [], "more than the rule's repositories"),
    ({}, {RULES: {"hub": RULE}, TEMPLATES: {"ROOT": cached()}}, [], "all repositories"),
    ({}, {RULES: {"ROOT": RULE}, TEMPLATES: {"hub": cached()}}, [(ROOT, "ROOT")], "the rule creates any name"),
    ({}, {RULES: {"ROOT": RULE}, TEMPLATES: {"ROOT": cached()}}, [(ROOT, "ROOT")], "both for all"),
    (
        {},
        {RULES: {"hub": RULE}, TEMPLATES: {"ROOT": cached(), "hub": cached()}},
        [(IDLE, "ROOT")],
        "a more specific template applies to all that is cached",
    ),
    (
        {},
        {RULES: {"hub": RULE}, TEMPLATES: {"ROOT": cached(), "hub": cached("REPLICATION")}},
        [],
        "the more specific one is not for the cache",
    ),
    (
        {},
        {RULES: {"hub": RULE}, TEMPLATES: {"ROOT": cached(), "hub/library": cached()}},
        [],
        "the more specific one leaves some",
    ),
    ({}, {RULES: {}, TEMPLATES: {"a": cached("PULL_THROUGH_CACHE", "CREATE_ON_PUSH")}}, [], "pushes create"),
    ({}, {RULES: {}, TEMPLATES: {"a": cached("PULL_THROUGH_CACHE", "REPLICATION")}}, [], "replication may create"),
    (
        {RULES: {"a": RULE}, TEMPLATES: {"a": cached()}},
        {RULES: {}, TEMPLATES: {"a": cached()}},
        [(IDLE, "a")],
        "its rule goes",
    ),
    (
        {RULES: {"b": RULE}, TEMPLATES: {"a": cached()}},
        {RULES: {}, TEMPLATES: {"a": cached()}},
        [],
        "it was idle before",
    ),
    ({RULES: {"ROOT": RULE}}, {RULES: {"ROOT": RULE}}, [], "the ROOT rule is there already"),
    ({RULES: {"ROOT": RULE}}, {RULES: {}}, [], "the ROOT rule goes"),
    ({}, {RULES: {"hub": RULE}, SIGNING: signs("")}, [(UNSIGNED, "hub")], "a rule without filters signs all"),
    ({}, {RULES: {"hub": RULE}, SIGNING: signs("hub/*")}, [(UNSIGNED, "hub")], "the cached repositories"),
    ({}, {RULES: {"hub": RULE}, SIGNING: signs("*/library")}, [(UNSIGNED, "hub")], "some of them"),
    ({}, {RULES: {"hub": RULE}, SIGNING: signs("prod/*", "hub", "hub-*")}, [], "none of them"),
    ({}, {RULES: {"ROOT": RULE}, SIGNING: signs("prod")}, [(ROOT, "ROOT"), (UNSIGNED, "ROOT")], "any name"),
    (
        {RULES: {"hub": RULE}},
        {RULES: {"hub": RULE}, SIGNING: signs("*")},
        [(UNSIGNED, "hub")],
        "signing is added to a rule",
    ),
    (
        {SIGNING: signs("*")},
        {RULES: {"hub": RULE}, SIGNING: signs("*")},
        [(UNSIGNED, "hub")],
        "a rule is added to signing",
    ),
    ({RULES: {"hub": RULE}, SIGNING: signs("*")}, {RULES: {"hub": RULE}, SIGNING: signs("*")}, [], "nothing changes"),
    ({}, {POLICY: {"s": OPEN}}, [(OPEN_TO_ALL, "s")], "everybody"),
    ({}, {POLICY: {"s": {**OPEN, "Principal": {"AWS": ["*", "1"]}}}}, [(OPEN_TO_ALL, "s")], "everybody, and one"),
    (
        {},
        {POLICY: {"s": {"Effect": "Allow", "NotPrincipal": {"AWS": ["333333333333"]}, "Action": ["ecr:*"]}}},
        [(OPEN_TO_ALL, "s")],
        "everybody but one",
    ),
    ({}, {POLICY: {"s": {**OPEN, "Condition": {"StringEquals": {"aws:PrincipalOrgID": ["o"]}}}}}, [], "a condition"),
    ({}, {POLICY: {"s": {**OPEN, "Effect": "Deny"}}}, [], "a Deny"),
    ({}, {POLICY: {"s": {**OPEN, "Principal": {"AWS": ["333333333333"]}}}}, [], "one account"),
    ({POLICY: {"s": OPEN}}, {POLICY: {"s": OPEN}}, [], "it is there already"),
    ({POLICY: {"s": OPEN}}, {POLICY: {}}, [], "it goes"),
    (
        {},
        {TEMPLATES: {"a": repository_policy({"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"})}},
        [(OPEN_TO_ALL, "a")],
        "the policy of repositories that a template creates",
    ),
    ({}, {TEMPLATES: {"a": repository_policy({**OPEN, "Condition": {"Bool": {"a": "true"}}})}}, [], "a condition"),
    ({}, {TEMPLATES: {"a": {**cached("REPLICATION"), "repositoryPolicy": "no JSON"}}}, [], "AWS may have anything"),
]


@pytest.mark.parametrize(("before", "after", "expected", "reason"), ADVISED)
def test_plan_advice_matches_table(
    before: dict[str, Any], after: dict[str, Any], expected: list[tuple[str, str]], reason: str
) -> None:
    advice = finish(advising(before, after))
    assert sorted((warning.reason, warning.subject) for warning in advice) == sorted(expected), reason
    assert all(warning.message for warning in advice)


ARN = "arn:aws:iam::111111111111:role/ecr-custom/cache"
SERVICE = "pullthroughcache.ecr.amazonaws.com"


def trusting(*statements: dict[str, Any]) -> dict[str, Any]:
    usual = {"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "sts:AssumeRole"}
    trusted = [{**usual, **statement} for statement in statements]
    return {"Arn": ARN, "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": trusted}}


MISSING, UNTRUSTED = "CUSTOM_ROLE_MISSING", "CUSTOM_ROLE_UNTRUSTED"


@pytest.mark.parametrize(
    ("role", "expected", "reason"),
    [
        (None, MISSING, "IAM has none"),
        ({**trusting({}), "Arn": "arn:aws:iam::111111111111:role/cache"}, MISSING, "another path"),
        ({}, MISSING, "an answer without a role"),
        (trusting({}), None, "the documented trust"),
        (trusting({"Principal": {"Service": ["ec2.amazonaws.com", SERVICE]}}), None, "one of several services"),
        (trusting({"Action": ["sts:TagSession", "sts:*"]}), None, "a wildcard"),
        (trusting({"Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}), None, "a condition may hold"),
        (trusting({"Principal": "*"}), None, "anybody"),
        (trusting({"Principal": {"Service": "ecr.amazonaws.com"}}), UNTRUSTED, "the service for templates"),
        (trusting({"Principal": {"AWS": "arn:aws:iam::111111111111:root"}}), UNTRUSTED, "an account"),
        (trusting({"Action": "sts:TagSession"}), UNTRUSTED, "another action"),
        (trusting({}, {"Effect": "Deny"}), UNTRUSTED, "allowed and denied"),
        (trusting({}, {"Effect": "Deny", "Condition": {"Bool": {"a": "true"}}}), None, "a Deny that may not count"),
        (trusting(), UNTRUSTED, "no statement"),
        ({"Arn": ARN}, None, "no document to judge by"),
        ({"Arn": ARN, "AssumeRolePolicyDocument": "%7Bno"}, None, "no JSON to judge by"),
    ],
)
def test_custom_role_is_checked(role: dict[str, Any] | None, expected: str | None, reason: str) -> None:
    verdict = judge_role(ARN, SERVICE, role, "hub")
    assert (verdict and (verdict.reason, verdict.subject)) == (expected and (expected, "hub")), reason


def test_encoded_trust_policy_is_read() -> None:
    plain = trusting({"Principal": {"Service": "ecr.amazonaws.com"}})
    encoded = {**plain, "AssumeRolePolicyDocument": quote(json.dumps(plain["AssumeRolePolicyDocument"]))}
    verdict = judge_role(ARN, SERVICE, encoded, "hub")
    assert verdict is not None
    assert verdict.reason == UNTRUSTED


def test_plan_roles_are_newly_named_ones() -> None:
    def change(key: str, before: str | None, after: str | None) -> Change:
        old, new = ({"customRoleArn": role} if role else None for role in (before, after))
        return Change(RULES, key, ChangeKind.UPDATE, old, new)

    changes = [change("a", None, "r"), change("b", "r", "r"), change("c", "q", "r"), change("d", "r", None)]
    changes.append(Change("account_settings", "BLOB_MOUNTING", ChangeKind.UPDATE, "DISABLED", "ENABLED"))
    assert roles_of(changes) == {"r": ["a", "c"]}
