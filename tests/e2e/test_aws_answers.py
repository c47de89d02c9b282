"""Output of the aws CLI and boto3 can be declared, and round-trips."""

from __future__ import annotations

import copy
import datetime
import json
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.config
import ecrkeeper
import pytest

from tests import harness
from tests.e2e.live import WAIT_SECONDS, Live, Place, fresh_account

SETTINGS = "ecrkeeper.v1.RegistrySettingsService"
REPORTED = {"registryId", "createdAt", "updatedAt"}
# The commands of the CLI that read a setting, with its name.
COMMANDS = {
    "get-registry-policy": "registryPolicy",
    "describe-registry": "replicationConfiguration",
    "get-registry-scanning-configuration": "scanningConfiguration",
    "describe-pull-through-cache-rules": "pullThroughCacheRules",
    "describe-repository-creation-templates": "repositoryCreationTemplates",
    "get-account-setting --name BLOB_MOUNTING": "accountSettings",
    "list-pull-time-update-exclusions": "pullTimeUpdateExclusions",
    "get-signing-configuration": "signingConfiguration",
}  # fmt: skip
ISO = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, datetime.UTC)


def _policy(account: str) -> str:
    allowed = {
        "Sid": "in",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
        "Action": ["ecr:ReplicateImage"],
        "Resource": f"arn:aws:ecr:us-east-1:{account}:repository/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})


def _seed(place: Place) -> None:
    """Create something of every setting in AWS."""
    account, ecr = place.account, _boto3(place)
    ecr.put_registry_policy(policyText=_policy(account))
    destination = {"region": "eu-west-1", "registryId": account}
    filters = [{"filter": "prod-", "filterType": "PREFIX_MATCH"}]
    # Without `deleteReplication`, which version 1 of the CLI does not print.
    rule = {"destinations": [destination], "repositoryFilters": filters}
    ecr.put_replication_configuration(replicationConfiguration={"rules": [rule]})
    wildcard = [{"filter": "*", "filterType": "WILDCARD"}]
    scan = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": wildcard}
    ecr.put_registry_scanning_configuration(scanType="BASIC", rules=[scan])
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="kube", upstreamRegistryUrl="registry.k8s.io")
    ecr.create_repository_creation_template(
        prefix="quay",
        appliedFor=["PULL_THROUGH_CACHE"],
        resourceTags=[{"Key": "team", "Value": ""}],
        imageTagMutability="IMMUTABLE",
        customRoleArn=f"arn:aws:iam::{account}:role/template",
    )
    ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    ecr.register_pull_time_update_exclusion(principalArn=f"arn:aws:iam::{account}:role/scanner")
    profile = f"arn:aws:signer:us-east-1:{account}:/signing-profiles/release"
    ecr.put_signing_configuration(signingConfiguration={"rules": [{"signingProfileArn": profile}]})


def _boto3(place: Place) -> Any:
    return boto3.client(
        "ecr", endpoint_url=place.live.aws.url, region_name=place.region, aws_access_key_id=place.account,
        aws_secret_access_key="any", config=botocore.config.Config(retries={"max_attempts": 1}),
    )  # fmt: skip


def _cli(place: Place, command: str) -> Any:
    """Return the output of version 1 of the CLI."""
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": place.account,
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": place.region,
    }
    line = [harness.program("aws"), "--endpoint-url", place.live.aws.url, "ecr", *command.split()]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _dated(value: Any, date: Any) -> Any:
    """Return an answer with other dates."""
    if isinstance(value, dict):
        return {name: date if name.endswith("edAt") else _dated(inner, date) for name, inner in value.items()}
    return [_dated(inner, date) for inner in value] if isinstance(value, list) else value


def _declared(answer: Any, setting: str) -> Any:
    """Return the setting in an answer, in the shape of `to_aws`."""
    if setting in answer:
        members = copy.deepcopy(answer[setting])
        if isinstance(members, list):
            members = [_without(each, REPORTED) for each in members]
        return members
    members = _without(answer, {*REPORTED, "ResponseMetadata"})
    return [members] if setting == "accountSettings" else members


def _without(value: Any, members: set[str]) -> Any:
    return {k: v for k, v in value.items() if k not in members} if isinstance(value, dict) else value


@dataclass(frozen=True)
class Outputs:
    """A registry of AWS, and the output of each program for it."""

    place: Place
    v1: dict[str, Any]
    v2: dict[str, Any]
    boto3: dict[str, Any]


@pytest.fixture(scope="module")
def outputs(live: Live) -> Outputs:
    place = live.registry(fresh_account())
    _seed(place)
    with ThreadPoolExecutor(4) as pool:
        printed = dict(zip(COMMANDS, pool.map(lambda command: _cli(place, command), COMMANDS), strict=True))
    # No wheel has version 2 of the CLI. Its output differs only in dates: ISO 8601 instead of seconds.
    second = {command: _dated(answer, ISO.isoformat()) for command, answer in printed.items()}
    ecr = _boto3(place)
    calls: dict[str, Callable[[], Any]] = {
        command: getattr(ecr, command.partition(" ")[0].replace("-", "_")) for command in COMMANDS
    }
    named = {"get-account-setting --name BLOB_MOUNTING": {"name": "BLOB_MOUNTING"}}
    answers = {command: call(**named.get(command, {})) for command, call in calls.items()}
    return Outputs(place, printed, second, answers)


def test_responses_have_members_that_declarations_lack(outputs: Outputs) -> None:
    """The answers contain output-only members, as the other tests require."""
    rule = outputs.v1["describe-pull-through-cache-rules"]["pullThroughCacheRules"][0]
    assert rule.keys() >= REPORTED
    assert isinstance(rule["createdAt"], float)
    assert all("ResponseMetadata" in answer for answer in outputs.boto3.values())
    (template,) = outputs.boto3["describe-repository-creation-templates"]["repositoryCreationTemplates"]
    assert isinstance(template["createdAt"], datetime.datetime)
    assert "registryId" in outputs.v1["describe-registry"]


