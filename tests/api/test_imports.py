"""Import settings from AWS, and plan missing ones."""

from __future__ import annotations

import json
import uuid
from typing import Any

import grpc
import pytest
from ecrkeeper.v1.role_pb2 import ServiceLinkedRole

from tests.e2e.live import WAIT_SECONDS, Live, Place, fields_of, fresh_account, rejection

CODE = grpc.StatusCode
QUAY = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}


@pytest.fixture
def place(live: Live) -> Place:
    return live.registry(fresh_account())


def policy(place: Place, resource: str) -> str:
    statement = {
        "Sid": "A",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
        "Action": ["ecr:ReplicateImage"],
        "Resource": resource,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_import_omits_account_setting_with_retired_value(place: Place) -> None:
    place.seed(scope="V1", pullThroughCacheRules=[QUAY])
    imported = place.live.client.import_registry_settings(place.name, "recovered")
    assert [field.name for field, _ in imported.settings.ListFields()] == ["pull_through_cache_rules"]
    place.live.client.update_registry_settings(imported, "*")


def test_import_omits_undeclarable_elements(place: Place) -> None:
    place.seed(
        policyText=policy(place, f"arn:aws:us-east-1:{place.account}:repository/*"), pullThroughCacheRules=[QUAY]
    )
    client = place.live.client
    error = rejection(CODE.INVALID_ARGUMENT, client.import_registry_settings, place.name, "recovered")
    assert fields_of(error) == ["settings.registry_policy.policy_text.Statement[0].Resource[0]"]
    assert client.import_registry_settings(place.name, "recovered", settings=["pull_through_cache_rules"])


def test_retired_account_setting_value_allows_rollback(place: Place) -> None:
    place.seed(scope="V1", pullThroughCacheRules=[QUAY])
    switched: dict[str, Any] = {"settings": [{"name": "REGISTRY_POLICY_SCOPE", "value": "V2"}]}
    place.converged({"account_settings": switched, "pull_through_cache_rules": {"rules": []}})
    place.converged({"account_settings": switched, "pull_through_cache_rules": {"rules": [QUAY]}})
    assert place.live.client.rollback_registry_settings(place.part("platform"), 0).generation == 3


def test_accepted_import_is_idempotent_after_aws_changes(place: Place) -> None:
    place.seed(pullThroughCacheRules=[QUAY])
    once = {"request_id": str(uuid.uuid4())}
    first = place.live.client.import_registry_settings(place.name, "x", **once)
    place.seed(unknown_members={"DescribeRegistry": {"replicationConfiguration.ruleSets": [{"a": 1}]}})
    assert place.live.client.import_registry_settings(place.name, "x", **once).etag == first.etag


def test_import_conflict_explains_remedy(place: Place) -> None:
    place.converged({"pull_through_cache_rules": {"rules": [QUAY]}}, owner="first")
    place.keep(mode="OBSERVE")
    place.seed(pullThroughCacheRules=[{**QUAY, "upstreamRegistryUrl": "public.ecr.aws"}])
    error = rejection(CODE.FAILED_PRECONDITION, place.live.client.import_registry_settings, place.name, "second")
    assert "agree on one value, or name the settings to import without this one" in str(error)


def test_new_role_plan_lists_all_calls(place: Place) -> None:
    client, parent = place.live.client, f"accounts/{place.account}"
    arguments = {"service_linked_role": ServiceLinkedRole(description="ours", tags={"a": "b"})}
    planned = client.create_service_linked_role(parent, "replication", validate_only=True, **arguments)
    since = place.live.aws.position()
    created = client.create_service_linked_role(parent, "replication", **arguments)
    client.reconcile_service_linked_role(created.name).result(timeout=WAIT_SECONDS)
    assert [call.operation for call in planned.plan.calls] == [call["operation"] for call in place.writes(since)]
