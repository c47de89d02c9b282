"""Registry scenarios of several calls, through gRPC; see tests/cases/scenarios.py."""

from __future__ import annotations

import json
from typing import Any

import ecrkeeper
import grpc
import pytest
from ecrkeeper.v1.common_pb2 import Condition, Drift
from ecrkeeper.v1.registry_pb2 import Registry, RegistrySettings, ReplicationCheck
from ecrkeeper.v1.settings_pb2 import RegistryScanningRule, ReplicationDestination, Settings
from google.rpc import code_pb2

from tests.cases.rows import plain
from tests.e2e.live import WAIT_SECONDS, Live, Place, fields_of, fresh_account, message, rejection, rules
from tests.harness import eventually

TEMPLATE = {"prefix": "tf-test-abcd1234", "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"]}


@pytest.fixture
def place(live: Live) -> Place:
    """A registry of an account that no other test uses."""
    return live.registry(fresh_account())


def policy(account: str) -> dict[str, Any]:
    """Return a policy that requires scope V2."""
    statement = {
        "Sid": "testpolicy",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": ["ecr:BatchGetImage"],
        "Resource": [f"arn:aws:ecr:us-east-1:{account}:repository/*"],
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def blocked(registry: Registry) -> bool:
    return any(c.type == "Blocked" and c.status == Condition.TRUE for c in registry.conditions)


def with_error(place: Place) -> Registry | None:
    registry = place.read()
    return registry if registry.HasField("last_error") else None


# Replication.


def test_undeclared_registry_shows_empty_replication(place: Place) -> None:
    registry = place.read(refresh=True)
    assert registry.observed.HasField("replication_configuration")
    assert not registry.observed.replication_configuration.rules
    place.untouched()


def test_first_apply_keeps_unmanaged_rules(place: Place) -> None:
    existing, declared = (
        rules((place.account, "eu-west-1"), prefix="someone-else-"),
        rules((place.account, "us-west-2")),
    )
    place.seed(replicationConfiguration=existing)
    planned = place.apply({"replication_configuration": declared}, validate_only=True)
    assert not [c for call in planned.plan.calls for c in call.changes if c.kind == c.REMOVE]
    registry = place.converged({"replication_configuration": declared})
    current = place.aws()["replicationConfiguration"]["rules"]
    assert sorted(current, key=str) == sorted([*existing["rules"], *declared["rules"]], key=str)
    (unmanaged,) = [e for e in registry.elements if e.state == e.UNMANAGED]
    assert not unmanaged.owners


def checked(place: Place, destination: str, policy: dict[str, Any] | None) -> ReplicationCheck:
    """Return the check of a replication to an account whose registry has this policy."""
    place.live.registry(destination, "us-west-2").seed(policyText=policy)
    shape = {"replication_configuration": rules((destination, "us-west-2"))}
    planned = place.apply(shape, validate_only=True)
    assert planned.plan.warnings, "the plan warns of it too"
    place.untouched()
    place.converged(shape)
    (check,) = place.live.client.check_replication(place.name).checks
    assert (check.destination.registry_id, check.destination.region) == (destination, "us-west-2")
    return check


def test_replication_without_policy_is_broken(place: Place) -> None:
    check = checked(place, fresh_account(), None)
    assert check.result == ReplicationCheck.BROKEN
    assert [each.reason for each in check.findings] == ["DESTINATION_POLICY_MISSING"]


def test_replication_with_policy_for_other_region_is_broken(place: Place) -> None:
    destination = fresh_account()
    statement = {
        "Sid": "repl",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{place.account}:root"},
        "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
        "Resource": [f"arn:aws:ecr:us-east-1:{destination}:repository/*"],
    }
    check = checked(place, destination, {"Version": "2012-10-17", "Statement": [statement]})
    assert check.result == ReplicationCheck.BROKEN
    assert {each.reason for each in check.findings} == {"DESTINATION_POLICY_WRONG_RESOURCE"}
    text = " ".join(each.message for each in check.findings)
    assert "us-east-1" in text
    assert "us-west-2" in text


def start_backfill(place: Place, running: list[str]) -> ecrkeeper.RegistryError:
    """Return the error of a backfill that starts beside those to these Regions."""
    busy = [{"destination": {"region": region, "registryId": place.account}} for region in running]
    place.seed(replicationConfiguration=rules((place.account, "us-west-2")), backfills=busy)
    to = ReplicationDestination(region="us-west-2", registry_id=place.account)
    with pytest.raises(ecrkeeper.RegistryError) as caught:
        place.live.client.start_replication_backfill(place.name, to).result(timeout=WAIT_SECONDS)
    return caught.value


def test_second_backfill_to_a_destination_is_rejected(place: Place) -> None:
    error = start_backfill(place, ["us-west-2"])
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BACKFILL_IN_PROGRESS")


def test_eleventh_backfill_is_rejected(place: Place) -> None:
    error = start_backfill(place, ["eu-west-1"] * 10)
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "AWS_QUOTA_EXCEEDED")


