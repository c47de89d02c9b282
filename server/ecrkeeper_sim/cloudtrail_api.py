"""CloudTrail: LookupEvents over the event history of an account in a Region.

No trail is needed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from ecrkeeper_sim.calls import Call, handles
from ecrkeeper_sim.cloudtrail_history import Recorded
from ecrkeeper_sim.constraints import Violation
from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.state import Json

_PAGE = 50
_ERRORS = {
    "MaxResults": "InvalidMaxResultsException",
    "LookupAttributes": "InvalidLookupAttributesException",
    "EventCategory": "InvalidEventCategoryException",
}


def broken_constraint(violation: Violation) -> AwsError:
    """Return the error for a request that breaks a constraint of the model."""
    member = violation.path.partition("[")[0].partition(".")[0]
    message = f"Value '{violation.value}' at '{violation.path}' failed to satisfy constraint: {violation.constraint}"
    return AwsError(_ERRORS.get(member, "ValidationException"), message)


@handles("cloudtrail", "LookupEvents")
def lookup_events(call: Call, params: Json) -> Json:
    """Return the records that match, newest first, page by page."""
    _throttle(call)
    wanted = _wanted(params)
    start, end = _time(params, "StartTime"), _time(params, "EndTime")
    if start is not None and end is not None and start > end:
        raise AwsError("InvalidTimeRangeException", "The start time must not be later than the end time.")
    before = _decoded(params)
    if params.get("EventCategory") == "insight":
        return {"Events": []}
    place, now = (call.identity.account, call.region), call.now()
    call.world.history.prune(now)
    visible_until = now - call.settings.lookup_events_delay_seconds
    matching = (
        recorded
        for recorded in call.world.history.newest_first(place)
        if recorded.time <= visible_until
        and (before is None or recorded.number < before)
        and (start is None or recorded.time >= start)
        and (end is None or recorded.time <= end)
        and (wanted is None or wanted[1] in _values(recorded, wanted[0]))
    )
    return _page(matching, params)


def _page(matching: Iterator[Recorded], params: Json) -> Json:
    size = params.get("MaxResults") or _PAGE
    shown: list[Recorded] = []
    for recorded in matching:
        if len(shown) == size:
            return {"Events": [_event(each) for each in shown], "NextToken": _encoded(shown[-1].number, params)}
        shown.append(recorded)
    return {"Events": [_event(each) for each in shown]}


def _event(recorded: Recorded) -> Json:
    return {
        **recorded.attributes,
        "EventTime": recorded.time,
        "Resources": list(recorded.resources),
        "CloudTrailEvent": recorded.text,
    }


def _values(recorded: Recorded, key: str) -> list[str]:
    if key in ("ResourceName", "ResourceType"):
        return [resource[key] for resource in recorded.resources]
    return [recorded.attributes.get(key, "")]


def _wanted(params: Json) -> tuple[str, str] | None:
    attributes = params.get("LookupAttributes") or []
    if len(attributes) > 1:
        raise AwsError("InvalidLookupAttributesException", "Only one lookup attribute can be specified.")
    return (attributes[0]["AttributeKey"], attributes[0]["AttributeValue"]) if attributes else None


def _time(params: Json, name: str) -> float | None:
    value = params.get(name)
    if isinstance(value, str):
        raise AwsError("SerializationException", f"{name} must be a number of seconds since the epoch")
    return value


def _throttle(call: Call) -> None:
    rate = call.settings.lookup_events_per_second
    if rate <= 0:
        return
    place, now = (call.identity.account, call.region), call.now()
    allowance, at = call.world.history.allowances.get(place, (rate, now))
    allowance = min(rate, allowance + (now - at) * rate)
    if allowance < 1:
        raise AwsError("ThrottlingException", "Rate exceeded")
    call.world.history.allowances[place] = (allowance - 1, now)


def _digest(params: Json) -> str:
    same = {k: v for k, v in params.items() if k not in ("NextToken", "MaxResults")}
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:16]


def _encoded(number: int, params: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps([number, _digest(params)]).encode()).decode()


def _decoded(params: Json) -> int | None:
    token = params.get("NextToken")
    if token is None:
        return None
    try:
        content: Any = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError):
        content = None
    match content:
        case [int(number), str(digest)] if digest == _digest(params):
            return number
    raise AwsError("InvalidNextTokenException", "The token is invalid, or the parameters differ from the last call's.")
