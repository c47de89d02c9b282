"""CloudTrail records of writes, and LookupEvents."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore
import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, REGION, Aws, rejection

OTHER = "222222222222"
QUAY = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
RULES = {"rules": [{"destinations": [{"region": "us-west-2", "registryId": ACCOUNT}]}]}
CACHE = "pullthroughcache.ecr.amazonaws.com"


def lookup(aws: Aws, region: str = REGION, key: str = ACCOUNT, **options: Any) -> list[dict[str, Any]]:
    """Return all events of one page, newest first."""
    aws.settings(lookup_events_per_second=0)
    events: list[dict[str, Any]] = aws.client("cloudtrail", region, key).lookup_events(**options)["Events"]
    return events


def records(aws: Aws, region: str = REGION, key: str = ACCOUNT) -> list[dict[str, Any]]:
    """Return the records of an account in a Region, oldest first."""
    return [json.loads(event["CloudTrailEvent"]) for event in reversed(lookup(aws, region, key))]


def test_record_of_an_accepted_write_has_the_documented_members(aws: Aws) -> None:
    aws.client("iam").create_service_linked_role(AWSServiceName=CACHE)
    session = aws.assume()
    answer = aws.client("ecr", "eu-west-1", **session, user_agent="keeper/1").create_pull_through_cache_rule(**QUAY)
    (record,) = records(aws, "eu-west-1")
    identity = record.pop("userIdentity")
    now = datetime.fromtimestamp(aws.control("GET", "clock")["now"], UTC)
    assert record.pop("eventID")
    assert record == {
        "eventVersion": "1.09",
        "eventTime": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": "ecr.amazonaws.com",
        "eventName": "CreatePullThroughCacheRule",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "127.0.0.1",
        "userAgent": f"keeper/1 Botocore/{botocore.__version__}",
        "requestParameters": QUAY,
        "responseElements": {
            **QUAY,
            "upstreamRegistry": "quay",
            "createdAt": f"{now:%b %-d, %Y, %-I:%M:%S %p}",
            "registryId": ACCOUNT,
        },
        "requestID": answer["ResponseMetadata"]["RequestId"],
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }
    issuer = identity["sessionContext"]["sessionIssuer"]
    assert (identity["type"], identity["accessKeyId"]) == ("AssumedRole", session["key"])
    assert identity["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/keeper/test"
    assert identity["principalId"] == f"{issuer['principalId']}:test"
    assert issuer == {
        "type": "Role",
        "principalId": issuer["principalId"],
        "arn": f"arn:aws:iam::{ACCOUNT}:role/keeper",
        "accountId": ACCOUNT,
        "userName": "keeper",
    }
    assert identity["sessionContext"]["attributes"]["creationDate"] == record["eventTime"]


def test_role_that_ecr_creates_is_recorded_for_the_caller(aws: Aws) -> None:
    aws.client("ecr", "eu-west-1", **aws.assume()).create_pull_through_cache_rule(**QUAY)
    (record,) = records(aws)
    assert (record["eventName"], record["eventSource"]) == ("CreateServiceLinkedRole", "iam.amazonaws.com")
    assert (record["awsRegion"], record["userIdentity"]["invokedBy"]) == (REGION, CACHE)
    assert record["userIdentity"]["arn"].endswith(":assumed-role/keeper/test")
    assert record["sourceIPAddress"] == record["userAgent"] == CACHE
    assert record["requestParameters"] == {"aWSServiceName": CACHE}
    role = record["responseElements"]["role"]
    assert set(role) == {"path", "roleName", "roleId", "arn", "createDate", "assumeRolePolicyDocument"}
    assert "invokedBy" not in records(aws, "eu-west-1")[0]["userIdentity"]


def test_root_caller_is_recorded_as_root(aws: Aws) -> None:
    aws.client("ecr").put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    assert records(aws)[0]["userIdentity"] == {
        "type": "Root",
        "principalId": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:root",
        "accountId": ACCOUNT,
        "accessKeyId": ACCOUNT,
    }


def deny(aws: Aws) -> None:
    """Let assumed roles do nothing."""
    aws.settings(iam_policy={"Version": "2012-10-17", "Statement": []})


@dataclass(frozen=True)
class Rejected:
    reason: str
    prepare: Callable[[Aws], Any]
    code: str
    parameters: dict[str, Any]


def fault(**rule: Any) -> Callable[[Aws], Any]:
    return lambda aws: aws.control("POST", "faults", rule)


REJECTED = [
    Rejected("the policy denies it", deny, "AccessDeniedException", {"replicationConfiguration": RULES}),
    Rejected("AWS throttles it", fault(kind="throttle"), "ThrottlingException", {"replicationConfiguration": RULES}),
    Rejected("AWS fails", fault(kind="error"), "ServerException", {"replicationConfiguration": RULES}),
    Rejected("a parameter is missing", lambda aws: None, "InvalidParameterException", {}),
]


@pytest.mark.parametrize("case", REJECTED, ids=lambda case: case.reason)
def test_rejected_write_is_recorded_with_its_error(aws: Aws, case: Rejected) -> None:
    ecr = aws.client("ecr", **aws.assume())
    case.prepare(aws)
    with pytest.raises(ClientError) as caught:
        ecr.put_replication_configuration(**case.parameters)
    aws.control("DELETE", "faults")
    (record,) = records(aws)
    error = caught.value.response
    assert (record["errorCode"], record["errorMessage"]) == (case.code, error["Error"]["Message"])
    assert record["requestID"] == error["ResponseMetadata"]["RequestId"]
    assert record["requestParameters"] == (case.parameters or None)
    assert record["responseElements"] is None


NOT_RECORDED: list[tuple[str, Callable[[Aws], Any]]] = [
    ("a read", lambda aws: aws.client("ecr").describe_registry()),
    ("a rejected read", lambda aws: rejection(aws.client("ecr").get_registry_policy)),
    (
        "an operation that is not simulated",
        lambda aws: rejection(aws.client("ecr").put_lifecycle_policy, repositoryName="a"),
    ),
    ("a change by the control plane", lambda aws: aws.seed(replicationConfiguration=RULES)),
    ("a caller that AWS does not know", lambda aws: rejection(aws.client("ecr", key="ASIA1").delete_registry_policy)),
]


@pytest.mark.parametrize(("reason", "act"), NOT_RECORDED, ids=[row[0] for row in NOT_RECORDED])
def test_other_calls_leave_no_record(aws: Aws, reason: str, act: Callable[[Aws], Any]) -> None:
    act(aws)
    assert records(aws) == []


def test_lost_answer_is_recorded_and_a_lost_request_is_not(aws: Aws) -> None:
    ecr = aws.client("ecr")
    for kind, number in (("drop", 0), ("drop_after", 1)):
        aws.control("POST", "faults", {"kind": kind, "count": 1})
        with pytest.raises(Exception, match="Connection was closed"):
            ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
        assert len(records(aws)) == number
    sent = [entry["request_id"] for entry in aws.requests() if entry["operation"] == "PutAccountSetting"]
    assert sent[1] == records(aws)[0]["requestID"]


@pytest.mark.parametrize(
    ("partition", "caller_region", "home"),
    [
        ("aws", "eu-west-1", "us-east-1"),
        ("aws-cn", "cn-northwest-1", "cn-north-1"),
        ("aws-us-gov", "us-gov-east-1", "us-gov-west-1"),
    ],
)
def test_role_events_appear_in_the_home_region_only(aws: Aws, partition: str, caller_region: str, home: str) -> None:
    iam = aws.client("iam", caller_region)
    iam.create_service_linked_role(AWSServiceName="ecr.amazonaws.com")
    role = "AWSServiceRoleForECRTemplate"
    iam.update_role(RoleName=role, Description="mine")
    iam.tag_role(RoleName=role, Tags=[{"Key": "a", "Value": "b"}])
    iam.untag_role(RoleName=role, TagKeys=["a"])
    iam.delete_service_linked_role(RoleName=role)
    assert records(aws, caller_region) == []
    appeared = records(aws, home)
    assert [(r["eventName"], r["requestParameters"]) for r in appeared] == [
        ("CreateServiceLinkedRole", {"aWSServiceName": "ecr.amazonaws.com"}),
        ("UpdateRole", {"roleName": role, "description": "mine"}),
        ("TagRole", {"roleName": role, "tags": [{"key": "a", "value": "b"}]}),
        ("UntagRole", {"roleName": role, "tagKeys": ["a"]}),
        ("DeleteServiceLinkedRole", {"roleName": role}),
    ]
    assert {r["awsRegion"] for r in appeared} == {home}
    assert f"arn:{partition}:iam::" in appeared[0]["userIdentity"]["arn"]


def test_record_keeps_the_content_of_the_request(aws: Aws) -> None:
    ecr = aws.client("ecr")
    ecr.put_replication_configuration(replicationConfiguration=RULES)
    ecr.put_replication_configuration(replicationConfiguration={"rules": []})
    sent = [r["requestParameters"]["replicationConfiguration"] for r in records(aws) if r["eventName"][:3] == "Put"]
    assert sent == [RULES, {"rules": []}]


def write(aws: Aws, number: int, region: str = REGION, key: str = ACCOUNT) -> None:
    """Make so many writes."""
    for n in range(number):
        name = "ENABLED" if n % 2 else "DISABLED"
        aws.client("ecr", region, key).put_account_setting(name="BLOB_MOUNTING", value=name)


def test_events_belong_to_an_account_and_a_region(aws: Aws) -> None:
    write(aws, 1, "eu-west-1")
    write(aws, 2, "eu-west-1", OTHER)
    assert [len(records(aws, *place)) for place in (("eu-west-1", ACCOUNT), ("eu-west-1", OTHER), (REGION, OTHER))] == [
        1,
        2,
        0,
    ]


def test_events_appear_after_their_delay(aws: Aws) -> None:
    aws.settings(lookup_events_delay_seconds=300)
    write(aws, 1)
    aws.advance(299)
    assert lookup(aws) == []
    aws.advance(2)
    assert len(lookup(aws)) == 1


def test_events_are_forgotten_after_90_days(aws: Aws) -> None:
    write(aws, 1)
    aws.advance(90 * 86400 - 1)
    write(aws, 1)
    assert len(lookup(aws)) == 2
    aws.advance(5)
    assert len(lookup(aws)) == 1


def test_number_of_records_is_bounded_over_all_accounts(aws: Aws) -> None:
    aws.settings(max_events=3)
    write(aws, 2)
    write(aws, 2, key=OTHER)
    assert [len(records(aws)), len(records(aws, key=OTHER))] == [1, 2]


def test_pages_hold_50_events_newest_first(aws: Aws) -> None:
    write(aws, 120)
    aws.settings(lookup_events_per_second=0)
    pages = list(aws.client("cloudtrail").get_paginator("lookup_events").paginate())
    assert [len(page["Events"]) for page in pages] == [50, 50, 20]
    event_ids = [event["EventId"] for page in pages for event in page["Events"]]
    assert len(set(event_ids)) == 120
    logged = [entry["request_id"] for entry in aws.requests() if entry["operation"] == "PutAccountSetting"]
    shown = [json.loads(event["CloudTrailEvent"])["requestID"] for page in pages for event in page["Events"]]
    assert shown == logged[::-1]


def test_page_token_holds_while_new_events_arrive(aws: Aws) -> None:
    write(aws, 4)
    first = aws.client("cloudtrail").lookup_events(MaxResults=2)
    write(aws, 2)
    second = lookup(aws, MaxResults=2, NextToken=first["NextToken"])
    assert not {e["EventId"] for e in first["Events"]} & {e["EventId"] for e in second}
    assert len(second) == 2


FILTERS: list[tuple[str, str, str, int]] = [
    ("by operation", "EventName", "PutAccountSetting", 1),
    ("by operation, exactly", "EventName", "putaccountsetting", 0),
    ("by service", "EventSource", "iam.amazonaws.com", 1),
    ("by session", "Username", "test", 1),
    ("by key", "AccessKeyId", ACCOUNT, 1),
    ("all are writes", "ReadOnly", "false", 2),
    ("none is a read", "ReadOnly", "true", 0),
    ("by role", "ResourceName", "AWSServiceRoleForECRTemplate", 1),
    ("by kind of resource", "ResourceType", "AWS::IAM::Role", 1),
    ("no such event", "EventId", "none", 0),
]


@pytest.mark.parametrize(("reason", "key", "value", "number"), FILTERS, ids=[row[0] for row in FILTERS])
def test_filter_selects_by_one_attribute(aws: Aws, reason: str, key: str, value: str, number: int) -> None:
    write(aws, 1)
    iam = aws.client("iam", **aws.assume())
    iam.create_service_linked_role(AWSServiceName="ecr.amazonaws.com")
    events = lookup(aws, LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}])
    assert len(events) == number


def test_times_select_events(aws: Aws) -> None:
    begun = datetime.fromtimestamp(aws.control("GET", "clock")["now"], UTC)
    for _ in range(3):
        write(aws, 1)
        aws.advance(60)
    assert len(lookup(aws, StartTime=begun + timedelta(seconds=30))) == 2
    assert len(lookup(aws, EndTime=begun + timedelta(seconds=30))) == 1
    within = {"StartTime": begun + timedelta(seconds=30), "EndTime": begun + timedelta(seconds=90)}
    assert len(lookup(aws, **within)) == 1


ATTRIBUTE = {"AttributeKey": "EventName", "AttributeValue": "x"}
INVALID: list[tuple[str, dict[str, Any], str]] = [
    ("a page of more than 50", {"MaxResults": 51}, "InvalidMaxResultsException"),
    ("an empty page", {"MaxResults": 0}, "InvalidMaxResultsException"),
    ("two attributes", {"LookupAttributes": [ATTRIBUTE, ATTRIBUTE]}, "InvalidLookupAttributesException"),
    (
        "an unknown attribute",
        {"LookupAttributes": [{"AttributeKey": "Colour", "AttributeValue": "x"}]},
        "InvalidLookupAttributesException",
    ),
    (
        "an attribute without a value",
        {"LookupAttributes": [{"AttributeKey": "EventName"}]},
        "InvalidLookupAttributesException",
    ),
    ("a token with another digest", {"NextToken": "WzEsICJ4Il0="}, "InvalidNextTokenException"),
    ("a token that is none", {"NextToken": "ä"}, "InvalidNextTokenException"),
    ("an unknown category", {"EventCategory": "x"}, "InvalidEventCategoryException"),
    ("a start after the end", {"StartTime": 2, "EndTime": 1}, "InvalidTimeRangeException"),
]


@pytest.mark.parametrize(("reason", "options", "code"), INVALID, ids=[row[0] for row in INVALID])
def test_invalid_lookup_is_rejected(aws: Aws, reason: str, options: dict[str, Any], code: str) -> None:
    assert rejection(aws.client("cloudtrail").lookup_events, **options)[0] == code


def test_token_is_rejected_with_another_filter(aws: Aws) -> None:
    write(aws, 2)
    token = aws.client("cloudtrail").lookup_events(MaxResults=1)["NextToken"]
    code, _ = rejection(aws.client("cloudtrail").lookup_events, NextToken=token, LookupAttributes=[ATTRIBUTE])
    assert code == "InvalidNextTokenException"


def test_third_lookup_in_a_second_is_throttled(aws: Aws) -> None:
    trail = aws.client("cloudtrail")
    for _ in range(2):
        trail.lookup_events()
    assert rejection(trail.lookup_events) == ("ThrottlingException", "Rate exceeded")
    assert aws.client("cloudtrail", "eu-west-1").lookup_events()["Events"] == []
    assert aws.client("cloudtrail", key=OTHER).lookup_events()["Events"] == []
    aws.advance(0.5)
    trail.lookup_events()
    assert rejection(trail.lookup_events)[0] == "ThrottlingException"


def test_lookup_needs_its_permission(aws: Aws) -> None:
    session = aws.assume()
    allow = {"Effect": "Allow", "Action": "cloudtrail:LookupEvents", "Resource": "*"}
    aws.settings(iam_policy={"Version": "2012-10-17", "Statement": [allow]})
    assert aws.client("cloudtrail", **session).lookup_events()["Events"] == []
    deny(aws)
    code, message = rejection(aws.client("cloudtrail", **session).lookup_events)
    assert code == "AccessDeniedException"
    assert "not authorized to perform: cloudtrail:LookupEvents on resource: *" in message


def test_reset_forgets_events(aws: Aws) -> None:
    write(aws, 1)
    aws.control("POST", "reset")
    assert lookup(aws) == []


def test_opt_in_region_is_closed_for_lookups(aws: Aws) -> None:
    assert rejection(aws.client("cloudtrail", "me-south-1").lookup_events)[0] == "UnrecognizedClientException"


def test_unknown_setting_is_rejected(aws: Aws) -> None:
    with pytest.raises(urllib.error.HTTPError):
        aws.settings(lookup_events_delay=1)