# Policy and scope.


def test_policy_waits_for_scope_v2(place: Place) -> None:
    place.seed(scope="V1")
    place.apply({"registry_policy": {"policyText": json.dumps(policy(place.account))}})
    registry = place.reconcile()
    assert registry.last_error.code == code_pb2.FAILED_PRECONDITION
    assert "REGISTRY_POLICY_SCOPE" in registry.last_error.message
    assert blocked(registry)
    assert place.aws()["policyText"] is None


def test_scope_is_written_before_policy(place: Place) -> None:
    place.seed(scope="V1")
    since = place.live.aws.position()
    place.converged(
        {
            "registry_policy": {"policyText": json.dumps(policy(place.account))},
            "account_settings": {"settings": [{"name": "REGISTRY_POLICY_SCOPE", "value": "V2"}]},
        }
    )
    assert [call["operation"] for call in place.writes(since)] == ["PutAccountSetting", "PutRegistryPolicy"]
    assert place.aws()["scope"] == "V2"


# Effective settings of a repository.


def test_repository_shows_effective_scanning(place: Place) -> None:
    filters = [{"filter": "prod*", "filterType": "WILDCARD"}]
    rule = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": filters}
    place.converged({"scanning_configuration": {"scanType": "BASIC", "rules": [rule]}})
    for repository, frequency, matching in (("prod-api", "SCAN_ON_PUSH", 1), ("dev-api", "MANUAL", 0)):
        explanation = place.live.client.explain_repository(place.name, repository)
        assert RegistryScanningRule.ScanFrequency.Name(explanation.scan_frequency) == frequency
        assert len(explanation.scanning_rules) == matching


def test_repository_gets_most_specific_template(place: Place) -> None:
    templates = [{"prefix": prefix, "appliedFor": ["CREATE_ON_PUSH"]} for prefix in ("ROOT", "prod", "prod/db")]
    place.converged({"repository_creation_templates": {"templates": templates}})
    for repository, template in (("prod/api", "prod"), ("prod/db/x", "prod/db"), ("other", "ROOT")):
        explanation = place.live.client.explain_repository(place.name, repository)
        assert explanation.repository_creation_template.key == template


# Pull-through cache rules.


def test_custom_role_is_updated_in_place(place: Place) -> None:
    first = {
        "ecrRepositoryPrefix": "tf-test-abcd1234",
        "upstreamRegistryUrl": "333333333333.dkr.ecr.us-east-1.amazonaws.com",
        "upstreamRegistry": "ecr",
        "customRoleArn": f"arn:aws:iam::{place.account}:role/ptc-pull",
    }
    place.converged({"pull_through_cache_rules": {"rules": [first]}})
    since, arn = place.live.aws.position(), f"arn:aws:iam::{place.account}:role/ptc-pull-2"
    place.converged({"pull_through_cache_rules": {"rules": [{**first, "customRoleArn": arn}]}})
    assert [call["operation"] for call in place.writes(since)] == ["UpdatePullThroughCacheRule"]
    assert place.aws()["pullThroughCacheRules"][0]["customRoleArn"] == arn


def test_credential_removal_requires_replacement(place: Place) -> None:
    """ECR cannot do this in place: without permission to replace, no call is made."""
    secret = f"arn:aws:secretsmanager:us-east-1:{place.account}:secret:ecr-pullthroughcache/public-AbCdEf"
    rule = {"ecrRepositoryPrefix": "tf-test-dh", "upstreamRegistryUrl": "public.ecr.aws"}
    rule["upstreamRegistry"] = "ecr-public"
    place.seed(pullThroughCacheRules=[{**rule, "credentialArn": secret}])
    since = place.live.aws.position()
    place.apply({"pull_through_cache_rules": {"rules": [rule]}})
    registry = place.reconcile()
    assert place.writes(since) == []
    assert reason_of(registry) == "REPLACEMENT_NOT_ALLOWED"
    assert [d.kind for d in registry.drift] == [Drift.CHANGED]
    place.converged({"pull_through_cache_rules": {"rules": [rule]}}, allow_replacement=True)
    assert "credentialArn" not in place.aws()["pullThroughCacheRules"][0]


def reason_of(registry: Registry) -> str:
    """Return the reason of the condition `Ready`."""
    (reason,) = [condition.reason for condition in registry.conditions if condition.type == "Ready"]
    return reason


