"""Warnings, and settings that apply to a repository."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.settings import globs
from ecrkeeper_server.settings.algebra import plan
from ecrkeeper_server.settings.explain import Explanation, Reference, explaining
from ecrkeeper_server.settings.policy import needs_scope_v2
from ecrkeeper_server.settings.table import SETTINGS, split_all
from ecrkeeper_server.turns import finish

from .shapes import REGISTRY

OFF, ON = {"deleteReplication": False}, {"deleteReplication": True}
TAGGED = {"appliedFor": ["REPLICATION"], "resourceTags": [{"Key": "a", "Value": "b"}]}
PUSHED = {"appliedFor": ["CREATE_ON_PUSH"]}
DENY = {"Effect": "Deny", "Principal": {"AWS": ["*"]}, "Action": ["ecr:DeleteRepository"]}
OPEN = {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["ecr:Create*"]}
V2 = {"account_settings": {"REGISTRY_POLICY_SCOPE": "V2"}}
V1 = {"account_settings": {"REGISTRY_POLICY_SCOPE": "V1"}}
PAIR, ABROAD = "111111111111/us-west-2:a-", "222222222222/us-west-2:"

# setting, observed, target, context, reasons of the warnings, reason
WARNED: list[tuple[str, Any, Any, Any, list[str], str]] = [
    ("replication_configuration", {}, {PAIR: OFF}, {}, [], "within the account"),
    ("replication_configuration", {PAIR: OFF}, {PAIR: ON}, {}, ["DELETE_REPLICATION_ENABLED"], "images will go"),
    ("replication_configuration", {PAIR: ON}, {PAIR: OFF}, {}, [], "turned off"),
    ("replication_configuration", {}, {ABROAD: OFF}, {}, ["DESTINATION_POLICY_REQUIRED"], "AWS does not check"),
    ("replication_configuration", {ABROAD: OFF}, {ABROAD: OFF}, {}, [], "nothing changes"),
    ("pull_through_cache_rules", {"a": {}}, {}, {}, ["CACHED_REPOSITORIES_REMAIN"], "removed"),
    (
        "pull_through_cache_rules",
        {"a": {"upstreamRegistryUrl": "quay.io"}},
        {"a": {"upstreamRegistryUrl": "ghcr.io"}},
        {},
        ["CACHED_REPOSITORIES_REMAIN"],
        "replaced",
    ),
    ("pull_through_cache_rules", {}, {"a": {}}, {}, [], "created"),
    ("repository_creation_templates", {}, {"a": TAGGED}, {}, ["TEMPLATE_NEEDS_CUSTOM_ROLE"], "fails at use"),
    ("repository_creation_templates", {}, {"a": {**TAGGED, "customRoleArn": "r"}}, {}, [], "with a role"),
    (
        "repository_creation_templates",
        {},
        {"a": {**PUSHED, "encryptionConfiguration": {"encryptionType": "KMS"}}},
        {"registry_policy": {"s": OPEN}},
        ["TEMPLATE_NEEDS_CUSTOM_ROLE", "CREATE_ON_PUSH_OPEN_TO_ALL"],
        "KMS, and anyone may create",
    ),
    (
        "repository_creation_templates",
        {},
        {"a": PUSHED},
        {"registry_policy": {"s": {**OPEN, "Condition": {"x": {}}}}},
        [],
        "bounded",
    ),
    ("repository_creation_templates", {"a": PUSHED}, {}, {"registry_policy": {"s": OPEN}}, [], "removed"),
    ("account_settings", {}, {"REGISTRY_POLICY_SCOPE": "V2"}, {}, ["SCOPE_V2_IRREVERSIBLE"], "no way back"),
    ("account_settings", {}, {"BLOB_MOUNTING": "ENABLED"}, {}, [], "another switch"),
    (
        "account_settings",
        {"REGISTRY_POLICY_SCOPE": "V1"},
        {"REGISTRY_POLICY_SCOPE": "V2"},
        {"registry_policy": {"s": DENY}},
        ["SCOPE_V2_IRREVERSIBLE", "POLICY_DENY_MAY_LOCK_OUT"],
        "the Deny becomes binding",
    ),
    (
        "scanning_configuration",
        {},
        {"scanType": "ENHANCED"},
        {},
        ["ENHANCED_SCANNING_ENABLED", "SCAN_TYPE_CHANGED"],
        "cost, Inspector's role, hidden findings",
    ),
    ("scanning_configuration", {"scanType": "ENHANCED"}, {}, {}, ["SCAN_TYPE_CHANGED"], "back to BASIC"),
    ("scanning_configuration", {}, {"SCAN_ON_PUSH:a": {}}, {}, [], "a rule"),
    ("registry_policy", {}, {"s": {**OPEN, "Action": ["ecr:ReplicateImage"]}}, {}, [], "V1 knows it"),
    ("registry_policy", {}, {"s": OPEN}, {}, ["POLICY_NEEDS_SCOPE_V2"], "nobody declares V2"),
    ("registry_policy", {}, {"s": OPEN}, V1, ["POLICY_NEEDS_SCOPE_V2"], "AWS rejects it"),
    ("registry_policy", {}, {"s": OPEN}, V2, [], "V2 is declared"),
    ("registry_policy", {}, {"s": DENY}, V2, ["POLICY_DENY_MAY_LOCK_OUT"], "a Deny under V2"),
    ("registry_policy", {"s": DENY}, {}, V2, [], "the Deny goes"),
    ("registry_policy", {}, {"s": {**OPEN, "Action": ["ecr:PullImage"]}}, V2, ["POLICY_ACTION_UNKNOWN"], "mistyped"),
    ("registry_policy", {}, {"s": {**OPEN, "Action": ["ecr:Pull*"]}}, V2, ["POLICY_ACTION_UNKNOWN"], "covers none"),
    (
        "registry_policy",
        {},
        {"s": {"Effect": "Deny", "Principal": {"AWS": ["1"]}, "NotAction": ["ecr:Pull"]}},
        V1,
        ["POLICY_ACTION_UNKNOWN", "POLICY_NEEDS_SCOPE_V2"],
        "all but what does not exist",
    ),
    ("registry_policy", {}, {"s": {**OPEN, "Action": ["ECR:getimagecopystatus"]}}, V2, [], "no operation, and known"),
    ("registry_policy", {"s": OPEN}, {"s": OPEN}, V2, [], "nothing changes"),
]


@pytest.mark.parametrize(("name", "observed", "desired", "context", "expected", "reason"), WARNED)
def test_plan_warnings_match_table(
    name: str, observed: Any, desired: Any, context: Any, expected: list[str], reason: str
) -> None:
    setting = SETTINGS[name]
    warnings = setting.warnings(plan(setting, desired, observed, observed), REGISTRY, context)
    assert [warning.reason for warning in warnings] == expected, reason
    assert all(warning.subject and warning.message for warning in warnings), reason


@pytest.mark.parametrize(
    ("actions", "needed", "reason"),
    [
        (["ecr:ReplicateImage", "ecr:createrepository", "ecr:BatchImportUpstreamImage"], False, "what V1 knows"),
        (["ecr:*"], False, "accepted under both"),
        (["ecr:BatchGetImage"], True, "V2 only"),
        (["ecr:Batch*"], True, "covers more than V1 knows"),
    ],
)
def test_only_actions_beyond_v1_require_scope_v2(actions: list[str], needed: bool, reason: str) -> None:
    assert needs_scope_v2({"s": {"Effect": "Allow", "Action": actions}}) is needed, reason


SIGNER = "arn:aws:signer:us-east-1:111111111111:/signing-profiles/profile_a"
REGISTRY_ELEMENTS: dict[str, dict[str, Any]] = {
    "repository_creation_templates": {"ROOT": PUSHED, "prod": PUSHED, "prod/db": PUSHED},
    "pull_through_cache_rules": {
        "dh": {"upstreamRegistryUrl": "registry-1.docker.io"},
        "dh/lib": {"upstreamRegistryUrl": "registry-1.docker.io", "upstreamRepositoryPrefix": "library"},
    },
    "replication_configuration": {PAIR.replace("a-", "prod"): OFF, ABROAD: OFF, PAIR.replace("a-", "prod/z"): OFF},
    "scanning_configuration": {"SCAN_ON_PUSH:prod*": {}, "SCAN_ON_PUSH:api": {}, "CONTINUOUS_SCAN:prod/db*": {}},
    "signing_configuration": {f"{SIGNER} prod/*": {}, f"{SIGNER} db": {}},
    "pull_time_update_exclusions": {"arn:aws:iam::111111111111:role/scanner": {}},
}
EXPLAINED: list[tuple[str, str, Any, str]] = [
    ("prod/api", "repository_creation_template", "prod", "most specific"),
    ("prod/db/x", "repository_creation_template", "prod/db", "most specific of several"),
    ("prod", "repository_creation_template", "ROOT", "a prefix ends in / by implication"),
    ("other", "repository_creation_template", "ROOT", "the rest"),
    ("dh/nginx", "pull_through_cache_rule", "dh", "most specific"),
    ("dh/lib/nginx", "pull_through_cache_rule", "dh/lib", "most specific of several"),
    ("other", "pull_through_cache_rule", None, "no ROOT rule"),
    ("dh/a/nginx", "upstream_repository", "a/nginx", "the upstream's name"),
    ("dh/lib/nginx", "upstream_repository", "library/nginx", "under the upstream's prefix"),
    ("production", "replication_pairs", [PAIR.replace("a-", "prod"), ABROAD], "literal prefix, and all"),
    ("dev", "replication_pairs", [ABROAD], "all"),
    ("prod-api", "scanning_rules", ["SCAN_ON_PUSH:api", "SCAN_ON_PUSH:prod*"], "contains without *, anchored with"),
    ("x-prod", "scanning_rules", [], "anchored"),
    ("prod/db-1", "scan_frequency", "CONTINUOUS_SCAN", "continuous wins"),
    ("prod-api", "scan_frequency", "SCAN_ON_PUSH", "on push"),
    ("dev", "scan_frequency", "MANUAL", "what BASIC leaves out"),
    ("prod/x/y", "signing_rules", [f"{SIGNER} prod/*"], "* passes /"),
    ("db", "signing_rules", [f"{SIGNER} db"], "no * is the whole name"),
    ("x", "pull_time_update_exclusions", ["arn:aws:iam::111111111111:role/scanner"], "everywhere"),
]


@pytest.mark.parametrize(("repository", "member", "expected", "reason"), EXPLAINED)
def test_settings_match_repositories_by_own_filters(repository: str, member: str, expected: Any, reason: str) -> None:
    matched = getattr(finish(explaining(repository, REGISTRY_ELEMENTS)), member)
    if isinstance(matched, tuple):
        matched = [reference.key for reference in matched]
    assert (matched.key if isinstance(matched, Reference) else matched) == expected, reason


def test_repository_without_rule_is_scanned_manually_or_never() -> None:
    nothing = Explanation(None, (), "MANUAL", (), None, None, (), ())
    assert finish(explaining("x", {})) == nothing
    enhanced = finish(explaining("x", split_all({"scanning_configuration": {"scanType": "ENHANCED"}})))
    assert enhanced.scan_frequency is None


def test_root_cache_rule_uses_full_name() -> None:
    rules = {"pull_through_cache_rules": {"ROOT": {"upstreamRegistryUrl": "quay.io"}}}
    assert finish(explaining("a/b", rules)).upstream_repository == "a/b"


@pytest.mark.parametrize(
    ("pattern", "text", "expected", "reason"),
    [
        ("", "", True, "nothing is nothing"),
        ("*", "", True, "a star may match nothing"),
        ("a*b", "ab", True, "within, too"),
        ("a*b*c", "aXbXbc", True, "each star has its own text"),
        ("a*b", "abc", False, "the end counts"),
        ("?", "a", False, "a question mark is one"),
        ("a", "", False, "a character must be there"),
        ("**a", "ba", True, "two stars are one"),
        ("*a*a*a*a*a*a*a*b", "a" * 5000, False, "many stars take no time"),
    ],
)
def test_star_matches_any_text_and_others_themselves(pattern: str, text: str, expected: bool, reason: str) -> None:
    assert globs.matches(pattern, text) is expected, reason


def test_iam_question_mark_matches_one_character() -> None:
    assert globs.matches("us-?ast-*", "us-east-1", single=True)
    assert not globs.matches("?", "", single=True)
