"""The control plane's calls on events, rules, event faults, and queues."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.event_bus import Route, deliver_due, publish
from ecrkeeper_sim.event_faults import parsed_fault
from ecrkeeper_sim.event_samples import service_event
from ecrkeeper_sim.sqs_api import new_queue
from ecrkeeper_sim.sqs_attributes import new_attributes
from ecrkeeper_sim.sqs_queue import Queue
from ecrkeeper_sim.state import Json, World

_FORMS = ("eventbridge", "sns")
_SENDERS = ["events.amazonaws.com", "sns.amazonaws.com"]

ControlCall = Callable[[Any, Mapping[str, str]], Any]


def event_calls(world: World) -> dict[tuple[str, str], ControlCall]:
    """Return the control calls by method and path."""
    return {
        ("GET", "events"): lambda body, query: _bus(world),
        ("POST", "events"): lambda body, query: _emit(world, body),
        ("GET", "events/routes"): lambda body, query: _routes(world),
        ("PUT", "events/routes"): lambda body, query: _set_routes(world, body),
        ("GET", "events/faults"): lambda body, query: _faults(world),
        ("POST", "events/faults"): lambda body, query: _add_faults(world, body),
        ("DELETE", "events/faults"): lambda body, query: _clear_faults(world),
        ("GET", "queues"): lambda body, query: _queues(world),
        ("PUT", "queues"): lambda body, query: _set_queue(world, body),
    }


def _bus(world: World) -> Json:
    deliver_due(world)
    names = ("published", "delivered", "lost", "undelivered", "discarded")
    counts = {name: world.bus.counts[name] for name in names}
    return {**counts, "pending": world.bus.pending, "last_failure": world.bus.last_failure}


def _emit(world: World, body: Any) -> Json:
    events = [service_event(world, each) for each in (body if isinstance(body, list) else [body])]
    for event in events:
        publish(world, event)
    return {"events": events}


def _routes(world: World) -> Json:
    return {"routes": [asdict(route) for route in world.bus.routes]}


def _set_routes(world: World, body: Json) -> Json:
    world.bus.routes = [_parsed_route(route) for route in body["routes"]]
    return _routes(world)


def _parsed_route(members: Json) -> Route:
    if unknown := set(members) - {f.name for f in fields(Route)}:
        raise ValueError(f"unknown members of a route: {sorted(unknown)}")
    parts = members["queue"].split(":")
    if len(parts) != 6 or parts[2] != "sqs":
        raise ValueError("queue must be the ARN of a queue")
    if members.get("form", "eventbridge") not in _FORMS:
        raise ValueError(f"form must be one of {', '.join(_FORMS)}")
    _, partition, _, region, account, _ = parts
    lists = {k: tuple(members[k]) for k in ("accounts", "regions", "sources") if members.get(k) is not None}
    named = {
        "rule": members.get("rule") or f"arn:{partition}:events:{region}:{account}:rule/ecrkeeper",
        "topic": members.get("topic") or f"arn:{partition}:sns:{region}:{account}:ecrkeeper",
    }
    return Route(**{**members, **lists, **named})


def _faults(world: World) -> Json:
    return {"faults": [asdict(fault) for fault in world.bus.faults]}


def _add_faults(world: World, body: Any) -> Json:
    world.bus.faults += [parsed_fault(rule) for rule in (body if isinstance(body, list) else [body])]
    return _faults(world)


def _clear_faults(world: World) -> Json:
    world.bus.faults.clear()
    return _faults(world)


def _queues(world: World) -> Json:
    deliver_due(world)
    return {"queues": [_shown(world, queue) for _, queue in sorted(world.queues.by_arn.items())]}


def _set_queue(world: World, body: Json) -> Json:
    attributes = dict(body.get("attributes", {}))
    try:
        queue = new_queue(world, body["account"], body["region"], body["name"], attributes)
        if "Policy" not in attributes:
            queue.attributes = new_attributes({**attributes, "Policy": _open_policy(queue.arn)})
    except AwsError as error:
        raise ValueError(str(error)) from None
    return _shown(world, queue)


def _open_policy(arn: str) -> str:
    statement = {
        "Effect": "Allow", "Principal": {"Service": _SENDERS}, "Action": "sqs:SendMessage", "Resource": arn
    }  # fmt: skip
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _shown(world: World, queue: Queue) -> Json:
    visible, hidden, delayed = queue.counts(world.clock.now())
    numbers = {"visible": visible, "in_flight": hidden, "delayed": delayed}
    return {"arn": queue.arn, "url": queue.url, "attributes": queue.attributes, **numbers}
