"""Settings that moto models converge, are remediated, and are removed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ecrkeeper.v1.registry_pb2 import ReplicationCheck

from tests.e2e.live import fresh_account, message, rules
from tests.moto.conftest import AMBIENT, Moto, Place

SCANNING_DEFAULT = {"scanType": "BASIC", "rules": []}


def policy(place: Place, *sids: str, source: str = "333333333333") -> dict[str, Any]:
    statements = [
        {
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{source}:root"},
            "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
            "Resource": f"arn:aws:ecr:{place.region}:{place.account}:repository/{sid.lower()}/*",
        }
        for sid in sids
    ]
    return {"policyText": json.dumps({"Version": "2012-10-17", "Statement": statements})}


def scanning(frequency: str, *filters: str, kind: str = "BASIC") -> dict[str, Any]:
    patterns = [{"filter": text, "filterType": "WILDCARD"} for text in filters]
    return {"scanType": kind, "rules": [{"scanFrequency": frequency, "repositoryFilters": patterns}]}


def test_replication_rule_is_applied_and_removed(place: Place) -> None:
    replication = rules((place.account, "us-west-2"), prefix="prod-")
    registry = place.converged({"replication_configuration": replication})
    assert not registry.drift
    assert place.rules() == replication["rules"]
    # moto lacks templates and account settings, so arrivals are unknown but not obstructed.
    assert [check.result for check in registry.replication_checks] == [ReplicationCheck.UNKNOWN]
    place.ecr().put_replication_configuration(replicationConfiguration={"rules": []})
    place.reconciled()
    assert place.rules() == replication["rules"]
    place.removed()
    assert place.rules() == []


def test_two_owners_share_one_replication_rule(place: Place) -> None:
    destination = (place.account, "us-west-2")
    place.converged({"replication_configuration": rules(destination, prefix="a-")}, owner="first")
    place.converged({"replication_configuration": rules(destination, prefix="b-")}, owner="second")
    (rule,) = place.rules()
    assert [each["filter"] for each in rule["repositoryFilters"]] == ["a-", "b-"]
    place.removed("first")
    (rule,) = place.rules()
    assert [each["filter"] for each in rule["repositoryFilters"]] == ["b-"]


def test_scanning_is_applied_and_removed(place: Place) -> None:
    configuration = scanning("SCAN_ON_PUSH", "prod*")
    place.converged({"scanning_configuration": configuration})
    assert place.ecr().get_registry_scanning_configuration()["scanningConfiguration"] == configuration
    continuous = scanning("CONTINUOUS_SCAN", "prod*", kind="ENHANCED")
    place.converged({"scanning_configuration": continuous})
    assert place.ecr().get_registry_scanning_configuration()["scanningConfiguration"] == continuous
    place.ecr().put_registry_scanning_configuration(**SCANNING_DEFAULT)
    place.reconciled()
    assert place.ecr().get_registry_scanning_configuration()["scanningConfiguration"] == continuous
    place.removed()
    assert place.ecr().get_registry_scanning_configuration()["scanningConfiguration"] == SCANNING_DEFAULT


def test_registry_policy_merges_two_owners(place: Place) -> None:
    place.ecr().put_registry_policy(**policy(place, "Foreign"))
    place.converged({"registry_policy": policy(place, "First")}, owner="first")
    place.converged({"registry_policy": policy(place, "Second")}, owner="second")
    assert set(place.statements()) == {"Foreign", "First", "Second"}
    assert place.statements()["First"]["Principal"] == {"AWS": "arn:aws:iam::333333333333:root"}
    place.ecr().delete_registry_policy()
    place.reconciled()
    assert set(place.statements()) == {"First", "Second"}
    place.removed("first")
    assert set(place.statements()) == {"Second"}
    place.removed("second")
    assert place.statements() == {}


def test_account_is_reached_with_its_own_role(moto: Moto) -> None:
    first, second = moto.place(fresh_account()), moto.place(fresh_account())
    bystander = moto.place(AMBIENT)
    for place, region in ((first, "us-west-2"), (second, "eu-west-1")):
        place.converged({"replication_configuration": rules((place.account, region))})
    assert first.rules() == rules((first.account, "us-west-2"))["rules"]
    assert second.rules() == rules((second.account, "eu-west-1"))["rules"]
    assert bystander.rules() == [], "nothing is written with the server's own credentials"
    assert first.ecr().describe_registry()["registryId"] == first.account


def test_regions_of_one_account_are_separate_registries(place: Place) -> None:
    other = place.moto.place(place.account, "eu-west-1")
    place.converged({"replication_configuration": rules((place.account, "us-west-2"))})
    assert other.rules() == []
    other.converged({"registry_policy": policy(other, "There", source=place.account)})
    assert place.statements() == {}
    assert set(other.statements()) == {"There"}


def test_own_credentials_suffice_for_own_account(ambient: Moto) -> None:
    place = ambient.place(AMBIENT, "ap-northeast-1")
    replication = rules((AMBIENT, "us-west-2"), prefix="prod-")
    place.converged({"replication_configuration": replication, "scanning_configuration": scanning("SCAN_ON_PUSH", "*")})
    assert place.rules() == replication["rules"]
    place.removed()
    assert place.rules() == []


def test_declaration_plan_matches_applied_changes(place: Place) -> None:
    replication = rules((place.account, "us-west-2"), prefix="prod-")
    declared = message({"replication_configuration": replication})
    planned = place.moto.client.apply_registry_settings(place.part(), declared, validate_only=True).plan
    assert [call.operation for call in planned.calls] == ["PutReplicationConfiguration"]
    assert place.rules() == []


@pytest.mark.parametrize("frequency", ["SCAN_ON_PUSH", "CONTINUOUS_SCAN"])
def test_import_declares_existing_settings(place: Place, frequency: str) -> None:
    kind = "ENHANCED" if frequency == "CONTINUOUS_SCAN" else "BASIC"
    existing = scanning(frequency, "prod*", kind=kind)
    place.ecr().put_registry_scanning_configuration(**existing)
    place.moto.client.import_registry_settings(place.name, "platform", settings=["scanning_configuration"])
    registry = place.reconciled()
    assert not registry.drift
    assert place.ecr().get_registry_scanning_configuration()["scanningConfiguration"] == existing
