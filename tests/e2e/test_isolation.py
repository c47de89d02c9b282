"""A rejected statement affects only its owner, through gRPC and the client."""

from __future__ import annotations

import json
import time
from typing import Any

import ecrkeeper
import pytest
from ecrkeeper.v1.common_pb2 import Condition
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from tests.e2e.live import Live, Place, fresh_account
from tests.harness import eventually

GONE = "arn:aws:iam::333333333333:role/gone"


def policy(sid: str, principal: Any, action: Any = "ecr:BatchGetImage", effect: str = "Allow") -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": effect, "Principal": {"AWS": principal}, "Action": action, "Resource": "*"}
    return {"registryPolicy": {"policyText": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}}


@pytest.fixture
def place(live: Live) -> Any:
    live.aws.control("PUT", "settings", {"unresolvable_principals": [GONE]})
    yield live.registry(fresh_account())
    live.aws.control("PUT", "settings", {"unresolvable_principals": []})


def conditions(message: Any) -> dict[str, tuple[bool, str]]:
    return {c.type: (c.status == Condition.TRUE, c.reason) for c in message.conditions}


def detail(status: Any, message: Message) -> Any:
    assert any(each.Unpack(message) for each in status.details)
    return message


def sids(place: Place) -> list[str]:
    text = place.aws()["policyText"]
    return sorted(each["Sid"] for each in json.loads(text)["Statement"]) if text else []


def test_rejected_statement_is_reported_to_its_owner_only(place: Place) -> None:
    client = place.live.client
    place.apply(policy("Bad", [GONE, "444444444444"]), owner="bad")
    place.apply(policy("Good", "555555555555"), owner="good")
    client.wait_until_synced(place.part("good"), 15)
    assert sids(place) == ["Good"]
    good, bad = (client.get_registry_settings(place.part(owner)) for owner in ("good", "bad"))
    assert conditions(good)["Ready"] == (True, "IN_SYNC")
    assert (good.reconciling, good.observed_generation) == (False, good.generation)
    assert not good.HasField("last_error")
    assert conditions(bad)["Synced"] == (False, "PRINCIPAL_NOT_FOUND")
    assert bad.reconciling
    info = detail(bad.last_error, error_details_pb2.ErrorInfo())
    assert (info.reason, info.metadata["sid"], info.metadata["owner"]) == ("PRINCIPAL_NOT_FOUND", "Bad", "bad")
    assert GONE in info.metadata["principal"]
    registry = place.read()
    (violation,) = detail(registry.last_error, error_details_pb2.PreconditionFailure()).violations
    assert violation.subject == "registry_policy/Bad"
    for text in ("owner bad", GONE, "Principal not found"):
        assert text in violation.description
    statuses = {each.owner: conditions(each)["Ready"][0] for each in registry.declarations}
    assert statuses == {"bad": False, "good": True}


def test_new_principal_is_written_soon(place: Place) -> None:
    place.apply(policy("N", GONE), owner="new")
    eventually(lambda: conditions(place.read()).get("Synced") == (False, "PRINCIPAL_NOT_FOUND"))
    began = time.monotonic()
    place.live.aws.control("PUT", "settings", {"unresolvable_principals": []})
    place.live.client.wait_until_synced(place.part("new"), 60)
    assert sids(place) == ["N"]
    assert time.monotonic() - began < 30


def test_declaration_syncs_despite_older_error_of_others(place: Place) -> None:
    client = place.live.client
    place.apply(policy("Bad", GONE), owner="bad")
    eventually(lambda: conditions(place.read()).get("Synced") == (False, "PRINCIPAL_NOT_FOUND"))
    since = place.live.aws.position()
    applied = place.apply(policy("Good", "555555555555"), owner="good")
    assert not conditions(applied), "a blocker of other owners does not concern a new owner"
    client.wait_until_synced(place.part("good"), 15)
    first = next(c for c in place.writes(since) if c["operation"] == "PutRegistryPolicy")
    assert (first["status"], "Bad" in first["params"]["policyText"]) == (200, False)
    with pytest.raises(ecrkeeper.DeadlineExceeded, match="PRINCIPAL_NOT_FOUND"):
        client.wait_until_synced(place.part("bad"), 0.3)
    with pytest.raises(ecrkeeper.DeadlineExceeded):
        client.wait_until_synced(place.name, 0.3)
