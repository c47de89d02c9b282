"""Stored declarations that the server would reject now are still reconciled."""

from __future__ import annotations

import json
from typing import Any

from .conftest import World, holds, reason_of

QUAY = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
TEMPLATE = {"prefix": "old", "appliedFor": ["REPLICATION"], "lifecyclePolicy": json.dumps({"rules": []})}
OLD: dict[str, Any] = {
    "repository_creation_templates": {"templates": [TEMPLATE]},
    "pull_through_cache_rules": {"rules": [QUAY]},
}


async def test_stored_document_is_written_if_aws_accepts_it(world: World) -> None:
    await world.control("PUT", "settings", {"templates_check_documents": False})
    await world.declare(OLD)
    row = await world.reconcile()
    assert holds(row, "Ready")
    await world.resync()
    assert world.aws.writes == [], "what AWS shows is equal to what is declared"


async def test_rejected_stored_document_blocks_no_other_setting(world: World) -> None:
    await world.declare(OLD)
    row = await world.reconcile()
    assert reason_of(row, "Blocked") == "AWS_REJECTED"
    assert "array is too short" in row.state["error"]["message"]
    assert [rule["ecrRepositoryPrefix"] for rule in (await world.present())["pullThroughCacheRules"]] == ["quay"]


async def test_malformed_policy_in_aws_is_observed(world: World) -> None:
    by_hand = {"Sid": "hand", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::2:*"}, "Action": "ecr:Nothing"}
    await world.seed({"policyText": json.dumps({"Version": "2012-10-17", "Statement": [by_hand]})})
    declared = {**by_hand, "Sid": "mine", "Principal": {"AWS": "222222222222"}, "Action": "ecr:ReplicateImage"}
    await world.declare({"registry_policy": {"policyText": json.dumps({"Statement": [declared]})}})
    row = await world.reconcile()
    assert "hand" in json.dumps(row.state["observed"]["registry_policy"])