@pytest.mark.parametrize("source", ["v1", "v2", "boto3"])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("is_complete", [True, False], ids=["as_settings", "as_one_setting"])
def test_client_round_trips_aws_response(outputs: Outputs, source: str, command: str, *, is_complete: bool) -> None:
    answer, setting = getattr(outputs, source)[command], COMMANDS[command]
    argument = answer if is_complete else {setting: answer}
    client, part = outputs.place.live.client, outputs.place.part("pasted")
    declared = client.apply_registry_settings(part, argument, validate_only=True)
    assert ecrkeeper.to_aws(declared.settings) == {setting: _declared(answer, setting)}


def test_aws_responses_together_change_nothing(outputs: Outputs) -> None:
    place, since = outputs.place, outputs.place.live.aws.position()
    combined = {name: member for answer in outputs.boto3.values() for name, member in answer.items()}
    place.live.client.apply_registry_settings(place.part("all"), combined)
    place.live.client.reconcile_registry(place.name).result(timeout=WAIT_SECONDS)
    assert place.writes(since) == [], "what AWS reported is what it has"
    expected = {setting: _declared(outputs.v1[command], setting) for command, setting in COMMANDS.items()}
    converted = ecrkeeper.to_aws(place.live.client.get_registry_settings(place.part("all")).settings)
    assert converted == expected


def test_boto3_accepts_converted_settings(outputs: Outputs, live: Live) -> None:
    """Everything is written to a second registry with boto3, and read again."""
    combined = {name: member for answer in outputs.v1.values() for name, member in answer.items()}
    text = json.dumps(combined).replace(outputs.place.account, other := fresh_account())
    copied, place = ecrkeeper.to_aws(json.loads(text)), live.registry(other)
    ecr = _boto3(place)
    ecr.put_registry_policy(**copied["registryPolicy"])
    ecr.put_replication_configuration(replicationConfiguration=copied["replicationConfiguration"])
    ecr.put_registry_scanning_configuration(**copied["scanningConfiguration"])
    ecr.put_signing_configuration(signingConfiguration=copied["signingConfiguration"])
    for rule in copied["pullThroughCacheRules"]:
        ecr.create_pull_through_cache_rule(**rule)
    for template in copied["repositoryCreationTemplates"]:
        ecr.create_repository_creation_template(**template)
    for each in copied["accountSettings"]:
        ecr.put_account_setting(**each)
    for arn in copied["pullTimeUpdateExclusions"]:
        ecr.register_pull_time_update_exclusion(principalArn=arn)
    assert _dated(place.aws()["pullThroughCacheRules"], 0) == json.loads(
        json.dumps(_dated(outputs.place.aws()["pullThroughCacheRules"], 0)).replace(outputs.place.account, other)
    )
    for member in ("replicationConfiguration", "scanning", "signing", "exclusions", "blobMounting", "policyText"):
        before = json.dumps(outputs.place.aws()[member]).replace(outputs.place.account, other)
        assert place.aws()[member] == json.loads(before), member


@pytest.mark.parametrize("source", ["v1", "v2"])
def test_grpcurl_accepts_pasted_output_and_prints_aws_json(outputs: Outputs, source: str) -> None:
    answers = getattr(outputs, source)
    lists = {"pullThroughCacheRules": "rules", "repositoryCreationTemplates": "templates",
             "accountSettings": "settings", "pullTimeUpdateExclusions": "principalArns"}  # fmt: skip
    pasted: dict[str, Any] = {"registryId": outputs.place.account}
    for command, setting in COMMANDS.items():
        answer = answers[command]
        if setting in lists:
            pasted[setting] = {lists[setting]: answer.get(setting, [answer])}
        else:
            pasted[setting] = answer.get(setting, answer)
    request = {
        "parent": outputs.place.name,
        "registry_settings_id": "pasted",
        "registry_settings": {"settings": pasted},
        "validate_only": True,
    }
    line = [harness.program("grpcurl"), "-plaintext", "-d", json.dumps(request), outputs.place.live.server.address,
            f"{SETTINGS}/CreateRegistrySettings"]  # fmt: skip
    done = subprocess.run(line, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)["settings"]
    for command, setting in COMMANDS.items():
        expected = _declared(answers[command], setting)
        members = printed[setting][lists[setting]] if setting in lists else printed[setting]
        # protobuf's JSON omits empty and false values.
        assert _full(members) == _full(expected), setting
    assert "registryId" not in printed


def _full(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _full(inner) for name, inner in value.items() if inner not in ("", False, [])}
    return [_full(inner) for inner in value] if isinstance(value, list) else value


def test_incomplete_cli_output_is_rejected(outputs: Outputs) -> None:
    """The CLI stops after `--max-items`, and prints a capitalized token."""
    answer = _cli(outputs.place, "describe-pull-through-cache-rules --max-items 1 --page-size 1")
    assert answer["NextToken"]
    with pytest.raises(ecrkeeper.InvalidArgument) as caught:
        outputs.place.live.client.apply_registry_settings(outputs.place.part("pasted"), answer)
    assert [violation.field for violation in caught.value.violations] == ["settings.NextToken"]
    page = _boto3(outputs.place).describe_pull_through_cache_rules(maxResults=1)
    with pytest.raises(ecrkeeper.InvalidArgument, match="next token"):
        outputs.place.live.client.apply_registry_settings(outputs.place.part("pasted"), page)
