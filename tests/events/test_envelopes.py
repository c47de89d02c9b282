"""Bodies of messages are read strictly."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from ecrkeeper_server.events.envelopes import (
    Delivery,
    Forged,
    OrganizationChange,
    RegionChange,
    Unrelated,
    parse_body,
    parse_lookup,
)
from ecrkeeper_server.events.fields import Malformed
from ecrkeeper_server.events.records import Record
from ecrkeeper_server.names import RegistryName
from hypothesis import given
from hypothesis import strategies as st

from tests.events.samples import (
    ACCOUNT,
    CACHE,
    OTHER,
    QUEUE_ACCOUNT,
    RECORD,
    REGION,
    REPLICATION,
    ROLE_ARN,
    SESSION_ARN,
    changed,
    event,
    notification,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def parsed(event: Any) -> Any:
    return parse_body(json.dumps(event), QUEUE_ACCOUNT)


@pytest.mark.parametrize("body", [json.dumps(event()), notification(event())], ids=["bare", "sns"])
def test_call_names_registry_and_actor(body: str) -> None:
    record = parse_body(body, QUEUE_ACCOUNT)
    assert isinstance(record, Record)
    assert (record.account, record.region, record.operation) == (ACCOUNT, REGION, "PutReplicationConfiguration")
    actor = record.actor
    assert (actor.principal, actor.session, actor.source_ip) == (ROLE_ARN, "ann", "203.0.113.12")
    assert (actor.user_agent, actor.event_time) == ("aws-cli/2.31", 1_795_773_600_000_000)
    assert record.arn == SESSION_ARN


def test_forwarding_changes_neither_registry_nor_acceptance() -> None:
    record = parsed(event(account=QUEUE_ACCOUNT, region="us-east-1"))
    assert (record.account, record.region) == (ACCOUNT, REGION)


MALFORMED = [
    (changed(event(), "detail", ...), "no detail"),
    (changed(event(), "detail", None), "null detail"),
    (changed(event(), "detail", [RECORD]), "detail is a list"),
    (changed(event(), "detail.eventName", ...), "no operation"),
    (changed(event(), "detail.eventName", ["PutX"]), "operation of another type"),
    (changed(event(), "detail.eventName", "a\nb"), "operation with a line end"),
    (changed(event(), "detail.eventID", "x' OR 1=1"), "event id that is no UUID"),
    (changed(event(), "detail.eventTime", 1_700_000_000), "time as a number"),
    (changed(event(), "detail.eventTime", "2026-13-41T99:00:00Z"), "time that cannot be"),
    (changed(event(), "detail.eventTime", "1900-01-01T00:00:00Z"), "time before the epoch"),
    (changed(event(), "detail.awsRegion", "mars-1"), "Region that no partition has"),
    (changed(event(), "detail.recipientAccountId", "12"), "account of two digits"),
    (changed(event(), "detail.userIdentity", "root"), "identity is a text"),
    (changed(event(), "detail.userIdentity.sessionContext", []), "session is a list"),
    (changed(event(), "detail.readOnly", "no"), "readOnly is a text"),
    (changed(event(), "account", None), "event without an account"),
    (changed(event(), "detail-type", 7), "detail-type of another type"),
    (changed(REPLICATION, "detail.source-account", "x"), "replication from no account"),
    (changed(REPLICATION, "resources", "x"), "resources is a text"),
    (changed(REPLICATION, "resources", ["arn:aws-cn:ecr:us-west-2:333333333333:repository/app"]), "wrong partition"),
    (changed(CACHE, "detail.ecr-repository-prefix", ""), "no rule"),
    (changed(CACHE, "detail", None), "cache without detail"),
    ({"Type": "Notification", "Message": 5}, "notification of a number"),
    ([], "a list"),
    ("x", "a text"),
]


@pytest.mark.parametrize(("event", "reason"), MALFORMED, ids=[row[1] for row in MALFORMED])
def test_malformed_events_are_recognized(event: Any, reason: str) -> None:
    with pytest.raises(Malformed):
        parsed(event)


@pytest.mark.parametrize(
    "body", ["", "{", "[" * 100_000, '{"a":' * 100_000, '{"detail":NaN}', '"\\ud800"', "1" * 2_000_000, "\x00"]
)
def test_bodies_that_are_no_json_are_malformed(body: str) -> None:
    with pytest.raises(Malformed):
        parse_body(body, QUEUE_ACCOUNT)


ORGANIZATION = {
    **RECORD,
    "eventSource": "organizations.amazonaws.com",
    "eventName": "MoveAccount",
    "awsRegion": "us-east-1",
}
OPT_IN = {
    "version": "0", "id": "5d9b7d1e-0000-4000-8000-000000000006", "detail-type": "Region Opt-In Status Change",
    "source": "aws.account", "account": ACCOUNT, "time": "2026-11-27T10:00:05Z", "region": "us-east-1",
    "resources": [f"arn:aws:account::{ACCOUNT}:account"],
    "detail": {"accountId": ACCOUNT, "regionName": "af-south-1", "status": "ENABLED"},
}  # fmt: skip
SERVICE_EVENT = {**ORGANIZATION, "eventName": "CreateAccountResult", "eventType": "AwsServiceEvent"}


@pytest.mark.parametrize(
    "event",
    [event(ORGANIZATION), event(SERVICE_EVENT, **{"detail-type": "AWS Service Event via CloudTrail"})],
    ids=["call", "service event"],
)
def test_changes_of_an_organization_are_reported(event: Any) -> None:
    assert parsed(event) == OrganizationChange("us-east-1")
    for unrelated in (changed(event, "detail.readOnly", True), changed(event, "detail.errorCode", "AccessDenied")):
        with pytest.raises(Unrelated):
            parsed(unrelated)


def test_region_change_names_its_account() -> None:
    assert parsed(OPT_IN) == parsed({**OPT_IN, "account": QUEUE_ACCOUNT}) == RegionChange(ACCOUNT, "af-south-1")
    with pytest.raises(Unrelated):
        parsed(changed(OPT_IN, "detail.status", "ENABLING"))
    with pytest.raises(Malformed):
        parsed(changed(OPT_IN, "detail.accountId", "x"))


FORGED = [
    ({**OPT_IN, "account": OTHER}, "a Region of another account"),
    ({**OPT_IN, "source": "aws.ecr"}, "a Region that another service tells of"),
    ({**event(ORGANIZATION), "source": "aws.ecr"}, "a call of another service than the source"),
    ({**event(), "source": "aws.organizations"}, "a call on ECR that the organization tells of"),
    (event(source="my.app"), "a source that anybody may use"),
    (event(source="aws.iam"), "a source of another service than the record's"),
    (event(account=OTHER), "an account that is neither the record's nor the queue's"),
    (changed(REPLICATION, "source", "aws.iam"), "a replication that ECR did not send"),
]


@pytest.mark.parametrize(("event", "reason"), FORGED, ids=[row[1] for row in FORGED])
def test_forged_events_are_recognized(event: Any, reason: str) -> None:
    with pytest.raises(Forged):
        parsed(event)


@pytest.mark.parametrize(
    "event", [{**event(), "detail-type": "EC2 Instance State-change Notification"}, {**event(), "detail-type": ""}]
)
def test_other_events_are_unrelated(event: Any) -> None:
    with pytest.raises(Unrelated):
        parsed(event)


def test_replication_is_of_the_source_registry_and_names_the_destination() -> None:
    delivery = parsed({**REPLICATION, "account": QUEUE_ACCOUNT, "region": "us-east-1"})
    assert isinstance(delivery, Delivery)
    assert (delivery.registry, delivery.place) == (RegistryName(ACCOUNT, REGION), RegistryName(OTHER, "us-west-2"))
    assert (delivery.target, delivery.succeeded, delivery.reason) == (f"{OTHER}/us-west-2", False, "FAILED")


def test_cache_failure_has_code_and_reason() -> None:
    delivery = parsed(CACHE)
    assert (delivery.target, delivery.succeeded) == ("quay", False)
    assert delivery.reason == "UPSTREAM_ACCESS_DENIED: denied"
    assert parsed(changed(CACHE, "detail.sync-status", "SUCCESS")).reason == ""


def test_text_of_others_is_shortened_and_made_visible() -> None:
    record = changed(RECORD, "userAgent", "a\u202eb\x00" + "x" * 10_000)
    user_agent = parsed(event(record)).actor.user_agent
    assert user_agent.startswith("a\\u202eb\\x00")
    assert len(user_agent) < 600


@given(JSON)
def test_any_json_is_an_event_or_an_error_that_is_expected(value: Any) -> None:
    with contextlib.suppress(Malformed, Forged, Unrelated):
        parsed(value)


@given(st.sampled_from(sorted(RECORD)), JSON)
def test_any_member_of_a_record_may_be_anything(member: str, value: Any) -> None:
    with contextlib.suppress(Malformed, Forged, Unrelated):
        parsed(event(changed(RECORD, member, value), account=ACCOUNT, source="aws.ecr"))


@given(st.sampled_from([REPLICATION, CACHE]), st.sampled_from(["id", "time", "resources", "detail", "account"]), JSON)
def test_any_member_of_a_delivery_may_be_anything(delivery: dict[str, Any], member: str, value: Any) -> None:
    with contextlib.suppress(Malformed, Forged, Unrelated):
        parsed(changed(delivery, member, value))


@given(st.text(max_size=200))
def test_any_text_is_an_event_or_an_error_that_is_expected(body: str) -> None:
    for parse in (lambda: parse_body(body, QUEUE_ACCOUNT), lambda: parse_lookup(body)):
        with contextlib.suppress(Malformed, Forged, Unrelated):
            parse()
