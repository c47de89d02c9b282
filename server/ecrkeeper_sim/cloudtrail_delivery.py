"""Delivery of CloudTrail records to the event history and to EventBridge."""

from __future__ import annotations

import json

from ecrkeeper_sim.calls import HANDLERS, ApiCall, Call
from ecrkeeper_sim.cloudtrail_records import event_region, is_recorded, record_of, role_resources, user_name
from ecrkeeper_sim.event_bus import publish
from ecrkeeper_sim.state import Json


def record(call: Call, api_call: ApiCall) -> None:
    """Record a write, and before it the calls that AWS made for the caller.

    Reads leave no record.
    """
    if (api_call.service, api_call.operation) not in HANDLERS or not is_recorded(api_call.service, api_call.operation):
        return
    for each in (*call.caused, api_call):
        _deliver(call, each)


def _deliver(call: Call, api_call: ApiCall) -> None:
    content, place = record_of(call, api_call), (call.identity.account, event_region(call, api_call))
    attributes = {
        "EventId": content["eventID"],
        "EventName": api_call.operation,
        "EventSource": content["eventSource"],
        "ReadOnly": "false",
        "Username": user_name(call),
        "AccessKeyId": call.identity.access_key,
    }
    call.world.history.add(
        place,
        call.now(),
        call.settings.max_events,
        json.dumps(content),
        attributes=attributes,
        resources=role_resources(call, api_call),
    )
    publish(call.world, _envelope(call, api_call.service, place, content))


def _envelope(call: Call, service: str, place: tuple[str, str], content: Json) -> Json:
    return {
        "version": "0",
        "id": call.world.uuid(),
        "detail-type": "AWS API Call via CloudTrail",
        "source": f"aws.{service}",
        "account": place[0],
        "time": content["eventTime"],
        "region": place[1],
        "resources": [],
        "detail": content,
    }