def test_missing_secret_is_reported(place: Place) -> None:
    secret = f"arn:aws:secretsmanager:us-east-1:{place.account}:secret:ecr-pullthroughcache/docker-hub-AbCdEf"
    rule = {"ecrRepositoryPrefix": "dh", "upstreamRegistryUrl": "registry-1.docker.io", "credentialArn": secret}
    place.apply({"pull_through_cache_rules": {"rules": [rule]}})
    registry = eventually(lambda: with_error(place))
    assert registry.last_error.code == code_pb2.FAILED_PRECONDITION
    assert "secret" in registry.last_error.message
    (synced,) = [condition for condition in registry.conditions if condition.type == "Synced"]
    assert (synced.status, synced.reason) == (Condition.FALSE, "SECRET_UNUSABLE")
    assert place.aws()["pullThroughCacheRules"] == []


def test_deleting_a_missing_rule_succeeds(place: Place) -> None:
    rule = {"ecrRepositoryPrefix": "ghost", "upstreamRegistryUrl": "public.ecr.aws"}
    place.converged({"pull_through_cache_rules": {"rules": [rule]}})
    place.seed(pullThroughCacheRules=[])
    place.live.client.delete_registry_settings(place.part("platform"))
    place.live.client.reconcile_registry(place.name).result(timeout=WAIT_SECONDS)
    registry = place.read()
    assert not registry.HasField("last_error")
    assert not registry.drift


# Templates.


def test_existing_template_is_adopted(place: Place) -> None:
    """ECR rejects a create of an existing template; the server adopts it."""
    place.seed(templates=[TEMPLATE])
    since = place.live.aws.position()
    settings = message({"repository_creation_templates": {"templates": [TEMPLATE]}})
    create = place.live.client.create_registry_settings
    create(place.name, "platform", settings=settings)
    place.live.client.reconcile_registry(place.name).result(timeout=WAIT_SECONDS)
    assert place.writes(since) == []
    rejection(grpc.StatusCode.ALREADY_EXISTS, create, place.name, "platform", settings=settings)


def test_template_update_keeps_other_members(place: Place) -> None:
    first = {
        "prefix": "ack-test",
        "description": "before",
        "appliedFor": ["REPLICATION"],
        "imageTagMutability": "IMMUTABLE",
    }
    place.converged({"repository_creation_templates": {"templates": [first]}})
    (before,) = place.aws()["templates"]
    since, description = place.live.aws.position(), "Updated description for testing"
    place.converged({"repository_creation_templates": {"templates": [{**first, "description": description}]}})
    assert [call["operation"] for call in place.writes(since)] == ["UpdateRepositoryCreationTemplate"]
    (after,) = place.aws()["templates"]
    assert plain(after) == plain({**before, "description": description})


# All settings.


def test_existing_rule_is_adopted_and_can_be_abandoned(place: Place) -> None:
    place.seed(replicationConfiguration=rules((place.account, "us-west-2"), prefix="prod-"))
    shape = rules((place.account, "us-west-2"), prefix="prod-")
    shape["rules"][0]["repositoryFilters"].append({"filter": "test-", "filterType": "PREFIX_MATCH"})
    place.converged({"replication_configuration": shape}, deletion_policy="ABANDON")
    assert place.aws()["replicationConfiguration"] == shape
    since = place.live.aws.position()
    place.live.client.delete_registry_settings(place.part("platform"))
    place.live.client.reconcile_registry(place.name).result(timeout=WAIT_SECONDS)
    assert place.aws()["replicationConfiguration"] == shape
    assert place.writes(since) == []


def test_stale_etag_is_rejected(place: Place) -> None:
    declared = place.apply({"replication_configuration": {"rules": []}})
    place.converged({"replication_configuration": rules((place.account, "us-west-2"))})
    since = place.live.aws.position()
    code = grpc.StatusCode.ABORTED
    rejection(code, place.apply, {"replication_configuration": {"rules": []}}, etag=declared.etag)
    assert place.writes(since) == []
    assert place.read().desired.replication_configuration.rules


def test_update_changes_masked_fields_only(place: Place) -> None:
    first = {
        "replication_configuration": rules((place.account, "us-west-2")),
        "pull_through_cache_rules": {"rules": [{"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}]},
    }
    place.apply(first)
    change = message({"replication_configuration": rules((place.account, "eu-west-1"))})
    declaration = RegistrySettings(name=place.part("platform"), settings=change)
    update = place.live.client.update_registry_settings
    changed = update(declaration, ["settings.replication_configuration"])
    assert changed.settings == Settings(
        replication_configuration=change.replication_configuration,
        pull_through_cache_rules=message(first).pull_through_cache_rules,
    )
    error = rejection(grpc.StatusCode.INVALID_ARGUMENT, update, declaration, ["settings.replication"])
    assert fields_of(error) == ["update_mask"]
    replaced = update(declaration, ["*"])
    assert replaced.settings == change
