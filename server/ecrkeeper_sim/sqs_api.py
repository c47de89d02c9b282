"""SQS operations on queues."""

from __future__ import annotations

import re

from ecrkeeper_sim.calls import Call, handles
from ecrkeeper_sim.partitions import partition_of
from ecrkeeper_sim.sqs_access import named_queue, queue_arn
from ecrkeeper_sim.sqs_attributes import changed_attributes, new_attributes, shown_attributes
from ecrkeeper_sim.sqs_errors import invalid_value, no_such_queue, queue_exists, unsupported
from ecrkeeper_sim.sqs_queue import Queue
from ecrkeeper_sim.state import Json, World

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


def new_queue(world: World, account: str, region: str, name: str, attributes: dict[str, str]) -> Queue:
    """Add a queue; replace one with the same name.

    Raises SQS's error for an invalid attribute.
    """
    domain = "amazonaws.com.cn" if partition_of(region) == "aws-cn" else "amazonaws.com"
    now = world.clock.now()
    queue = Queue(
        name=name,
        account=account,
        region=region,
        arn=queue_arn(region, account, name),
        url=f"https://sqs.{region}.{domain}/{account}/{name}",
        attributes=new_attributes(attributes),
        created=now,
        modified=now,
    )
    world.queues.by_arn[queue.arn] = queue
    return queue


def existing_queue(call: Call, params: Json) -> Queue:
    """Return the queue that the request names; raises QueueDoesNotExist."""
    queue = call.world.queues.by_arn.get(named_queue(call, params))
    if queue is None:
        raise no_such_queue()
    return queue


@handles("sqs", "CreateQueue")
def create_queue(call: Call, params: Json) -> Json:
    """Create a standard queue, or return the one that has the same attributes."""
    name, attributes = params["QueueName"], params.get("Attributes") or {}
    if name.endswith(".fifo"):
        raise unsupported("The simulator has standard queues only.")
    if _NAME.fullmatch(name) is None:
        raise invalid_value("QueueName", name, "Can only include alphanumeric characters, hyphens, or underscores.")
    queue = call.world.queues.by_arn.get(named_queue(call, params))
    if queue is None:
        queue = new_queue(call.world, call.identity.account, call.region, name, attributes)
    elif any(queue.attributes.get(key) != value for key, value in attributes.items()):
        raise queue_exists()
    return {"QueueUrl": queue.url}


@handles("sqs", "GetQueueUrl")
def get_queue_url(call: Call, params: Json) -> Json:
    """Return the URL of a queue."""
    return {"QueueUrl": existing_queue(call, params).url}


@handles("sqs", "GetQueueAttributes")
def get_queue_attributes(call: Call, params: Json) -> Json:
    """Return the wanted attributes of a queue."""
    shown = shown_attributes(existing_queue(call, params), params.get("AttributeNames") or [], call.now())
    return {"Attributes": shown} if shown else {}


@handles("sqs", "SetQueueAttributes")
def set_queue_attributes(call: Call, params: Json) -> Json:
    """Change attributes of a queue."""
    queue = existing_queue(call, params)
    queue.attributes = changed_attributes(queue.attributes, params["Attributes"])
    queue.modified = call.now()
    return {}


@handles("sqs", "DeleteQueue")
def delete_queue(call: Call, params: Json) -> Json:
    """Delete a queue with its messages."""
    queue = existing_queue(call, params)
    del call.world.queues.by_arn[queue.arn]
    queue.signal.notify()
    return {}


@handles("sqs", "PurgeQueue")
def purge_queue(call: Call, params: Json) -> Json:
    """Delete all messages of a queue."""
    existing_queue(call, params).clear()
    return {}
