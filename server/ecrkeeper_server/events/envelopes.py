"""Events of EventBridge, bare or in the envelope of an SNS notification.

Facts: "AWS service events delivered via AWS CloudTrail" in the EventBridge user guide; "Amazon ECR events and
EventBridge" in the ECR user guide. Forwarding to another bus can change `account` and `region` of an event, but
neither its `detail` nor its `resources`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct

from ecrkeeper_server.events import fields
from ecrkeeper_server.events.fields import Malformed
from ecrkeeper_server.events.records import Record, parse_record
from ecrkeeper_server.names import RegistryName, is_account, partition_of

# A message of SQS has 1 MiB at most, an event of EventBridge 256 KiB; SNS's envelope escapes it.
MAX_BODY = 1024 * 1024
_SUCCESS = "SUCCESS"
_CALLS = "AWS API Call via CloudTrail"
_REPLICATION = "ECR Replication Action"
_CACHE = "ECR Pull Through Cache Action"
# AWS Organizations reports its own actions, such as the end of CreateAccount, without a call.
_SERVICE_EVENTS = "AWS Service Event via CloudTrail"
_OPT_IN = "Region Opt-In Status Change"
# EventBridge reserves sources that begin with `aws.`: nobody can send such events with PutEvents.
_SOURCES = {
    _CALLS: ("aws.ecr", "aws.iam", "aws.organizations"),
    _SERVICE_EVENTS: ("aws.organizations",),
    _REPLICATION: ("aws.ecr",),
    _CACHE: ("aws.ecr",),
    _OPT_IN: ("aws.account",),
}


class Forged(Exception):
    """The event contradicts itself, so AWS did not send it as it is.

    The text says how.
    """


class Unrelated(Exception):
    """The event is none that concerns registries, roles or accounts."""


class Delivery(Struct, frozen=True):
    """The result of an image's replication, or of a pull through cache.

    `target` is a destination or a cache rule.

    `registry` is the one whose setting the delivery belongs to, and `place` the one that sent the event.
    """

    registry: RegistryName
    place: RegistryName
    setting: str
    target: str
    succeeded: bool
    reason: str
    repository: str
    event_id: str
    event_time: int


class RegionChange(Struct, frozen=True):
    """An account has enabled or disabled a Region."""

    account: str
    region: str


class OrganizationChange(Struct, frozen=True):
    """An organization has changed: its accounts, their units or their tags.

    `region` is the one that the event was sent in.
    """

    region: str


Event = Record | Delivery | RegionChange | OrganizationChange


def parse_body(body: str, queue_account: str) -> Event:
    """Read the body of a message; raises Malformed, Forged or Unrelated."""
    event = _unwrapped(_object(body))
    kind, source = event.get("detail-type"), event.get("source")
    if type(kind) is not str or type(source) is not str:
        raise Malformed("detail-type and source must be texts")
    if kind not in _SOURCES:
        raise Unrelated
    if source not in _SOURCES[kind]:
        raise Forged("the source is not the service that sends such events")
    if source == "aws.organizations":
        return _organization(event, queue_account)
    if kind == _CALLS:
        return _call(event, queue_account)
    if kind == _OPT_IN:
        return _opt_in(event, queue_account)
    return _replication(event) if kind == _REPLICATION else _cache(event)


def parse_lookup(text: str) -> Record:
    """Read the `CloudTrailEvent` of LookupEvents; raises Malformed."""
    return parse_record(_object(text))


def _object(text: str) -> Mapping[str, Any]:
    if len(text) > MAX_BODY:
        raise Malformed("the body is too long")
    try:
        value = orjson.loads(text)
    except ValueError:
        raise Malformed("the body must be JSON") from None
    return fields.mapping(value, "the body")


def _unwrapped(body: Mapping[str, Any]) -> Mapping[str, Any]:
    if body.get("Type") != "Notification" or "detail" in body:
        return body
    message = body.get("Message")
    if type(message) is not str:
        raise Malformed("Message must be a text")
    return _object(message)


def _call(event: Mapping[str, Any], queue_account: str) -> Record:
    record = parse_record(event.get("detail"))
    if not record.service:
        raise Unrelated
    if event["source"] != f"aws.{record.service}":
        raise Forged("the source is not the service of the record")
    # The account of the event is where the call was made, or the one of the bus that forwarded it.
    if fields.account(event, "account") not in (record.account, queue_account):
        raise Forged("the account is not the one of the record")
    return record


def _organization(event: Mapping[str, Any], queue_account: str) -> OrganizationChange:
    record = _call(event, queue_account)
    if record.read_only or record.error_code:
        raise Unrelated
    return OrganizationChange(record.region)


def _opt_in(event: Mapping[str, Any], queue_account: str) -> RegionChange:
    detail = fields.mapping(event.get("detail"), "detail")
    change = RegionChange(fields.account(detail, "accountId"), fields.region(detail, "regionName"))
    if fields.account(event, "account") not in (change.account, queue_account):
        raise Forged("the account is not the one whose Region changes")
    if fields.word(detail, "status") not in ("ENABLED", "DISABLED"):
        # ENABLING and DISABLING are followed by another event.
        raise Unrelated
    return change


def _replication(event: Mapping[str, Any]) -> Delivery:
    detail = fields.mapping(event.get("detail"), "detail")
    sender = _place(event)
    result = fields.word(detail, "result")
    failure = "" if result == _SUCCESS else fields.text(detail, "failure-reason") or result
    return Delivery(
        registry=RegistryName(fields.account(detail, "source-account"), fields.region(detail, "source-region")),
        place=sender,
        setting="replication_configuration",
        target=f"{sender.account}/{sender.region}",
        succeeded=result == _SUCCESS,
        reason=failure,
        repository=fields.text(detail, "repository-name"),
        event_id=fields.unique_id(event, "id"),
        event_time=fields.time(event, "time"),
    )


def _cache(event: Mapping[str, Any]) -> Delivery:
    detail = fields.mapping(event.get("detail"), "detail")
    sender = _place(event)
    status = fields.word(detail, "sync-status")
    words = filter(None, (fields.text(detail, "failure-code"), fields.text(detail, "failure-reason")))
    failure = "" if status == _SUCCESS else ": ".join(words) or status
    return Delivery(
        registry=sender,
        place=sender,
        setting="pull_through_cache_rules",
        target=fields.word(detail, "ecr-repository-prefix"),
        succeeded=status == _SUCCESS,
        reason=failure,
        repository=fields.text(detail, "repository-name"),
        event_id=fields.unique_id(event, "id"),
        event_time=fields.time(event, "time"),
    )


def _place(event: Mapping[str, Any]) -> RegistryName:
    """Return the registry that sent the event.

    `resources` names its repository, which forwarding keeps.
    """
    resources = event.get("resources")
    if type(resources) is not list:
        raise Malformed("resources must be a list")
    for arn in resources[:10]:
        parts = arn.split(":") if type(arn) is str else []
        if len(parts) == 6 and parts[0] == "arn" and parts[2] == "ecr" and is_account(parts[4]):
            if partition_of(parts[3]) != parts[1]:
                raise Malformed("resources must name a repository of a Region of its partition")
            return RegistryName(parts[4], parts[3])
    return RegistryName(fields.account(event, "account"), fields.region(event, "region"))
