"""The audit trail has every write that the log of the simulated AWS has."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import ecrkeeper
import pytest
from ecrkeeper.v1.audit_pb2 import AuditEvent
from ecrkeeper_server.settings.table import SETTINGS
from google.rpc.error_details_pb2 import ErrorInfo

from tests.e2e.live import WAIT_SECONDS, Live, Place, fresh_account
from tests.harness import eventually

ROLE_WRITES = {"CreateServiceLinkedRole", "UpdateRole", "TagRole", "UntagRole", "DeleteServiceLinkedRole"}
BACKFILL_WRITES = {"StartReplicationBackfill", "StopReplicationBackfill"}
EVERY_WRITE = {op for setting in SETTINGS.values() for op in setting.writes} | ROLE_WRITES | BACKFILL_WRITES


def declared(account: str, *, changed: bool) -> dict[str, Any]:
    """Return two sets of all eight settings that differ everywhere."""
    arn = f"arn:aws:iam::{account}:role"
    statement = {
        "Sid": "Cache", "Effect": "Allow", "Principal": {"AWS": f"{arn}/{'b' if changed else 'a'}"},
        "Action": ["ecr:CreateRepository"], "Resource": f"arn:aws:ecr:us-east-1:{account}:repository/quay/*",
    }  # fmt: skip
    filters = [{"filter": "new/" if changed else "old/", "filterType": "PREFIX_MATCH"}]
    profile = f"arn:aws:signer:us-east-1:{account}:/signing-profiles/{'two' if changed else 'one'}"
    template = {"prefix": "app", "appliedFor": ["CREATE_ON_PUSH"], "description": "new" if changed else "old"}
    rule = {
        "ecrRepositoryPrefix": "ours", "upstreamRegistryUrl": "333333333333.dkr.ecr.us-east-1.amazonaws.com",
        "customRoleArn": f"{arn}/{'two' if changed else 'one'}",
    }  # fmt: skip
    return {
        "account_settings": {
            "settings": [
                {"name": "REGISTRY_POLICY_SCOPE", "value": "V2"},
                {"name": "BLOB_MOUNTING", "value": "DISABLED" if changed else "ENABLED"},
            ]
        },
        "registry_policy": {"policyText": json.dumps({"Version": "2012-10-17", "Statement": [statement]})},
        "repository_creation_templates": {"templates": [template]},
        "pull_through_cache_rules": {"rules": [rule]},
        "replication_configuration": {
            "rules": [{"destinations": [{"region": "us-west-2", "registryId": account}], "repositoryFilters": filters}]
        },
        "scanning_configuration": {"scanType": "BASIC" if changed else "ENHANCED", "rules": []},
        "signing_configuration": {"rules": [{"signingProfileArn": profile}]},
        "pull_time_update_exclusions": {"principalArns": [f"{arn}/{'y' if changed else 'x'}"]},
    }


EMPTY: dict[str, Any] = {
    "registry_policy": {}, "repository_creation_templates": {}, "pull_through_cache_rules": {},
    "replication_configuration": {}, "signing_configuration": {}, "pull_time_update_exclusions": {},
}  # fmt: skip


@pytest.fixture
def place(either: Live) -> Place:
    return either.registry(fresh_account())


def writes(place: Place, more: str = "") -> list[AuditEvent]:
    return list(place.live.client.list_audit_events(f"account = {place.account} AND kind = AWS_WRITE {more}"))[::-1]


def ensure_and_delete_role(place: Place) -> None:
    client, name = place.live.client, f"accounts/{place.account}/serviceLinkedRoles/replication"
    fields: list[dict[str, Any]] = [{"tags": {"a": "1"}}, {"description": "ours", "tags": {"b": "2"}}]
    for members in fields:
        role = ecrkeeper.ServiceLinkedRole(name=name, **members)
        client.update_service_linked_role(role, allow_missing=True)
        client.reconcile_service_linked_role(name).result(timeout=WAIT_SECONDS)
    client.delete_service_linked_role(name).result(timeout=WAIT_SECONDS)


def backfill(place: Place) -> None:
    client = place.live.client
    to = ecrkeeper.ReplicationDestination(region="us-west-2", registry_id=place.account)
    client.start_replication_backfill(place.name, to).result(timeout=WAIT_SECONDS)
    running = {"destination": {"region": "us-west-2", "registryId": place.account}, "status": "IN_PROGRESS"}
    place.seed(backfills=[running])
    names = [b.name for b in client.list_replication_backfills(place.name) if b.status != b.COMPLETE]
    client.stop_replication_backfill(names[0])


def sent(place: Place, since: int) -> set[tuple[str, str, str, str]]:
    """Return the writes that AWS received and their results, by request id."""
    return {
        (
            c["request_id"],
            f"{c['service']}:{c['operation']}",
            c["region"],
            "SUCCEEDED" if c["status"] == 200 else "FAILED",
        )
        for c in place.writes(since)
        if c["status"]
    }


def recorded(place: Place) -> set[tuple[str, str, str, str]]:
    """Return the same from the audit trail."""
    finished = [e for e in writes(place) if e.outcome in (AuditEvent.SUCCEEDED, AuditEvent.FAILED)]
    return {(e.aws_request_id, e.method, e.region, AuditEvent.Outcome.Name(e.outcome)) for e in finished}


def test_audit_trail_matches_writes_sent_to_aws(place: Place) -> None:
    since = place.live.aws.position()
    created = place.live.registry(fresh_account())
    place.converged(declared(place.account, changed=False), allow_replacement=True)
    place.converged(declared(place.account, changed=True), allow_replacement=True)
    backfill(place)
    place.converged(EMPTY)
    ensure_and_delete_role(place)
    ensure_and_delete_role(created)
    calls = [*place.writes(since), *created.writes(since)]
    assert {call["operation"] for call in calls} == EVERY_WRITE, "the run makes every write there is"
    assert all(call["status"] == 200 for call in calls)
    for each in (place, created):
        assert recorded(each) == sent(each, since)
    events = [*writes(place), *writes(created)]
    assert len(events) == len(calls), "one event for one call"
    for event in events:
        assert event.changes, event.method
        assert event.HasField("complete_time")
        by_a_step = event.method != "ecr:StopReplicationBackfill"
        assert (bool(event.generation), bool(event.reconcile_id), bool(event.call_id)) == (
            by_a_step,
            by_a_step,
            not by_a_step,
        )
    policy = next(e for e in events if e.method == "ecr:PutRegistryPolicy")
    assert [(c.setting, c.key) for c in policy.changes] == [("registry_policy", "Cache")]
    assert (list(policy.owners), policy.resource) == (["platform"], place.name)
    removal = next(e for e in events if e.method == "ecr:DeletePullThroughCacheRule")
    assert removal.changes[0].HasField("before")


def test_failed_or_unanswered_write_is_recorded(place: Place) -> None:
    rules = [{"ecrRepositoryPrefix": p, "upstreamRegistryUrl": "quay.io"} for p in ("one", "two")]
    of_rules = {"service": "ecr", "operation": "CreatePullThroughCacheRule", "account": place.account, "count": 1}
    since = place.live.aws.position()
    place.live.aws.control(
        "POST", "faults", {**of_rules, "kind": "error", "code": "LimitExceededException", "status": 400}
    )
    place.apply({"pull_through_cache_rules": {"rules": rules}})
    failed, succeeded = eventually(lambda: [e for e in writes(place) if e.HasField("complete_time")])
    assert (failed.outcome, failed.aws_error_code) == (AuditEvent.FAILED, "LimitExceeded")
    assert succeeded.outcome == AuditEvent.SUCCEEDED
    assert recorded(place) == sent(place, since)
    info = ErrorInfo()
    eventually(lambda: place.read().last_error.details)[0].Unpack(info)
    assert info.metadata["aws_request_id"] == failed.aws_request_id
    place.live.aws.control("POST", "faults", {**of_rules, "kind": "drop_after"})
    place.live.client.reconcile_registry(place.name)
    unanswered = eventually(lambda: [e for e in writes(place, "AND outcome = UNKNOWN") if e.HasField("complete_time")])
    assert [(e.method, e.aws_request_id) for e in unanswered] == [("ecr:CreatePullThroughCacheRule", "")]
    methods = Counter(f"{c['service']}:{c['operation']}" for c in place.writes(since))
    assert Counter(e.method for e in writes(place) if e.outcome != AuditEvent.NOT_SENT) == methods


def test_unsent_write_is_recorded(place: Place) -> None:
    """The first of two calls gets no answer, which ends the attempt."""
    of_policy = {
        "service": "ecr",
        "operation": "PutRegistryPolicy",
        "account": place.account,
        "count": 1,
        "kind": "drop",
    }
    place.live.aws.control("POST", "faults", of_policy)
    declaration = declared(place.account, changed=False)
    place.apply({name: declaration[name] for name in ("registry_policy", "pull_time_update_exclusions")})
    first, second = eventually(lambda: [e for e in writes(place)[:2] if e.HasField("complete_time")])
    assert (first.method, first.outcome) == ("ecr:PutRegistryPolicy", AuditEvent.UNKNOWN)
    assert (second.method, second.outcome) == ("ecr:RegisterPullTimeUpdateExclusion", AuditEvent.NOT_SENT)


def test_rejected_call_is_recorded_as_failed_write(place: Place) -> None:
    unknown = f"{place.name}/replicationBackfills/00000000-0000-4000-8000-000000000000"
    with pytest.raises(ecrkeeper.RegistryError):
        place.live.client.stop_replication_backfill(unknown)
    (event,) = place.live.client.list_audit_events(f"account = {place.account}")
    assert (event.method, event.outcome) == ("ecr:StopReplicationBackfill", AuditEvent.FAILED)
    assert event.aws_request_id and event.aws_error_code
