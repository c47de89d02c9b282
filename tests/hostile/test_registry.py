"""An invalid response to a read loses no unmanaged element."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ecrkeeper_server.ecr.answer_limit import MAX_ITEMS
from ecrkeeper_server.settings.json_text import MAX_CHARACTERS
from ecrkeeper_server.settings.table import SETTINGS

from tests.engine.conftest import ACCOUNT, World, holds, reason_of
from tests.hostile.bodies import OTHER, SECRET, assumed, caller, unusable

PROFILE = f"arn:aws:signer:us-east-1:{ACCOUNT}:/signing-profiles/"
PRINCIPAL = f"arn:aws:iam::{ACCOUNT}:role/"


def statement(sid: str) -> dict[str, Any]:
    return {
        "Sid": sid, "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
        "Action": ["ecr:ReplicateImage"], "Resource": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/*",
    }  # fmt: skip


def policy(*sids: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement(sid) for sid in sids]})


def scanning(frequency: str) -> dict[str, Any]:
    return {"scanFrequency": frequency, "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}


# Unmanaged elements: each setting in the form of the simulated AWS's control API.
UNMANAGED = {
    "policyText": policy("theirs"),
    "replicationConfiguration": {"rules": [{"destinations": [{"region": "eu-west-1", "registryId": ACCOUNT}]}]},
    "scanning": {"scanType": "BASIC", "rules": [scanning("SCAN_ON_PUSH")]},
    "pullThroughCacheRules": [{"ecrRepositoryPrefix": "theirs", "upstreamRegistryUrl": "registry.k8s.io"}],
    "templates": [{"prefix": "theirs", "appliedFor": ["REPLICATION"]}],
    "signing": {"rules": [{"signingProfileArn": PROFILE + "theirs"}]},
    "exclusions": [PRINCIPAL + "theirs"],
}
# The owner's declaration beside them.
DECLARED: dict[str, dict[str, Any]] = {
    "account_settings": {"settings": [{"name": "BLOB_MOUNTING", "value": "ENABLED"}]},
    "registry_policy": {"policyText": policy("ours")},
    "repository_creation_templates": {"templates": [{"prefix": "ours", "appliedFor": ["REPLICATION"]}]},
    "pull_through_cache_rules": {"rules": [{"ecrRepositoryPrefix": "ours", "upstreamRegistryUrl": "quay.io"}]},
    "replication_configuration": {"rules": [{"destinations": [{"region": "us-west-2", "registryId": ACCOUNT}]}]},
    "scanning_configuration": {"rules": [scanning("MANUAL")]},
    "signing_configuration": {"rules": [{"signingProfileArn": PROFILE + "ours"}]},
    "pull_time_update_exclusions": {"principalArns": [PRINCIPAL + "ours"]},
}


def theirs(present: dict[str, Any]) -> list[str]:
    """Return the unmanaged elements, including `SCAN_ON_PUSH` and `eu-west-1`."""
    text = json.dumps(present)
    return [word for word in ("SCAN_ON_PUSH", "eu-west-1", *["theirs"] * text.count("theirs")) if word in text]


CASES = [
    (name, read.operation, kind, rule)
    for name, setting in SETTINGS.items()
    for read in setting.reads[:1]
    for kind, rule in unusable("ecr", read.operation)
]


@pytest.mark.parametrize(("name", "operation", "kind", "rule"), CASES, ids=[f"{c[1]}-{c[2]}" for c in CASES])
async def test_put_after_unusable_read_keeps_unmanaged_elements(
    world: World, capsys: pytest.CaptureFixture[str], name: str, operation: str, kind: str, rule: dict[str, Any]
) -> None:
    await world.seed(UNMANAGED)
    before = theirs(await world.present())
    assert len(before) == 7
    await world.declare({name: DECLARED[name]})
    await world.control("POST", "faults", {"kind": "answer", "operation": operation, **rule})
    row = await world.reconcile()
    lasting = {"another account": "WRONG_ACCOUNT", "16 MB": "AWS_ANSWER_TOO_LARGE"}
    assert reason_of(row, "Synced") == lasting.get(kind, "AWS_ANSWER_INVALID")
    assert holds(row, "Blocked") is (kind in lasting)
    assert holds(row, "Degraded") is (kind == "16 MB")
    assert world.aws.writes == []
    await world.control("DELETE", "faults")
    row = await world.resync()
    assert world.aws.writes, "the honest Put"
    assert theirs(await world.present()) == before
    assert holds(row, "Ready")
    output = "".join(capsys.readouterr())
    assert SECRET not in output + json.dumps(row.state)
    assert "Traceback" not in output
    assert "INTERNAL" not in json.dumps(row.state)


@pytest.mark.parametrize(("kind", "rule"), unusable("ecr", "ListReplicationBackfills"))
async def test_unusable_backfill_list_starts_none(world: World, kind: str, rule: dict[str, Any]) -> None:
    from tests.engine.test_reconcile_backfills import METHOD, requested

    operation = await requested(world)
    await world.control("POST", "faults", {"kind": "answer", "operation": "ListReplicationBackfills", **rule})
    await world.reconcile()
    assert METHOD not in world.aws.writes
    await world.control("DELETE", "faults")
    await world.resync()
    assert world.aws.writes == [METHOD]
    assert (await world.operation(operation)).error is None


@pytest.mark.parametrize(("kind", "rule"), unusable("ecr", "StartReplicationBackfill"))
async def test_backfill_is_not_restarted_after_unusable_response(world: World, kind: str, rule: dict[str, Any]) -> None:
    from tests.engine.test_reconcile_backfills import METHOD, requested

    if kind == "another account":
        pytest.skip("the operation ends with WRONG_ACCOUNT")
    operation = await requested(world)
    await world.control("POST", "faults", {"kind": "answer_after", "operation": METHOD, "count": 1, **rule})
    await world.reconcile()
    assert world.aws.writes == [METHOD]
    await world.control("DELETE", "faults")
    await world.resync()
    assert METHOD not in world.aws.writes
    assert "replicationBackfillId" in (await world.operation(operation)).metadata["backfill"]


@pytest.mark.parametrize(("kind", "rule"), unusable("ecr", "ValidatePullThroughCacheRule"))
async def test_unusable_validation_is_reported_without_content(
    world: World, capsys: pytest.CaptureFixture[str], kind: str, rule: dict[str, Any]
) -> None:
    arn = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:ecr-pullthroughcache/hub-abcdef"
    await world.seed({"secrets": [{"name": "ecr-pullthroughcache/hub", "arn": arn, "value": "{}"}]})
    hub = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io", "credentialArn": arn}
    await world.control("POST", "faults", {"kind": "answer", "operation": "ValidatePullThroughCacheRule", **rule})
    await world.declare({"pull_through_cache_rules": {"rules": [hub]}})
    row = await world.reconcile()
    assert row.state["problems"]["pull_through_cache_rules"]["hub"]
    assert SECRET not in json.dumps(row.state) + "".join(capsys.readouterr())


async def test_write_with_unusable_response_is_observed_again(world: World) -> None:
    await world.seed(UNMANAGED)
    await world.declare({"scanning_configuration": DECLARED["scanning_configuration"]})
    rule = {"kind": "answer_after", "operation": "PutRegistryScanningConfiguration", "body": "<html>", "count": 1}
    await world.control("POST", "faults", rule)
    row = await world.reconcile()
    assert reason_of(row, "Synced") == "AWS_ANSWER_INVALID"
    assert row.state["applied"]["scanning_configuration"], "it may have been written, so it stays ours"
    row = await world.resync()
    assert world.aws.writes == []
    assert holds(row, "Ready")


# the response of AssumeRole or GetCallerIdentity, and the reason
STS = [
    *[("AssumeRole", *case) for case in unusable("sts", "AssumeRole")],
    *[("GetCallerIdentity", *case) for case in unusable("sts", "GetCallerIdentity")],
    ("AssumeRole", "a key with a line break", {"body": assumed(ACCOUNT, key="A&#10;SIA")}),
    ("AssumeRole", "no time", {"body": assumed(ACCOUNT, expires="soon")}),
    ("AssumeRole", "a time long ago", {"body": assumed(ACCOUNT, expires="0001-01-01T00:00:00")}),
    ("GetCallerIdentity", "no account", {"body": caller("hunter2")}),
]


@pytest.mark.parametrize(("operation", "kind", "rule"), STS, ids=[f"{c[0]}-{c[1]}" for c in STS])
async def test_unusable_sts_response_yields_no_credentials(
    world: World, capsys: pytest.CaptureFixture[str], operation: str, kind: str, rule: dict[str, Any]
) -> None:
    await world.seed(UNMANAGED)
    await world.declare({"registry_policy": DECLARED["registry_policy"]})
    await world.control("POST", "faults", {"kind": "answer", "operation": operation, **rule})
    since = (await world.control("GET", "requests?since=0"))["next"]
    row = await world.reconcile()
    assert reason_of(row, "Synced") == ("WRONG_ACCOUNT" if kind == "another account" else "AWS_ANSWER_INVALID")
    logged = (await world.control("GET", f"requests?since={since}"))["requests"]
    assert {request["service"] for request in logged} == {"sts"}
    await world.control("DELETE", "faults")
    row = await world.resync()
    assert holds(row, "Ready")
    output = "".join(capsys.readouterr())
    assert SECRET not in output + json.dumps(row.state)
    assert "Traceback" not in output


async def test_credentials_of_other_account_are_not_used(world: World) -> None:
    await world.declare({"registry_policy": DECLARED["registry_policy"]})
    body = assumed(ACCOUNT, key=OTHER)
    await world.control("POST", "faults", {"kind": "answer", "operation": "AssumeRole", "body": body})
    row = await world.reconcile()
    assert reason_of(row, "Blocked") == "WRONG_ACCOUNT"
    metadata = row.state["error"]["metadata"]
    assert (metadata["expected_account"], metadata["actual_account"]) == (ACCOUNT, OTHER)
    logged = (await world.control("GET", "requests?since=0"))["requests"]
    assert "ecr" not in {request["service"] for request in logged}


async def test_circular_list_is_rejected(world: World) -> None:
    await world.seed(UNMANAGED)
    await world.declare({"pull_time_update_exclusions": DECLARED["pull_time_update_exclusions"]})
    body = json.dumps({"pullTimeUpdateExclusions": [], "nextToken": "again"})
    await world.control("POST", "faults", {"kind": "answer", "operation": "ListPullTimeUpdateExclusions", "body": body})
    row = await world.reconcile()
    assert reason_of(row, "Synced") == "AWS_ANSWER_INVALID"
    assert world.aws.writes == []


async def test_setting_with_too_many_items_is_degraded_and_left_alone(world: World) -> None:
    name = "pull_time_update_exclusions"
    await world.seed(UNMANAGED)
    await world.declare({name: DECLARED[name]})
    settled = await world.reconcile()
    body = json.dumps({"pullTimeUpdateExclusions": ["a"] * (MAX_ITEMS + 1)})
    await world.control("POST", "faults", {"kind": "answer", "operation": "ListPullTimeUpdateExclusions", "body": body})
    world.aws.calls.clear()
    await world.declare({name: {"principalArns": []}, "registry_policy": DECLARED["registry_policy"]})
    row = await world.reconcile()
    assert reason_of(row, "Degraded") == reason_of(row, "Blocked") == "AWS_ANSWER_TOO_LARGE"
    assert row.state["observed"][name] == settled.state["observed"][name], "the last answer that could be read"
    assert row.state["applied"][name] == settled.state["applied"][name]
    assert world.aws.writes == ["PutRegistryPolicy"], "other settings go on"


LONG: list[tuple[str, str, dict[str, Any]]] = [
    ("registry_policy", "GetRegistryPolicy", {"policyText": "{" + " " * MAX_CHARACTERS + "}"}),
    (
        "repository_creation_templates",
        "DescribeRepositoryCreationTemplates",
        {"repositoryCreationTemplates": [{"prefix": "theirs", "lifecyclePolicy": "x" * (MAX_CHARACTERS + 1)}]},
    ),
]


@pytest.mark.parametrize(("name", "operation", "answer"), LONG, ids=[each[0] for each in LONG])
async def test_setting_with_too_long_text_is_degraded(
    world: World, name: str, operation: str, answer: dict[str, Any]
) -> None:
    await world.declare({name: DECLARED[name]})
    body = json.dumps(answer)
    await world.control("POST", "faults", {"kind": "answer", "operation": operation, "body": body})
    row = await world.reconcile()
    assert reason_of(row, "Degraded") == "AWS_ANSWER_TOO_LARGE"
    assert world.aws.writes == []
    assert len(json.dumps(row.state)) < 10_000, "none of the answer is stored"


async def test_only_setting_with_too_many_items_is_degraded(world: World) -> None:
    name = "pull_time_update_exclusions"
    await world.declare({name: DECLARED[name]})
    body = json.dumps({"pullTimeUpdateExclusions": ["a"] * (MAX_ITEMS + 1)})
    await world.control("POST", "faults", {"kind": "answer", "operation": "ListPullTimeUpdateExclusions", "body": body})
    row = await world.reconcile()
    assert reason_of(row, "Degraded") == "AWS_ANSWER_TOO_LARGE"
    assert world.aws.writes == []
