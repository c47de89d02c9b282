"""CheckReplication, ExplainRepository and views agree on arriving images."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper.v1.registry_pb2 import ReplicationArrival, ReplicationCheck
from ecrkeeper_server.api.messages.replication import replication_check
from ecrkeeper_server.store.replication_checks import StoredCheck

from tests.e2e.live import Live, Place, fresh_account, rules

REPLICATION = "replication_configuration"
Outcome = ReplicationArrival.Outcome


@pytest.fixture
def place(live: Live) -> Place:
    return live.registry(fresh_account())


@pytest.fixture
def other(live: Live) -> Place:
    return live.registry(fresh_account(), "eu-central-1")


def let_in(source: Place, destination: Place, *repositories: str, **members: Any) -> None:
    """Set a policy on the destination that accepts a source."""
    statement = {
        "Sid": "P",
        "Effect": "Allow",
        "Principal": {"AWS": source.account},
        "Action": ["ecr:ReplicateImage", "ecr:CreateRepository"],
        "Resource": [
            f"arn:aws:ecr:{destination.region}:{destination.account}:repository/{name}" for name in repositories
        ],
        **members,
    }
    destination.seed(policyText={"Version": "2012-10-17", "Statement": [statement]})


def checked(place: Place) -> tuple[str, dict[str, tuple[list[str], list[str]]]]:
    (check,) = place.live.client.check_replication(place.name).checks
    arrivals = {Outcome.Name(a.outcome): (list(a.filters), list(a.partial_filters)) for a in check.arrivals}
    return ReplicationCheck.Result.Name(check.result), arrivals


def test_destination_allowing_other_repositories_is_broken(place: Place, other: Place) -> None:
    let_in(place, other, "prod-*")
    registry = place.converged({REPLICATION: rules((other.account, other.region), prefix="dev-")})
    assert checked(place) == ("BROKEN", {"DOES_NOT_ARRIVE": (["dev-"], [])})
    (stored,) = registry.replication_checks
    assert stored.result == ReplicationCheck.BROKEN
    assert stored.arrivals[0].example_repository == "dev-a"
    assert {finding.reason for finding in stored.findings} == {"DESTINATION_POLICY_OTHER_REPOSITORIES"}


def test_destination_creating_no_repositories_is_conditional(place: Place, other: Place) -> None:
    let_in(place, other, "prod-*", Action=["ecr:ReplicateImage"])
    registry = place.converged({REPLICATION: rules((other.account, other.region), prefix="prod-")})
    expected = ("CONDITIONAL", {"ARRIVES_IF_REPOSITORY_EXISTS": (["prod-"], [])})
    assert checked(place) == expected
    (stored,) = registry.replication_checks
    assert stored.result == ReplicationCheck.CONDITIONAL


def test_destination_allowing_some_repositories_is_conditional(place: Place, other: Place) -> None:
    let_in(place, other, "dev-a*")
    place.converged({REPLICATION: rules((other.account, other.region), prefix="dev-")})
    arrivals = {"ARRIVES": ([], ["dev-"]), "DOES_NOT_ARRIVE": ([], ["dev-"])}
    assert checked(place) == ("CONDITIONAL", arrivals)


def test_destination_naming_a_role_is_unknown(place: Place, other: Place) -> None:
    let_in(place, other, "*", Principal={"AWS": f"arn:aws:iam::{place.account}:role/replicator"})
    place.converged({REPLICATION: rules((other.account, other.region))})
    assert checked(place) == ("UNKNOWN", {"UNKNOWN": ([""], [])})


def test_unchanged_check_is_not_stored_again(place: Place, other: Place) -> None:
    let_in(place, other, "dev-a*")
    place.converged({REPLICATION: rules((other.account, other.region), prefix="dev-")})
    (first,) = place.reconcile().replication_checks
    (second,) = place.reconcile().replication_checks
    assert first == second


def explained(place: Place, repository: str) -> dict[tuple[str, str], tuple[str, list[str]]]:
    answer = place.live.client.explain_repository(place.name, repository)
    return {
        (one.destination.registry_id, one.destination.region): (
            Outcome.Name(one.outcome),
            [finding.reason for finding in one.findings],
        )
        for one in answer.replications
    }


def test_explain_repository_covers_each_destination(place: Place, other: Place) -> None:
    let_in(place, other, "dev-a*")
    own = (place.account, "us-west-2")
    destination = (other.account, other.region)
    configuration = {"rules": [*rules(destination, prefix="dev-")["rules"], *rules(own)["rules"]]}
    place.converged({REPLICATION: configuration})
    arrives: tuple[str, list[str]] = ("ARRIVES", [])
    left_out = ("DOES_NOT_ARRIVE", ["DESTINATION_POLICY_OTHER_REPOSITORIES"] * 2)
    unmatched = ("DOES_NOT_ARRIVE", ["REPLICATION_FILTER_DOES_NOT_MATCH"])
    assert explained(place, "dev-api") == {destination: arrives, own: arrives}
    assert explained(place, "dev-web") == {destination: left_out, own: arrives}
    assert explained(place, "prod-api") == {destination: unmatched, own: arrives}


def test_unreadable_destination_is_unknown(place: Place, other: Place) -> None:
    let_in(place, other, "*")
    place.converged({REPLICATION: rules((other.account, other.region))})
    aws = place.live.aws
    aws.control("PUT", f"accounts/{other.account}", {"iam_policy": {"Statement": []}})
    assert explained(place, "dev-api") == {
        (other.account, other.region): ("UNKNOWN", ["AWS_ACCESS_DENIED"]),
    }
    assert checked(place) == ("UNKNOWN", {"UNKNOWN": ([""], [])})


def test_replication_check_of_older_version_is_shown() -> None:
    finding = {"reason": "DESTINATION_POLICY_MISSING", "subject": "x", "message": "y"}
    stored = {
        "destination": {"registryId": "222222222222", "region": "us-west-2"},
        "result": "BROKEN",
        "findings": [finding],
        "time": 1,
    }
    shown = replication_check(StoredCheck.from_json(stored))
    assert (shown.result, list(shown.arrivals)) == (ReplicationCheck.BROKEN, [])
    assert shown.findings[0].reason == "DESTINATION_POLICY_MISSING"
