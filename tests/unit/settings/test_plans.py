"""Plans and calls for given desired, applied and observed settings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ecrkeeper_server.settings.algebra import Composition, Conflict, compose, plan
from ecrkeeper_server.settings.elements import ChangeKind, diff
from ecrkeeper_server.settings.plan import DriftKind
from ecrkeeper_server.settings.table import SETTINGS, split_all, unknown_members
from ecrkeeper_server.turns import finish

POLICY, REPLICATION, RULES = "registry_policy", "replication_configuration", "pull_through_cache_rules"
TEMPLATES, SCANNING, ACCOUNT = "repository_creation_templates", "scanning_configuration", "account_settings"
SIGNING, EXCLUSIONS = "signing_configuration", "pull_time_update_exclusions"
OFF, ON = {"deleteReplication": False}, {"deleteReplication": True}
WEST, EAST = "111111111111/us-west-2:", "111111111111/us-east-2:"
ROLE = "arn:aws:iam::111111111111:role/scanner"
PUBLIC, QUAY = {"upstreamRegistryUrl": "public.ecr.aws"}, {"upstreamRegistryUrl": "quay.io"}
PLAIN = {"appliedFor": ["REPLICATION"]}


def replicated(*filters: str, **members: Any) -> dict[str, Any]:
    rule = {"destinations": [{"region": "us-west-2", "registryId": "111111111111"}], **members}
    return {"rules": [{**rule, "repositoryFilters": [{"filter": f, "filterType": "PREFIX_MATCH"} for f in filters]}]}


def rule(prefix: str, **members: Any) -> dict[str, Any]:
    return {"ecrRepositoryPrefix": prefix, **members}


def template(prefix: str, **members: Any) -> dict[str, Any]:
    return {"prefix": prefix, **PLAIN, **members}


def scanned(kind: str | None, **frequencies: list[str]) -> dict[str, Any]:
    rules = [{"scanFrequency": f, "repositoryFilters": [{"filter": t} for t in ts]} for f, ts in frequencies.items()]
    return {**({"scanType": kind} if kind else {}), "rules": rules}


def calls(name: str, desired: Any, applied: Any, observed: Any, *, prune: bool = False) -> list[tuple[str, Any]]:
    setting = SETTINGS[name]
    planned = plan(setting, *(setting.split(shape) for shape in (desired, applied, observed)), prune=prune)
    return [(call.operation, call.params) for call in finish(setting.calling(planned, observed))]


LIFECYCLE = {"rules": [{"rulePriority": p, "selection": {"tagPrefixList": ["a", "b"]}} for p in (1, 2)]}
REORDERED = {"rules": [{"selection": {"tagPrefixList": ["b", "a"]}, "rulePriority": p} for p in (2, 1)]}
EQUIVALENT: list[dict[str, Any]] = [
    {"Sid": "s", "Effect": "Allow", "Principal": "*", "Action": ["ecr:A", "ecr:B"], "Resource": ["*"]},
    {"Resource": "*", "Action": ["ecr:B", "ecr:A"], "Principal": {"AWS": "*"}, "Effect": "Allow", "Sid": "s"},
]

UNCHANGED: list[tuple[str, Any, Any, str]] = [
    (REPLICATION, replicated("p-"), replicated("p-", deleteReplication={"enabled": False}), "AWS may echo false"),
    (REPLICATION, replicated("a-", "b-"), {"rules": replicated("b-")["rules"] + replicated("a-")["rules"]}, "packing"),
    (SCANNING, {"rules": []}, {"scanType": "BASIC", "rules": []}, "AWS always says BASIC"),
    (SCANNING, {"scanType": "BASIC"}, {}, "BASIC is what it is anyway"),
    (
        SCANNING,
        scanned("ENHANCED", SCAN_ON_PUSH=["*"], CONTINUOUS_SCAN=["example"]),
        scanned("ENHANCED", CONTINUOUS_SCAN=["example"], SCAN_ON_PUSH=["*"]),
        "order of rules",
    ),
    (RULES, {"rules": [rule("a/", **PUBLIC)]}, {"rules": [rule("a", **PUBLIC)]}, "trailing /"),
    (
        RULES,
        {"rules": [rule("a", **PUBLIC)]},
        {"rules": [rule("a", **PUBLIC, upstreamRegistry="ecr-public", upstreamRepositoryPrefix="ROOT")]},
        "AWS fills in what the URL says, and ROOT",
    ),
    (
        TEMPLATES,
        {"templates": [template("a")]},
        {
            "templates": [
                template(
                    "a",
                    description="",
                    lifecyclePolicy="",
                    customRoleArn="",
                    resourceTags=[],
                    encryptionConfiguration={"encryptionType": "AES256"},
                    imageTagMutability="MUTABLE",
                )
            ]
        },
        "AWS echoes its defaults and empty members",
    ),
    (
        TEMPLATES,
        {"templates": [template("a", lifecyclePolicy=json.dumps(LIFECYCLE))]},
        {"templates": [template("a", lifecyclePolicy=json.dumps(REORDERED, indent=1))]},
        "rules and tag lists have no order",
    ),
    (
        TEMPLATES,
        {"templates": [template("a", repositoryPolicy=json.dumps({"Statement": EQUIVALENT}))]},
        {"templates": [template("a", repositoryPolicy=json.dumps({"Statement": EQUIVALENT[::-1]}))]},
        "statements have no order",
    ),
    (
        POLICY,
        {"policyText": json.dumps({"Statement": EQUIVALENT[0]})},
        {"policyText": json.dumps({"Version": "2012-10-17", "Statement": [EQUIVALENT[1]]}, indent=2)},
        "scalar or list, order, * in two forms",
    ),
    (ACCOUNT, {"settings": [{"name": "BLOB_MOUNTING", "value": "DISABLED"}]}, {"settings": []}, "the default"),
    (SIGNING, {"rules": []}, {}, "NotFound is no rules"),
]


@pytest.mark.parametrize(("name", "desired", "observed", "reason"), UNCHANGED)
def test_equivalent_values_need_no_call(name: str, desired: Any, observed: Any, reason: str) -> None:
    assert calls(name, desired, {}, observed, prune=True) == [], reason


SECRET_A, SECRET_B = {"credentialArn": "a"}, {"credentialArn": "b"}
EMPTIED = {"description": "", "repositoryPolicy": "", "lifecyclePolicy": "", "customRoleArn": "", "resourceTags": []}
WHOLE = {**PLAIN, "encryptionConfiguration": {"encryptionType": "AES256"}, "imageTagMutability": "MUTABLE"}
FULL = {
    "description": "d",
    "repositoryPolicy": "{}",
    "lifecyclePolicy": "{}",
    "customRoleArn": "r",
    "resourceTags": [{"Key": "k", "Value": "v"}],
}

# setting, desired, applied, observed, calls, reason
CALLED: list[tuple[str, Any, Any, Any, list[tuple[str, Any]], str]] = [
    (
        REPLICATION,
        replicated("mine-"),
        {},
        replicated("theirs-"),
        [("PutReplicationConfiguration", {"replicationConfiguration": replicated("mine-", "theirs-")})],
        "unmanaged pairs stay, in the same rule",
    ),
    (
        REPLICATION,
        {},
        replicated("mine-"),
        replicated("mine-"),
        [("PutReplicationConfiguration", {"replicationConfiguration": {"rules": []}})],
        "a Put of nothing removes",
    ),
    (
        SCANNING,
        {},
        scanned("ENHANCED", SCAN_ON_PUSH=["a"]),
        scanned("ENHANCED", SCAN_ON_PUSH=["a"]),
        [("PutRegistryScanningConfiguration", {"scanType": "BASIC", "rules": []})],
        "reset to AWS's default",
    ),
    (
        SIGNING,
        {},
        {"rules": [{"signingProfileArn": "p"}]},
        {"rules": [{"signingProfileArn": "p"}]},
        [("DeleteSigningConfiguration", {})],
        "deleted, because AWS leaves open what empty rules are",
    ),
    (
        POLICY,
        {"policyText": ""},
        {"policyText": json.dumps({"Statement": EQUIVALENT})},
        {"policyText": json.dumps({"Statement": EQUIVALENT[:1]})},
        [("DeleteRegistryPolicy", {})],
        "the last statement",
    ),
    (
        RULES,
        {"rules": [rule("new", **QUAY), rule("url", **QUAY), rule("cred", **QUAY, **SECRET_B), rule("un", **QUAY)]},
        {"rules": [rule("gone", **QUAY)]},
        {
            "rules": [
                rule("gone/", **QUAY),
                rule("url", **PUBLIC),
                rule("cred/", **QUAY, **SECRET_A),
                rule("un", **QUAY, **SECRET_A),
            ]
        },
        [
            ("DeletePullThroughCacheRule", {"ecrRepositoryPrefix": "gone/"}),
            ("DeletePullThroughCacheRule", {"ecrRepositoryPrefix": "un"}),
            ("CreatePullThroughCacheRule", rule("un", **QUAY, upstreamRegistry="quay")),
            ("DeletePullThroughCacheRule", {"ecrRepositoryPrefix": "url"}),
            ("CreatePullThroughCacheRule", rule("url", **QUAY, upstreamRegistry="quay")),
            ("UpdatePullThroughCacheRule", {"ecrRepositoryPrefix": "cred/", **SECRET_B}),
            ("CreatePullThroughCacheRule", rule("new", **QUAY, upstreamRegistry="quay")),
        ],
        "removals, replacements, updates, creations; prefixes as AWS spells them; an Update cannot unset a secret",
    ),
    (
        TEMPLATES,
        {"templates": [template("a")]},
        {},
        {"templates": [template("a", **FULL)]},
        [("UpdateRepositoryCreationTemplate", {"prefix": "a", **WHOLE, **EMPTIED})],
        "the whole template, and what goes is sent empty",
    ),
    (
        TEMPLATES,
        {"templates": [template("a", description="e")]},
        {},
        {"templates": [template("a", description="d")]},
        [("UpdateRepositoryCreationTemplate", {"prefix": "a", **WHOLE, "description": "e"})],
        "without the mutability an Update would reset it",
    ),
    (
        ACCOUNT,
        {"settings": [{"name": "BLOB_MOUNTING", "value": "ENABLED"}]},
        {"settings": [{"name": "REGISTRY_POLICY_SCOPE", "value": "V2"}]},
        {"settings": [{"name": "REGISTRY_POLICY_SCOPE", "value": "V2"}]},
        [("PutAccountSetting", {"name": "BLOB_MOUNTING", "value": "ENABLED"})],
        "what AWS cannot unset stays as it is",
    ),
    (
        EXCLUSIONS,
        {"principalArns": [ROLE]},
        {"principalArns": [ROLE + "-old"]},
        {"principalArns": [ROLE + "-old"]},
        [
            ("DeregisterPullTimeUpdateExclusion", {"principalArn": ROLE + "-old"}),
            ("RegisterPullTimeUpdateExclusion", {"principalArn": ROLE}),
        ],
        "by ARN",
    ),
]


@pytest.mark.parametrize(("name", "desired", "applied", "observed", "expected", "reason"), CALLED)
def test_setting_changes_use_available_operations(
    name: str, desired: Any, applied: Any, observed: Any, expected: list[tuple[str, Any]], reason: str
) -> None:
    assert calls(name, desired, applied, observed) == expected, reason


# desired, applied, observed, prune, target, unmanaged, changes, drift, reason
PLANNED: list[tuple[Any, Any, Any, bool, Any, Any, list[Any], list[Any], str]] = [
    ({"a": 1}, {}, {}, False, {"a": 1}, {}, [("a", "ADD")], [("a", "MISSING")], "declared and not there"),
    ({"a": 1}, {"a": 1}, {"a": 2}, False, {"a": 1}, {}, [("a", "UPDATE")], [("a", "CHANGED")], "changed by others"),
    ({}, {"a": 1}, {"a": 1}, False, {}, {}, [("a", "REMOVE")], [("a", "UNEXPECTED")], "ours, no longer declared"),
    ({}, {"a": 1}, {"a": 2}, False, {}, {}, [("a", "REMOVE")], [("a", "UNEXPECTED")], "ours, though changed since"),
    ({}, {"a": 1}, {}, False, {}, {}, [], [], "gone already"),
    ({}, {}, {"a": 1}, False, {"a": 1}, {"a": 1}, [], [], "unmanaged, preserved"),
    ({}, {}, {"a": 1}, True, {}, {"a": 1}, [("a", "REMOVE")], [("a", "UNEXPECTED")], "unmanaged, pruned"),
    ({"a": 1}, {}, {"a": 1, "b": 1}, False, {"a": 1, "b": 1}, {"b": 1}, [], [], "declared what was unmanaged: adopted"),
]


@pytest.mark.parametrize(
    ("desired", "applied", "observed", "prune", "target", "unmanaged", "changes", "drift", "reason"), PLANNED
)
def test_plan_follows_desired_applied_and_observed(
    desired: Any,
    applied: Any,
    observed: Any,
    prune: bool,
    target: Any,
    unmanaged: Any,
    changes: Any,
    drift: Any,
    reason: str,
) -> None:
    planned = plan(SETTINGS[EXCLUSIONS], desired, applied, observed, prune=prune)
    assert (planned.target, planned.unmanaged) == (target, unmanaged), reason
    assert [(c.key, c.kind) for c in planned.changes] == changes, reason
    assert [(d.key, d.kind) for d in planned.drift] == drift, reason


def test_default_is_neither_unmanaged_nor_pruned() -> None:
    planned = plan(SETTINGS[SCANNING], {}, {}, {"scanType": "BASIC"}, prune=True)
    assert (planned.unmanaged, planned.changes) == ({}, ())
    planned = plan(SETTINGS[SCANNING], {}, {}, {"scanType": "ENHANCED"}, prune=True)
    assert [(c.kind, c.before, c.after) for c in planned.changes] == [(ChangeKind.UPDATE, "ENHANCED", "BASIC")]
    assert [d.kind for d in planned.drift] == [DriftKind.UNEXPECTED]


def test_diff_marks_replacements() -> None:
    (change,) = diff("s", {"a": 1}, {"a": 2}, lambda before, after: before < after)
    assert (change.kind, change.before, change.after) == (ChangeKind.REPLACE, 1, 2)


def test_compose_shares_equal_values_and_names_conflicts() -> None:
    declared = {
        "team-b": {REPLICATION: {WEST: OFF, EAST: ON}},
        "team-a": {REPLICATION: {WEST: OFF, EAST: OFF}, POLICY: {}},
    }
    assert compose(declared) == Composition(
        {POLICY: {}, REPLICATION: {EAST: OFF, WEST: OFF}},
        {POLICY: {}, REPLICATION: {EAST: ("team-a", "team-b"), WEST: ("team-a", "team-b")}},
        (Conflict(REPLICATION, {EAST}, {"team-a": OFF, "team-b": ON}),),
    )


@pytest.mark.parametrize(
    ("pairs", "rules", "reason"),
    [
        ([("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")], 1, "a full grid is one rule"),
        ([(d, f"only-{d}") for d in "abc"], 3, "nothing in common"),
        ([("a", "")], 1, "all repositories"),
        ([("a", ""), ("a", "x")], 2, "all repositories cannot share a rule"),
        ([("a", ""), ("b", "")], 1, "all repositories to two places"),
        ([("a", f) for f in "xyz"] + [("b", f) for f in "xy"] + [("c", "x")], 3, "either grouping yields three"),
        (
            [(d, f"f{i}") for i in range(30) for d in ("a", "b") if i % 3 or d == "a"],
            2,
            "two places beat thirty filters",
        ),
    ],
)
def test_replication_is_packed_into_few_rules_without_loss(
    pairs: list[tuple[str, str]], rules: int, reason: str
) -> None:
    elements = {f"11111111111{ord(d) - 96}/us-west-2:{f}": OFF for d, f in pairs}
    shape = SETTINGS[REPLICATION].join(elements)
    assert len(shape["rules"]) == rules, reason
    assert SETTINGS[REPLICATION].split(shape) == elements, reason


def test_policy_id_is_kept_when_statements_change() -> None:
    unmanaged, own = ({**EQUIVALENT[0], "Sid": sid} for sid in ("Theirs", "Mine"))
    observed = {"policyText": json.dumps({"Version": "2012-10-17", "Id": "theirs", "Statement": [unmanaged]})}
    desired = {"policyText": json.dumps({"Id": "mine", "Statement": [own]})}
    ((_, params),) = calls(POLICY, desired, {}, observed)
    put = json.loads(params["policyText"])
    assert (put["Id"], [statement["Sid"] for statement in put["Statement"]]) == ("theirs", ["Mine", "Theirs"])


def test_policy_id_exceeding_limit_is_omitted() -> None:
    own = {**EQUIVALENT[0], "Resource": "x" * 10_000}
    desired, identified = {"policyText": json.dumps({"Statement": [own]})}, {"Version": "2012-10-17", "Id": "y" * 300}
    ((_, params),) = calls(POLICY, desired, {}, {"policyText": json.dumps({**identified, "Statement": []})})
    assert "Id" not in json.loads(params["policyText"])


def test_written_policy_is_conventional() -> None:
    statement = {
        "Condition": {"StringEquals": {"aws:x": ["b", "a"]}},
        "Principal": {"AWS": ["222222222222", "arn:aws-cn:iam::333333333333:root"]},
        "Action": "ecr:*",
        "Resource": "arn:aws-cn:ecr:cn-north-1:111111111111:repository/*",
        "Effect": "Allow",
    }
    setting = SETTINGS[POLICY]
    written = setting.join(setting.split({"policyText": json.dumps({"Statement": statement})}))["policyText"]
    assert written == (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws-cn:iam::222222222222:root",'
        '"arn:aws-cn:iam::333333333333:root"]},"Action":["ecr:*"],"Resource":["arn:aws-cn:ecr:cn-north-1:111111111111:'
        'repository/*"],"Condition":{"StringEquals":{"aws:x":["a","b"]}}}]}'
    )
    bare = {"a": {"Effect": "Allow", "Principal": {"AWS": ["222222222222"]}, "Action": ["ecr:*"], "Resource": ["*"]}}
    assert '{"AWS":"222222222222"}' in setting.join(bare)["policyText"]


OBSERVED: list[tuple[str, list[Any], Any, str]] = [
    (REPLICATION, [{"registryId": "1", "replicationConfiguration": {"rules": []}}], {"rules": []}, "never configured"),
    (REPLICATION, [{"registryId": "1", "replicationConfiguration": None}], {}, "null is empty"),
    (POLICY, [None], {}, "no policy"),
    (POLICY, [{"registryId": "1", "policyText": "{}", "ResponseMetadata": {}}], {"policyText": "{}"}, "the text"),
    (SCANNING, [{"scanningConfiguration": {"scanType": "BASIC", "rules": []}}], scanned("BASIC"), "wrapped"),
    (SIGNING, [None], {}, "no configuration"),
    (
        RULES,
        [{"pullThroughCacheRules": [rule("a", **QUAY, createdAt=1, updatedAt=2, registryId="1")]}],
        {"rules": [rule("a", **QUAY)]},
        "without what only AWS sets",
    ),
    (RULES, [None], {"rules": []}, "no rules"),
    (
        TEMPLATES,
        [{"repositoryCreationTemplates": [template("a", createdAt=1)]}],
        {"templates": [template("a")]},
        "list",
    ),
    (EXCLUSIONS, [{"pullTimeUpdateExclusions": [ROLE]}], {"principalArns": [ROLE]}, "texts"),
    (
        ACCOUNT,
        [None, {"name": "BLOB_MOUNTING", "value": "ENABLED"}, None],
        {"settings": [{"name": "BLOB_MOUNTING", "value": "ENABLED"}]},
        "one answer for each name",
    ),
]


@pytest.mark.parametrize(("name", "responses", "shape", "reason"), OBSERVED)
def test_aws_responses_become_shape_of_setting(name: str, responses: list[Any], shape: Any, reason: str) -> None:
    assert SETTINGS[name].observed(responses) == shape, reason
    assert unknown_members(name, shape) == ([] if "{}" not in str(shape.get("policyText")) else ["policyText"]), reason


VARIABLE = json.dumps({"Statement": [{**EQUIVALENT[0], "Resource": "${x}"}]})
UNKNOWN: list[tuple[str, Any, list[str], str]] = [
    (REPLICATION, {"rules": [{"destinations": [], "roleArn": "x"}]}, ["rules[0].roleArn"], "a new member"),
    (REPLICATION, {"rules": [], "x": 1}, ["x"], "a new member at the top"),
    (REPLICATION, {"rules": {}}, ["rules"], "a new type"),
    (REPLICATION, {"rules": ["x"]}, ["rules[0]"], "a new type within"),
    (SCANNING, {"scanType": "DEEP"}, ["scanType=DEEP"], "a new enum value"),
    (
        TEMPLATES,
        {"templates": [template("a", appliedFor=["OTHER"])]},
        ["templates[0].appliedFor[0]=OTHER"],
        "in a list",
    ),
    (TEMPLATES, {"templates": [template("a", description=None)]}, [], "null is absent"),
    (POLICY, {"policyText": "[" * 99}, ["policyText"], "unreadable"),
    (POLICY, {"policyText": VARIABLE}, ["policyText.Version"], "2012-10-17 would make it a variable"),
    (
        POLICY,
        {"policyText": json.dumps({"Statement": [{**EQUIVALENT[0], "New": 1}], "X": 1})},
        ["policyText.X", "policyText.Statement[0].New"],
        "members that writing would lose",
    ),
]


@pytest.mark.parametrize(("name", "shape", "paths", "reason"), UNKNOWN)
def test_unknown_members_prevent_writes(name: str, shape: Any, paths: list[str], reason: str) -> None:
    assert unknown_members(name, shape) == paths, reason


def test_settings_are_applied_in_safe_order() -> None:
    assert list(SETTINGS) == [ACCOUNT, POLICY, TEMPLATES, RULES, REPLICATION, SCANNING, SIGNING, EXCLUSIONS]
    assert list(split_all({SIGNING: {}, POLICY: {}})) == [POLICY, SIGNING]
