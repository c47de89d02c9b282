"""Events on their way to queues: routes, permissions, forms and faults."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Callable
from typing import Any

import pytest
from ecrkeeper_sim.event_faults import VARIANTS
from hypothesis import given
from hypothesis import strategies as st

from .conftest import ACCOUNT, REGION, Aws

CENTRAL = "222222222222"
ATTACKER = "999999999999"
ARN = f"arn:aws:sqs:{REGION}:{CENTRAL}:events"
RULE = f"arn:aws:events:{REGION}:{CENTRAL}:rule/ecrkeeper"


class Bus:
    """A central queue behind a rule."""

    def __init__(self, aws: Aws, attributes: dict[str, str] | None = None, **route: Any) -> None:
        self.aws = aws
        body = {"account": CENTRAL, "region": REGION, "name": "events", "attributes": attributes or {}}
        self.url = aws.control("PUT", "queues", body)["url"]
        aws.control("PUT", "events/routes", {"routes": [{"queue": ARN, **route}]})

    def write(self, region: str = REGION, key: str = ACCOUNT, times: int = 1) -> None:
        for number in range(times):
            value = "ENABLED" if number % 2 else "DISABLED"
            self.aws.client("ecr", region, key).put_account_setting(name="BLOB_MOUNTING", value=value)

    def fault(self, **rule: Any) -> None:
        self.aws.control("POST", "events/faults", rule)

    def messages(self) -> list[dict[str, Any]]:
        """Receive and delete every message that is visible."""
        sqs, received = self.aws.client("sqs", key=CENTRAL), []
        while batch := sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"):
            received += batch
            entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(batch)]
            assert not sqs.delete_message_batch(QueueUrl=self.url, Entries=entries).get("Failed")
        return received

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(message["Body"]) for message in self.messages()]

    def counts(self) -> dict[str, Any]:
        counters: dict[str, Any] = self.aws.control("GET", "events")
        return counters


def test_write_reaches_the_central_queue_in_its_envelope(aws: Aws) -> None:
    bus = Bus(aws)
    answer = aws.client("ecr", "eu-west-1").put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    (event,) = bus.events()
    detail = event.pop("detail")
    assert event.pop("id") not in ("", detail["eventID"])
    assert event == {
        "version": "0",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.ecr",
        "account": ACCOUNT,
        "time": detail["eventTime"],
        "region": "eu-west-1",
        "resources": [],
    }
    assert detail["requestID"] == answer["ResponseMetadata"]["RequestId"]
    stored = aws.client("cloudtrail", "eu-west-1").lookup_events()["Events"][0]["CloudTrailEvent"]
    assert detail == json.loads(stored)


def test_nothing_is_delivered_without_a_rule(aws: Aws) -> None:
    bus = Bus(aws)
    aws.control("PUT", "events/routes", {"routes": []})
    bus.write()
    assert bus.events() == []


ROUTES: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("every account and Region", {}, [(ACCOUNT, REGION), (ACCOUNT, "eu-west-1"), (CENTRAL, REGION)]),
    ("one account", {"accounts": [CENTRAL]}, [(CENTRAL, REGION)]),
    ("one Region", {"regions": ["eu-west-1"]}, [(ACCOUNT, "eu-west-1")]),
    ("another source", {"sources": ["aws.iam"]}, []),
    ("no account", {"accounts": []}, []),
]


@pytest.mark.parametrize(("reason", "route", "expected"), ROUTES, ids=[row[0] for row in ROUTES])
def test_rule_selects_events(aws: Aws, reason: str, route: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    bus = Bus(aws, **route)
    for account, region in ROUTES[0][2]:
        bus.write(region, account)
    assert [(event["account"], event["region"]) for event in bus.events()] == expected


def test_forwarding_can_rewrite_the_envelope(aws: Aws) -> None:
    bus = Bus(aws, rewrite_envelope=True)
    bus.write("eu-west-1")
    (event,) = bus.events()
    assert (event["account"], event["region"]) == (CENTRAL, REGION)
    assert (event["detail"]["recipientAccountId"], event["detail"]["awsRegion"]) == (ACCOUNT, "eu-west-1")


def test_sns_wraps_the_event(aws: Aws) -> None:
    bus = Bus(aws, form="sns")
    bus.write()
    (envelope,) = bus.events()
    assert set(envelope) == {
        "Type", "MessageId", "TopicArn", "Message", "Timestamp", "SignatureVersion", "Signature", "SigningCertURL",
        "UnsubscribeURL",
    }  # fmt: skip
    assert (envelope["Type"], envelope["TopicArn"]) == ("Notification", f"arn:aws:sns:{REGION}:{CENTRAL}:ecrkeeper")
    assert json.loads(envelope["Message"])["detail"]["eventName"] == "PutAccountSetting"


def allowing(service: str, **condition: Any) -> dict[str, str]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": ARN}
    statements = [{**statement, **({"Condition": condition} if condition else {})}]
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": statements})}


EVENTS = "events.amazonaws.com"
POLICIES: list[tuple[str, dict[str, str], dict[str, Any], bool]] = [
    ("EventBridge is allowed", allowing(EVENTS), {}, True),
    ("the rule is allowed", allowing(EVENTS, ArnEquals={"aws:SourceArn": RULE}), {}, True),
    ("another rule is allowed", allowing(EVENTS, ArnEquals={"aws:SourceArn": RULE + "2"}), {}, False),
    ("the account is allowed", allowing(EVENTS, StringEquals={"aws:SourceAccount": CENTRAL}), {}, True),
    ("an organization is no source", allowing(EVENTS, StringEquals={"aws:PrincipalOrgID": "o-1"}), {}, False),
    ("SNS is not EventBridge", allowing("sns.amazonaws.com"), {}, False),
    ("SNS is allowed", allowing("sns.amazonaws.com"), {"form": "sns"}, True),
    ("no statement", {"Policy": '{"Statement": []}'}, {}, False),
    ("the key of AWS is not for EventBridge", {"KmsMasterKeyId": "alias/aws/sqs"}, {}, False),
    ("a key of the customer", {"KmsMasterKeyId": "1234"}, {}, True),
    ("a queue that does not exist", {}, {"queue": ARN + "2"}, False),
]


@pytest.mark.parametrize(("reason", "attributes", "route", "delivered"), POLICIES, ids=[row[0] for row in POLICIES])
def test_queue_must_let_the_service_send(
    aws: Aws, reason: str, attributes: dict[str, str], route: dict[str, Any], delivered: bool
) -> None:
    bus = Bus(aws, attributes, **route)
    bus.write()
    counts = bus.counts()
    assert (counts["delivered"], counts["undelivered"]) == ((1, 0) if delivered else (0, 1))
    assert bool(counts["last_failure"]) is not delivered
    assert len(bus.messages()) == counts["delivered"]


def test_delay_follows_the_simulated_clock(aws: Aws) -> None:
    aws.settings(event_delay_seconds=5)
    bus = Bus(aws)
    bus.fault(kind="delay", seconds=2)
    bus.write()
    aws.advance(6.5)
    assert (bus.events(), bus.counts()["pending"]) == ([], 1)
    aws.advance(1)
    (message,) = bus.messages()
    assert bus.counts()["pending"] == 0
    assert json.loads(message["Body"])["detail"]["eventName"] == "PutAccountSetting"


def test_duplicates_share_the_event_id_and_not_the_message(aws: Aws) -> None:
    bus = Bus(aws)
    bus.fault(kind="duplicate", copies=2)
    bus.write()
    messages = bus.messages()
    assert len({message["MessageId"] for message in messages}) == 3
    assert len({json.loads(message["Body"])["detail"]["eventID"] for message in messages}) == 1


def test_share_of_events_is_lost(aws: Aws) -> None:
    aws.settings(seed=3)
    bus = Bus(aws)
    bus.fault(kind="lose", probability=0.2)
    bus.write(times=100)
    counts = bus.counts()
    assert counts["published"] == 100 == counts["lost"] + counts["delivered"]
    assert 5 < counts["lost"] < 40
    assert len(bus.events()) == counts["delivered"]


def test_reorder_shuffles_and_loses_nothing(aws: Aws) -> None:
    aws.settings(seed=3)
    bus = Bus(aws)
    bus.fault(kind="reorder", seconds=10)
    bus.write(times=20)
    aws.advance(10)
    sent = [e["request_id"] for e in aws.requests() if e["operation"] == "PutAccountSetting"]
    arrived = [event["detail"]["requestID"] for event in bus.events()]
    assert sorted(arrived) == sorted(sent)
    assert arrived != sent


BROKEN: list[tuple[str, Callable[[str], bool]]] = [
    ("truncated", lambda text: not is_json(text)),
    ("nested", lambda text: len(text) == 100_000),
    ("not_an_object", lambda text: isinstance(json.loads(text), list)),
    ("no_detail", lambda text: "detail" not in json.loads(text)),
    ("null_detail", lambda text: json.loads(text)["detail"] is None),
    ("no_event_name", lambda text: "eventName" not in json.loads(text)["detail"]),
    ("wrong_types", lambda text: json.loads(text)["detail"]["eventName"] == 7),
]


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(("variant", "broken"), BROKEN, ids=[row[0] for row in BROKEN])
def test_malformed_event_is_broken_as_its_variant_says(aws: Aws, variant: str, broken: Callable[[str], bool]) -> None:
    bus = Bus(aws)
    bus.fault(kind="malform", variant=variant, count=1)
    bus.write(times=2)
    first, second = bus.messages()
    assert broken(first["Body"])
    assert json.loads(second["Body"])["detail"]["eventName"] == "PutAccountSetting"


def test_every_variant_is_tested() -> None:
    assert {row[0] for row in BROKEN} == set(VARIANTS)


FORGED: list[tuple[str, dict[str, str], tuple[str, str]]] = [
    ("by PutEvents", {"forged_source": "my.app"}, ("my.app", ACCOUNT)),
    ("by another account", {"forged_account": ATTACKER}, ("aws.ecr", ATTACKER)),
    ("by both", {"forged_source": "my.app", "forged_account": ATTACKER}, ("my.app", ATTACKER)),
]


@pytest.mark.parametrize(("reason", "members", "expected"), FORGED, ids=[row[0] for row in FORGED])
def test_forged_event_comes_beside_the_true_one(
    aws: Aws, reason: str, members: dict[str, str], expected: tuple[str, str]
) -> None:
    bus = Bus(aws)
    bus.fault(kind="forge", **members)
    bus.write()
    true, forged = bus.events()
    assert (true["source"], true["account"]) == ("aws.ecr", ACCOUNT)
    assert (forged["source"], forged["account"]) == expected
    assert forged["detail"]["recipientAccountId"] == ACCOUNT
    assert forged["detail"]["eventID"] != true["detail"]["eventID"]
    assert forged["id"] != true["id"]


def test_faults_apply_in_their_order_and_only_where_they_match(aws: Aws) -> None:
    bus = Bus(aws)
    bus.fault(kind="duplicate", copies=2, region="eu-west-1", event_name="PutAccountSetting")
    bus.fault(kind="delay", seconds=2, account=ACCOUNT)
    bus.fault(kind="malform", detail_type="ECR Replication Action")
    bus.write("eu-west-1")
    bus.write()
    bus.write(key=CENTRAL)
    assert [event["account"] for event in bus.events()] == [CENTRAL]
    aws.advance(2)
    assert sorted(event["region"] for event in bus.events()) == ["eu-west-1"] * 3 + [REGION]
    aws.control("DELETE", "events/faults")
    assert aws.control("GET", "events/faults") == {"faults": []}


SERVICE_EVENTS: list[tuple[str, str, dict[str, Any], str, str, dict[str, Any]]] = [
    (
        "ECR Replication Action",
        "eu-west-1",
        {"result": "FAILED", "source-account": CENTRAL},
        "aws.ecr",
        "eu-west-1",
        {"result": "FAILED", "source-account": CENTRAL, "source-region": "eu-west-1", "action-type": "REPLICATE"},
    ),
    (
        "ECR Pull Through Cache Action",
        "eu-west-1",
        {"sync-status": "FAILURE", "failure-code": "UPSTREAM_UNAVAILABLE", "failure-reason": "timeout"},
        "aws.ecr",
        "eu-west-1",
        {"sync-status": "FAILURE", "failure-code": "UPSTREAM_UNAVAILABLE", "ecr-repository-prefix": "quay"},
    ),
    (
        "Region Opt-In Status Change",
        "me-south-1",
        {"status": "DISABLING"},
        "aws.account",
        "us-east-1",
        {"accountId": ACCOUNT, "regionName": "me-south-1", "status": "DISABLING"},
    ),
]


@pytest.mark.parametrize(
    ("kind", "region", "detail", "source", "appears", "expected"),
    SERVICE_EVENTS,
    ids=[row[0] for row in SERVICE_EVENTS],
)
def test_control_plane_emits_service_events(
    aws: Aws, kind: str, region: str, detail: dict[str, Any], source: str, appears: str, expected: dict[str, Any]
) -> None:
    bus = Bus(aws)
    body = {"detail_type": kind, "account": ACCOUNT, "region": region, "detail": detail}
    emitted = aws.control("POST", "events", [body])["events"]
    assert bus.events() == emitted
    (event,) = emitted
    assert (event["source"], event["detail-type"]) == (source, kind)
    assert (event["account"], event["region"]) == (ACCOUNT, appears)
    assert expected.items() <= event["detail"].items()
    assert event["resources"]


MALFORMED: list[tuple[str, str, str, Any]] = [
    ("an unknown kind", "POST", "events/faults", {"kind": "explode"}),
    ("an unknown member", "POST", "events/faults", {"kind": "lose", "when": "now"}),
    ("an unknown variant", "POST", "events/faults", {"kind": "malform", "variant": "x"}),
    ("nothing is forged", "POST", "events/faults", {"kind": "forge"}),
    ("too many copies", "POST", "events/faults", {"kind": "duplicate", "copies": 1001}),
    ("back in time", "POST", "events/faults", {"kind": "delay", "seconds": -1}),
    ("no ARN", "PUT", "events/routes", {"routes": [{"queue": "events"}]}),
    ("an unknown form", "PUT", "events/routes", {"routes": [{"queue": ARN, "form": "x"}]}),
    ("an unknown member of a route", "PUT", "events/routes", {"routes": [{"queue": ARN, "x": 1}]}),
    ("an unknown event", "POST", "events", {"detail_type": "x", "account": ACCOUNT, "region": REGION}),
    ("an event without an account", "POST", "events", {"detail_type": "ECR Replication Action", "region": REGION}),
    ("an invalid attribute", "PUT", "queues", {"account": "1", "region": "r", "name": "q", "attributes": {"x": "1"}}),
]


@pytest.mark.parametrize(("reason", "method", "path", "body"), MALFORMED, ids=[row[0] for row in MALFORMED])
def test_malformed_control_call_is_rejected(aws: Aws, reason: str, method: str, path: str, body: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        aws.control(method, path, body)
    assert caught.value.code == 400
    assert aws.control("GET", "events/faults") == {"faults": []}


def test_reset_forgets_routes_faults_queues_and_events(aws: Aws) -> None:
    aws.settings(event_delay_seconds=5)
    bus = Bus(aws)
    bus.fault(kind="lose", count=0)
    bus.write()
    aws.control("POST", "reset")
    assert aws.control("GET", "events/routes") == {"routes": []}
    assert aws.control("GET", "queues") == {"queues": []}
    counts = bus.counts()
    assert (counts["pending"], counts["published"]) == (0, 0)


def test_events_on_their_way_are_bounded(aws: Aws) -> None:
    aws.settings(event_delay_seconds=5, max_queue_messages=3)
    bus = Bus(aws)
    bus.fault(kind="duplicate", copies=9)
    bus.write()
    counts = bus.counts()
    assert (counts["pending"], counts["discarded"]) == (3, 7)


def test_control_plane_shows_queues(aws: Aws) -> None:
    bus = Bus(aws)
    bus.write(times=2)
    aws.client("sqs", key=CENTRAL).receive_message(QueueUrl=bus.url)
    (queue,) = aws.control("GET", "queues")["queues"]
    assert (queue["arn"], queue["url"]) == (ARN, bus.url)
    assert (queue["visible"], queue["in_flight"], queue["delayed"]) == (1, 1, 0)


@given(variant=st.sampled_from(sorted(VARIANTS)), name=st.text(max_size=5), region=st.text(max_size=5))
def test_malformed_text_is_never_the_event_itself(variant: str, name: str, region: str) -> None:
    event = {"source": "aws.ecr", "detail-type": "x", "region": region, "detail": {"eventName": name}}
    text = VARIANTS[variant](event)
    assert text != json.dumps(event)
    assert 0 < len(text) <= 100_000
