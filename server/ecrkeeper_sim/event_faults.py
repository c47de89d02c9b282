"""Faults of the delivery of events to queues.

Delay, duplicate, loss, reordering, malformed and forged events.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from random import Random
from typing import Any

KINDS = ("delay", "duplicate", "lose", "reorder", "malform", "forge")
_DEPTH = 100_000
_MAX_COPIES = 1000

Event = dict[str, Any]


@dataclass(slots=True)
class EventFault:
    """One rule.

    Absent members match everything; `count` is the number of remaining applications.
    """

    kind: str
    event_name: str | None = None
    detail_type: str | None = None
    account: str | None = None
    region: str | None = None
    probability: float = 1.0
    count: int | None = None
    seconds: float = 1.0
    copies: int = 1
    variant: str | None = None
    forged_source: str | None = None
    forged_account: str | None = None

    def matches(self, event: Event) -> bool:
        """Return whether the rule applies to such an event."""
        return (
            self.count != 0
            and self.event_name in (None, event["detail"].get("eventName"))
            and self.detail_type in (None, event["detail-type"])
            and self.account in (None, event["account"])
            and self.region in (None, event["region"])
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """The text for a queue, and its delay in seconds."""

    delay: float
    text: str


def parsed_fault(rule: Mapping[str, Any]) -> EventFault:
    """Return the rule; raises ValueError for one that is malformed."""
    if unknown := set(rule) - {f.name for f in fields(EventFault)}:
        raise ValueError(f"unknown members of an event fault: {sorted(unknown)}")
    if rule.get("kind") not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    fault = EventFault(**rule)
    if fault.variant is not None and fault.variant not in VARIANTS:
        raise ValueError(f"variant must be one of {', '.join(VARIANTS)}")
    if fault.kind == "forge" and fault.forged_source is None and fault.forged_account is None:
        raise ValueError("forge needs forged_source or forged_account")
    if not 0 <= fault.seconds < float("inf"):
        raise ValueError("seconds must not be negative")
    if not 1 <= fault.copies <= _MAX_COPIES:
        raise ValueError(f"copies must be between 1 and {_MAX_COPIES}")
    return fault


def planned(faults: list[EventFault], random: Random, event: Event, new_id: Callable[[], str]) -> list[Plan]:
    """Return the deliveries of an event after all matching faults.

    Each fault applies to the deliveries of the earlier ones.
    """
    plans = [Plan(0.0, json.dumps(event))]
    for fault in faults:
        if fault.matches(event) and (fault.probability >= 1.0 or random.random() < fault.probability):
            if fault.count is not None:
                fault.count -= 1
            plans = _applied(fault, random, event, new_id, plans)
    return plans


def _applied(
    fault: EventFault, random: Random, event: Event, new_id: Callable[[], str], plans: list[Plan]
) -> list[Plan]:
    if fault.kind == "delay":
        return [Plan(plan.delay + fault.seconds, plan.text) for plan in plans]
    if fault.kind == "duplicate":
        return [plan for plan in plans for _ in range(1 + fault.copies)]
    if fault.kind == "lose":
        return []
    if fault.kind == "reorder":
        return [Plan(plan.delay + random.random() * fault.seconds, plan.text) for plan in plans]
    if fault.kind == "malform":
        variant = fault.variant or random.choice(tuple(VARIANTS))
        return [Plan(plan.delay, VARIANTS[variant](event)) for plan in plans]
    return [*plans, Plan(0.0, json.dumps(_forged(fault, event, new_id)))]


def _forged(fault: EventFault, event: Event, new_id: Callable[[], str]) -> Event:
    detail = dict(event["detail"])
    if "eventID" in detail:
        detail["eventID"] = new_id()
    return {
        **event,
        "id": new_id(),
        "source": fault.forged_source or event["source"],
        "account": fault.forged_account or event["account"],
        "detail": detail,
    }


def _without(event: Event, name: str) -> Event:
    return {key: value for key, value in event.items() if key != name}


def _truncated(event: Event) -> str:
    text = json.dumps(event)
    return text[: len(text) // 2]


def _no_event_name(event: Event) -> str:
    return json.dumps({**event, "detail": _without(event["detail"], "eventName")})


def _wrong_types(event: Event) -> str:
    wrong: Event = {
        "eventName": 7,
        "eventSource": None,
        "recipientAccountId": ["1"],
        "userIdentity": "root",
        "requestID": {},
    }
    return json.dumps({**event, "source": ["aws.ecr"], "detail": {**event["detail"], **wrong}})


VARIANTS: Mapping[str, Callable[[Event], str]] = {
    "truncated": _truncated,
    "not_an_object": lambda event: json.dumps([event]),
    "no_detail": lambda event: json.dumps(_without(event, "detail")),
    "null_detail": lambda event: json.dumps({**event, "detail": None}),
    "no_event_name": _no_event_name,
    "wrong_types": _wrong_types,
    "nested": lambda event: "[" * _DEPTH,
}
