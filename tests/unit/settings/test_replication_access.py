"""Compare a destination's registry policy with the filters that a source uses."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.arrivals import Outcome
from ecrkeeper_server.settings.replication_access import Check, Destination, checking, explaining_arrival
from ecrkeeper_server.settings.setting import Warning
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.turns import finish
from hypothesis import given, settings
from hypothesis import strategies as st

from .shapes import REGISTRY

HERE, THERE = REGISTRY, RegistryName("222222222222", "us-west-2")
OWN = RegistryName("111111111111", "us-west-2")
ARN = "arn:aws:ecr:us-west-2:222222222222:repository/"
ELSEWHERE = ["arn:aws:ecr:us-east-1:222222222222:repository/*"]
TAGGED = {"appliedFor": ["REPLICATION"], "resourceTags": [{"Key": "a", "Value": "b"}]}
PLAIN = {"appliedFor": ["REPLICATION"]}
SERVICE_ROLE = (
    "arn:aws:iam::111111111111:role/aws-service-role/replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication"
)
A_ROLE = "arn:aws:iam::111111111111:role/replicator"

NOT_ALLOWED, WRONG = "DESTINATION_POLICY_NOT_ALLOWED", "DESTINATION_POLICY_WRONG_RESOURCE"
DENIES, CONDITIONAL = "DESTINATION_POLICY_DENIES", "DESTINATION_POLICY_CONDITIONAL"
OTHERS, PRINCIPAL = "DESTINATION_POLICY_OTHER_REPOSITORIES", "DESTINATION_POLICY_PRINCIPAL_UNCERTAIN"
MISSING, TEMPLATE = "DESTINATION_POLICY_MISSING", "DESTINATION_TEMPLATE_UNUSABLE"

ALL, EXISTING, NOTHING, UNKNOWN = Outcome
# The work that one survey may cost.
WORK = 20_000
NAMES = ["aa", "ab", "ba", "bb", "a/a", "a/b", "b/a", "a/b/a", "a/b/b", "aab", "bab", "b/a/b", "aa/bb", "abab", "b/bb"]


def check(destination: Destination, filters: Collection[str]) -> Check:
    return finish(checking(destination, filters))


def explain_arrival(destination: Destination, repository: str) -> tuple[Outcome, tuple[Warning, ...]]:
    return finish(explaining_arrival(destination, repository))


def statement(**members: Any) -> dict[str, Any]:
    """Return the statement that AWS documents, with other members; None removes one."""
    usual = {
        "Sid": "repl",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
        "Resource": [f"{ARN}*"],
    }
    return {name: value for name, value in {**usual, **members}.items() if value is not None}


def denied(*repositories: str, **members: Any) -> dict[str, Any]:
    resources = [f"{ARN}{name}" for name in repositories] or "*"
    return statement(**{"Sid": "deny", "Effect": "Deny", "Principal": "*", "Resource": resources, **members})


def on(*repositories: str, **members: Any) -> dict[str, Any]:
    return statement(Resource=[f"{ARN}{name}" for name in repositories], **members)


def destination(
    *statements: dict[str, Any], name: RegistryName = THERE, scope: str | None = "V2", templates: Any = None
) -> Destination:
    policy = (
        SETTINGS["registry_policy"].split({"policyText": json.dumps({"Statement": list(statements)})})
        if statements
        else {}
    )
    return Destination(HERE, name, policy, scope, templates or {})


def outcomes(check: Check) -> dict[Outcome, tuple[tuple[str, ...], tuple[str, ...]]]:
    return {arrival.outcome: (arrival.whole, arrival.partial) for arrival in check.arrivals}


# statements, filters, result, outcomes, reasons, reason
COMPARED: list[tuple[list[dict[str, Any]], list[str], str, list[Outcome], list[str], str]] = [
    ([statement()], [""], "OK", [ALL], [], "root ARN, both actions, every repository"),
    ([statement(Principal={"AWS": "111111111111"})], [""], "OK", [ALL], [], "an account id is its root ARN"),
    ([statement(Principal="*", Action="ecr:*", Resource="*")], [""], "OK", [ALL], [], "wildcards"),
    ([statement(Action=["ecr:Repl*", "ECR:createrepository"])], [""], "OK", [ALL], [], "wildcards and case"),
    ([statement(Resource=None)], [""], "OK", [ALL], [], "no Resource is the registry itself"),
    ([statement(Resource="arn:aws:ecr:*:222222222222:repository/*")], [""], "OK", [ALL], [], "any Region"),
    ([statement(Resource="arn:aws:ecr:*")], [""], "OK", [ALL], [], "a last star goes beyond colons"),
    ([statement(Action=None, NotAction="ecr:Delete*")], [""], "OK", [ALL], [], "all but"),
    ([statement(Principal=None, NotPrincipal={"AWS": "333333333333"})], [""], "OK", [ALL], [], "all but another"),
    ([on("dev-*")], ["dev-"], "OK", [ALL], [], "exactly the filter"),
    ([on("dev-?*")], ["dev-"], "OK", [ALL], [], "no name ends with a hyphen"),
    ([on("dev-*"), on("prod-*", Sid="b")], ["dev-", "prod-"], "OK", [ALL], [], "two statements"),
    ([on("d*")], ["dev-", "dev-a", "db"], "OK", [ALL], [], "wider than every filter"),
    ([], [""], "BROKEN", [NOTHING], [MISSING], "no policy"),
    ([on("prod-*")], ["dev-"], "BROKEN", [NOTHING], [OTHERS, OTHERS], "other repositories only"),
    ([on("DEV-*")], ["dev-"], "BROKEN", [NOTHING], [OTHERS, OTHERS], "no name has capitals"),
    ([statement(NotResource=f"{ARN}dev-*", Resource=None)], ["dev-"], "BROKEN", [NOTHING], [OTHERS] * 2, "all but"),
    (
        [statement(Principal={"AWS": "333333333333"})],
        [""],
        "BROKEN",
        [NOTHING],
        [NOT_ALLOWED, NOT_ALLOWED],
        "another account",
    ),
    ([statement(Action="ecr:CreateRepository")], [""], "BROKEN", [NOTHING], [NOT_ALLOWED], "creating is not enough"),
    ([statement(Resource=ELSEWHERE)], [""], "BROKEN", [NOTHING], [WRONG, WRONG], "AWS accepts it, images fail"),
    (
        [statement(Resource="arn:aws:us-west-2:222222222222:repository/*")],
        [""],
        "BROKEN",
        [NOTHING],
        [WRONG] * 2,
        "`ecr` missing",
    ),
    ([statement(), denied()], [""], "BROKEN", [NOTHING], [DENIES, DENIES], "an explicit Deny wins"),
    ([statement(), denied("dev-*")], ["dev-a"], "BROKEN", [NOTHING], [DENIES, DENIES], "all of the filter denied"),
    ([statement(), denied(Principal={"AWS": "333333333333"})], [""], "OK", [ALL], [], "another is denied"),
    ([statement(), denied(Resource=ELSEWHERE)], [""], "OK", [ALL], [], "denied elsewhere"),
    ([statement(), denied("prod-*")], ["dev-"], "OK", [ALL], [], "others are denied"),
    ([statement(), denied("*--*")], [""], "OK", [ALL], [], "no repository has such a name"),
    ([statement(), denied(Principal={"AWS": A_ROLE})], [""], "OK", [ALL], [], "ECR does not replicate as that role"),
    ([on("dev-a*")], ["dev-"], "CONDITIONAL", [ALL, NOTHING], [OTHERS, OTHERS], "some of a filter"),
    ([on("dev-*")], ["dev-", "prod-"], "CONDITIONAL", [ALL, NOTHING], [OTHERS, OTHERS], "one of two filters"),
    ([on("prod-*")], [""], "CONDITIONAL", [ALL, NOTHING], [OTHERS, OTHERS], "some of all"),
    ([statement(), denied("secret/*")], [""], "CONDITIONAL", [ALL, NOTHING], [DENIES, DENIES], "denied for some"),
    ([statement(Action="ecr:ReplicateImage")], [""], "CONDITIONAL", [EXISTING], [NOT_ALLOWED], "none is created"),
    (
        [on("prod-*", Action="ecr:ReplicateImage")],
        ["prod-"],
        "CONDITIONAL",
        [EXISTING],
        [NOT_ALLOWED],
        "of a prefix, those that exist",
    ),
    (
        [statement(Action="ecr:ReplicateImage"), on("new-*", Sid="b", Action="ecr:CreateRepository")],
        ["new-", "old-"],
        "CONDITIONAL",
        [ALL, EXISTING],
        [OTHERS],
        "creation for one filter",
    ),
    (
        [statement(), denied("a*", Action="ecr:CreateRepository")],
        ["a"],
        "CONDITIONAL",
        [EXISTING],
        [DENIES],
        "creation is denied",
    ),
    (
        [statement(Condition={"StringEquals": {"a": "b"}})],
        [""],
        "UNKNOWN",
        [UNKNOWN],
        [CONDITIONAL, CONDITIONAL],
        "conditions are not evaluated",
    ),
    (
        [statement(), denied(Condition={"Bool": {"a": "true"}})],
        [""],
        "UNKNOWN",
        [UNKNOWN],
        [CONDITIONAL, CONDITIONAL],
        "a Deny that may count",
    ),
    (
        [statement(Resource=f"{ARN}${{aws:PrincipalTag/team}}-*")],
        [""],
        "UNKNOWN",
        [NOTHING, UNKNOWN],
        [OTHERS, OTHERS, CONDITIONAL, CONDITIONAL],
        "a variable matches any text",
    ),
    (
        [on("dev-*"), statement(Sid="b", Condition={"StringEquals": {"a": "b"}})],
        ["dev-", "prod-"],
        "UNKNOWN",
        [ALL, UNKNOWN],
        [CONDITIONAL, CONDITIONAL],
        "the rest may arrive as well",
    ),
    (
        [on("a*"), denied("ab*", Sid="c"), on("b*", Sid="d", Condition={"StringEquals": {"a": "b"}})],
        ["a", "b"],
        "CONDITIONAL",
        [ALL, NOTHING, UNKNOWN],
        [DENIES, DENIES, CONDITIONAL, CONDITIONAL],
        "some arrive, some do not, the rest is unknown",
    ),
    ([statement(Principal={"AWS": A_ROLE})], [""], "UNKNOWN", [UNKNOWN], [PRINCIPAL] * 2, "a role may be enough"),
    ([statement(Principal={"AWS": SERVICE_ROLE})], [""], "UNKNOWN", [UNKNOWN], [PRINCIPAL] * 2, "ECR's own role"),
    (
        [statement(Principal={"AWS": "AROAQ3EGTEXAMPLE1234"})],
        [""],
        "UNKNOWN",
        [UNKNOWN],
        [PRINCIPAL] * 2,
        "an id does not say whose it is",
    ),
    (
        [statement(Principal={"Service": "replication.ecr.amazonaws.com"})],
        [""],
        "UNKNOWN",
        [UNKNOWN],
        [PRINCIPAL] * 2,
        "the service itself",
    ),
    (
        [statement(Principal={"AWS": "arn:aws:iam::333333333333:role/x"})],
        [""],
        "BROKEN",
        [NOTHING],
        [NOT_ALLOWED] * 2,
        "a role of another account",
    ),
    (
        [statement(), denied(Principal={"AWS": SERVICE_ROLE})],
        [""],
        "UNKNOWN",
        [UNKNOWN],
        [PRINCIPAL] * 2,
        "ECR's own role is denied",
    ),
    (
        [on("prod-*", Principal={"AWS": A_ROLE})],
        ["dev-"],
        "BROKEN",
        [NOTHING],
        [OTHERS] * 2,
        "any role",
    ),
]


@pytest.mark.parametrize(("statements", "filters", "result", "expected", "reasons", "reason"), COMPARED)
def test_policy_is_compared_with_the_filters(
    statements: list[dict[str, Any]],
    filters: list[str],
    result: str,
    expected: list[Outcome],
    reasons: list[str],
    reason: str,
) -> None:
    access = check(destination(*statements), filters)
    assert access.result == result, reason
    assert set(outcomes(access)) == set(expected), reason
    assert sorted(finding.reason for finding in access.findings) == sorted(reasons), reason


def test_arrivals_name_filters_and_example() -> None:
    access = check(destination(on("dev-a*", "prod-*")), ["dev-", "prod-", "prod-eu", "test-"])
    assert outcomes(access) == {ALL: (("prod-",), ("dev-",)), NOTHING: (("test-",), ("dev-",))}
    assert [arrival.example for arrival in access.arrivals] == ["dev-a", "dev-b"]
    assert "dev-a*" in access.findings[0].message
    assert "'dev-b'" in access.findings[0].message


def test_wrong_resource_names_both_regions() -> None:
    access = check(destination(statement(Resource=ELSEWHERE)), [""])
    assert "us-east-1" in access.findings[0].message
    assert "us-west-2" in access.findings[0].message


OWN_X = "arn:aws:ecr:us-west-2:111111111111:repository/x/*"


@pytest.mark.parametrize(
    ("target", "result", "reasons", "reason"),
    [
        (destination(name=OWN), "OK", [], "own account needs no policy"),
        (destination(denied(), name=OWN, scope="V1"), "OK", [], "V1 binds no own calls"),
        (destination(denied(), name=OWN), "BROKEN", [DENIES, DENIES], "V2 does"),
        (destination(denied("x*"), name=OWN), "OK", [], "repositories of another account are denied"),
        (destination(denied(Resource=OWN_X), name=OWN), "CONDITIONAL", [DENIES, DENIES], "V2 denies some"),
        (destination(on("x*"), name=OWN), "OK", [], "an Allow takes nothing away"),
        (destination(statement(), templates={"x": TAGGED}), "CONDITIONAL", [TEMPLATE], "tags and no role"),
        (destination(statement(), templates={"ROOT": TAGGED}), "CONDITIONAL", [TEMPLATE], "for all repositories"),
        (destination(statement(), templates={"y": TAGGED}), "OK", [], "a template of other repositories"),
        (
            destination(statement(), templates={"ROOT": TAGGED, "x": PLAIN}),
            "CONDITIONAL",
            [TEMPLATE],
            "`xz` has no other",
        ),
        (destination(statement(), templates={"x": PLAIN, "x/y": {**TAGGED, "customRoleArn": "r"}}), "OK", [], "a role"),
        (
            destination(statement(), templates={"x": {**TAGGED, "appliedFor": ["CREATE_ON_PUSH"]}}),
            "OK",
            [],
            "not for replication",
        ),
        (
            destination(name=RegistryName("222222222222", "cn-north-1")),
            "BROKEN",
            ["DESTINATION_OTHER_PARTITION", MISSING],
            "China",
        ),
    ],
)
def test_scope_partition_and_templates_are_considered(
    target: Destination, result: str, reasons: list[str], reason: str
) -> None:
    access = check(target, ["x/", "xz"])
    assert (access.result, [finding.reason for finding in access.findings]) == (result, reasons), reason


def test_filter_without_names_replicates_nothing() -> None:
    access = check(destination(statement()), ["a--"])
    assert (access.result, access.findings[0].reason) == ("BROKEN", "REPLICATION_FILTER_MATCHES_NOTHING")
    assert check(destination(statement()), ["a--", "b"]).result == "OK"


def test_message_names_few_filters() -> None:
    access = check(destination(statement()), [f"-{at:04}".ljust(256, "x") for at in range(2_500)])
    assert access.findings[0].message.endswith("and 2495 more")
    assert len(access.findings[0].message) < 2_000


SPREAD = [f"*{letter}*{at:02}*" for letter in "abcx" for at in range(8)]
NESTED = [f"{at:05}-*" for at in range(1_000)]
LARGEST = [
    ([statement()], 0, "OK", "every repository is allowed, so no name is compared"),
    ([on(*NESTED)], WORK, "CONDITIONAL", "long filters begin with short resources"),
    ([on(*SPREAD)], WORK, "UNKNOWN", "each resource may begin anywhere"),
]


@pytest.mark.parametrize(("statements", "limit", "result", "reason"), LARGEST, ids=[row[-1] for row in LARGEST])
@pytest.mark.parametrize("length", [8, 256])
def test_work_of_largest_check_is_bounded(
    statements: list[dict[str, Any]], limit: int, result: str, reason: str, length: int
) -> None:
    filters = [f"{at:05}-".ljust(length, "x") for at in range(2_500)]
    # No other survey has this statement, so that none is cached.
    statements = [{**each, "Sid": f"{reason} {length}".title().replace(" ", "")} for each in statements]
    with counting() as calls:
        access = check(destination(*statements), filters)
    assert access.result == result
    assert calls["_step"] <= limit, reason
    # The functions that are called for each step or filter are called once or twice.
    assert max(calls.values()) <= 2 * (limit + len(filters)), calls.most_common(3)


def test_destinations_with_one_policy_are_compared_once() -> None:
    filters = frozenset(f"{at:05}-" for at in range(2_500))
    with counting() as calls:
        for at in range(5):
            name = RegistryName(str(222_222_222_200 + at), THERE.region)
            assert check(destination(statement(Sid="same", Resource="*"), name=name), filters).result == "OK"
    # A generator is called for each filter, and once more for each pause.
    assert len(filters) <= calls["finding_sets"] <= 2 * len(filters)


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Count the calls of functions by name."""
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call":
            calls[frame.f_code.co_name] += 1

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def test_complex_policy_is_unknown_except_per_repository() -> None:
    target = destination(on(*(f"*{letter}*" for letter in "abcdefghijklmnopqrstuvwxyz")))
    access = check(target, ["0", "1"])
    assert (access.result, access.findings[0].reason) == ("UNKNOWN", "DESTINATION_POLICY_TOO_COMPLEX")
    assert outcomes(access) == {UNKNOWN: (("0", "1"), ())}
    assert explain_arrival(target, "0-a") == (ALL, ())
    assert explain_arrival(target, "0-1")[0] is NOTHING


