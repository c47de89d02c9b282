"""Delivery of CloudTrail records to the event history and to EventBridge."""

from __future__ import annotations

import json

from ecrkeeper_sim.calls import HANDLERS, ApiCall, Call
from ecrkeeper_sim.cloudtrail_records import event_region, is_recorded, record_of, role_resources, user_name
from ecrkeeper_sim.event_bus import publish
from ecrkeeper_sim.state import Json


def record(call: Call, made: ApiCall) -> None:
    """Record a write, and before it the calls that AWS made for the caller.

    Reads leave no record.
    """
    if (made.service, made.operation) not in HANDLERS or not is_recorded(made.service, made.operation):
        return
    for each in (*call.caused, made):
        _deliver(call, each)


def _deliver(call: Call, made: ApiCall) -> None:
    found, place = record_of(call, made), (call.identity.account, event_region(call, made))
    attributes = {
        "EventId": found["eventID"],
        "EventName": made.operation,
        "EventSource": found["eventSource"],
        "ReadOnly": "false",
        "Username": user_name(call),
        "AccessKeyId": call.identity.access_key,
    }
    call.world.history.add(
        place,
        call.now(),
        call.settings.max_events,
        json.dumps(found),
        attributes=attributes,
        resources=role_resources(call, made),
    )
    publish(call.world, _envelope(call, made.service, place, found))


def _envelope(call: Call, service: str, place: tuple[str, str], found: Json) -> Json:
    return {
        "version": "0",
        "id": call.world.uuid(),
        "detail-type": "AWS API Call via CloudTrail",
        "source": f"aws.{service}",
        "account": place[0],
        "time": found["eventTime"],
        "region": place[1],
        "resources": [],
        "detail": found,
    }