@pytest.mark.parametrize(
    ("repository", "expected", "reasons", "reason"),
    [
        ("dev-a", ALL, [], "allowed"),
        ("prod-a", NOTHING, [OTHERS, OTHERS], "not allowed"),
        ("dev-secret", NOTHING, [DENIES, DENIES], "denied"),
        ("old/a", EXISTING, [OTHERS], "not created"),
        ("dev-t/a", EXISTING, [TEMPLATE], "the template cannot be used"),
        ("perhaps", UNKNOWN, [CONDITIONAL, CONDITIONAL], "by a condition"),
    ],
)
def test_single_repository_is_explained(repository: str, expected: Outcome, reasons: list[str], reason: str) -> None:
    target = destination(
        on("dev-*"),
        on("old/*", Sid="b", Action="ecr:ReplicateImage"),
        on("perhaps", Sid="c", Condition={"StringEquals": {"a": "b"}}),
        denied("*secret*"),
        templates={"dev-t": TAGGED},
    )
    outcome, findings = explain_arrival(target, repository)
    assert (outcome, [finding.reason for finding in findings]) == (expected, reasons), reason
    assert all(f"'{repository}'" in finding.message for finding in findings), reason


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Allow", "Deny"]),
            st.sampled_from(["ecr:ReplicateImage", "ecr:CreateRepository", "ecr:*"]),
            st.sampled_from(["Resource", "NotResource"]),
            st.lists(st.text("ab/*?", min_size=1, max_size=3), min_size=1, max_size=2),
            st.booleans(),
        ),
        min_size=1,
        max_size=4,
    ),
    st.lists(st.text("ab/", max_size=2), min_size=1, max_size=2),
    st.lists(st.sampled_from(["ROOT", "a", "a/b", "b"]), max_size=3, unique=True),
)
@settings(max_examples=300)
def test_survey_agrees_with_single_repositories(
    drawn: list[tuple[str, str, str, list[str], bool]], filters: list[str], templates: list[str]
) -> None:
    statements = [
        statement(
            Sid=f"s{i}", Effect=effect, Action=action,
            **{"Resource": None, member: [ARN + text for text in texts]},
            Condition={"StringEquals": {"a": "b"}} if conditional else None,
        )
        for i, (effect, action, member, texts, conditional) in enumerate(drawn)
    ]  # fmt: skip
    target = destination(*statements, templates={name: PLAIN if i % 2 else TAGGED for i, name in enumerate(templates)})
    access = check(target, filters)
    names = [name for name in NAMES if name.startswith(tuple(filters))]
    assert {explain_arrival(target, name)[0] for name in names} <= set(outcomes(access))
    for arrival in access.arrivals:
        assert explain_arrival(target, arrival.example)[0] is arrival.outcome
        assert all(
            explain_arrival(target, name)[0] is arrival.outcome
            for covered in arrival.whole
            for name in names
            if name.startswith(covered)
        )
