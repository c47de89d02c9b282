"""SQS operations on messages; a receive may wait for them."""

from __future__ import annotations

import hashlib
import json
import time

from ecrkeeper_sim.calls import Call, handles
from ecrkeeper_sim.event_bus import deliver_due, next_delivery
from ecrkeeper_sim.sqs_api import existing_queue
from ecrkeeper_sim.sqs_batches import run_batch
from ecrkeeper_sim.sqs_errors import batch, invalid_handle, invalid_value, not_in_flight, unsupported
from ecrkeeper_sim.sqs_queue import Message, Queue
from ecrkeeper_sim.state import Json

_MAX_VISIBILITY = 43_200
_MAX_BATCH_BYTES = 1_048_576


@handles("sqs", "SendMessage")
def send_message(call: Call, params: Json) -> Json:
    """Put a message into a queue."""
    queue = existing_queue(call, params)
    body = params["MessageBody"]
    if params.get("MessageAttributes") or params.get("MessageSystemAttributes"):
        raise unsupported("The simulator has no message attributes.")
    limit = int(queue.attributes["MaximumMessageSize"])
    if not 1 <= len(body.encode()) <= limit:
        raise invalid_value("MessageBody", f"{body[:20]}...", f"Message must be shorter than {limit} bytes.")
    delay = _ranged(params, "DelaySeconds", 0, 900, int(queue.attributes["DelaySeconds"]))
    now = call.now()
    message = Message(call.world.uuid(), body, call.identity.user_id, now, now + delay)
    call.world.bus.counts["discarded"] += queue.put(message, now, call.settings.max_queue_messages)
    return {"MessageId": message.message_id, "MD5OfMessageBody": _md5(body)}


@handles("sqs", "SendMessageBatch")
def send_message_batch(call: Call, params: Json) -> Json:
    """Put up to ten messages into a queue."""
    existing_queue(call, params)
    entries = params["Entries"]
    if (size := sum(len(entry["MessageBody"].encode()) for entry in entries)) > _MAX_BATCH_BYTES:
        message = f"Batch requests cannot be longer than {_MAX_BATCH_BYTES} bytes. You have sent {size} bytes."
        raise batch("BatchRequestTooLong", message)
    return run_batch(
        entries, "SendMessageBatch", lambda entry: send_message(call, {**entry, "QueueUrl": params["QueueUrl"]})
    )


@handles("sqs", "ReceiveMessage")
async def receive_message(call: Call, params: Json) -> Json:
    """Return up to ten messages; wait for the first one for `WaitTimeSeconds`."""
    attributes = existing_queue(call, params).attributes
    maximum = _ranged(params, "MaxNumberOfMessages", 1, 10, 1)
    wait = _ranged(params, "WaitTimeSeconds", 0, 20, int(attributes["ReceiveMessageWaitTimeSeconds"]))
    hidden = _ranged(params, "VisibilityTimeout", 0, _MAX_VISIBILITY, int(attributes["VisibilityTimeout"]))
    wanted = {*(params.get("AttributeNames") or ()), *(params.get("MessageSystemAttributeNames") or ())}
    begun = time.monotonic(), call.now()
    while call.peer.connected():
        deliver_due(call.world)
        queue = existing_queue(call, params)
        received, exhausted = queue.receive(call.now(), maximum, hidden)
        _move_exhausted(call, queue, exhausted)
        # With a frozen clock, real time ends the wait; moving the clock ends it as well.
        remaining = wait - max(time.monotonic() - begun[0], call.now() - begun[1])
        if received or remaining <= 0 or call.world.queues.closed:
            return {"Messages": [_shown(message, wanted) for message in received]} if received else {}
        await queue.signal.wait(min(remaining, _seconds_to_change(call, queue)))
    return {}


@handles("sqs", "DeleteMessage")
def delete_message(call: Call, params: Json) -> Json:
    """Delete a message that was received."""
    queue = existing_queue(call, params)
    try:
        queue.delete(params["ReceiptHandle"])
    except ValueError:
        raise invalid_handle(params["ReceiptHandle"]) from None
    return {}


@handles("sqs", "DeleteMessageBatch")
def delete_message_batch(call: Call, params: Json) -> Json:
    """Delete up to ten messages that were received."""
    existing_queue(call, params)
    url = params["QueueUrl"]
    return run_batch(
        params["Entries"], "DeleteMessageBatch", lambda entry: delete_message(call, {**entry, "QueueUrl": url})
    )


@handles("sqs", "ChangeMessageVisibility")
def change_message_visibility(call: Call, params: Json) -> Json:
    """Hide a message in flight for `VisibilityTimeout` seconds; 0 shows it at once."""
    queue, handle, now = existing_queue(call, params), params["ReceiptHandle"], call.now()
    if "VisibilityTimeout" not in params:
        raise invalid_value("VisibilityTimeout", None, f"Must be between 0 and {_MAX_VISIBILITY}.")
    seconds = _ranged(params, "VisibilityTimeout", 0, _MAX_VISIBILITY, 0)
    try:
        message = queue.find(handle)
    except ValueError:
        raise invalid_handle(handle) from None
    if message is None:
        reason = "Message does not exist or is not available for visibility timeout change."
        raise invalid_value("ReceiptHandle", handle, reason)
    if message.handle != handle or message.visible_at <= now:
        raise not_in_flight()
    if now + seconds - message.first_received > _MAX_VISIBILITY:
        reason = f"Total VisibilityTimeout for the message is beyond the limit [{_MAX_VISIBILITY} seconds]"
        raise invalid_value("VisibilityTimeout", seconds, reason)
    queue.hide(message, now, seconds)
    return {}


@handles("sqs", "ChangeMessageVisibilityBatch")
def change_message_visibility_batch(call: Call, params: Json) -> Json:
    """Hide up to ten messages in flight, each for its `VisibilityTimeout`."""
    existing_queue(call, params)
    url = params["QueueUrl"]
    return run_batch(
        params["Entries"],
        "ChangeMessageVisibilityBatch",
        lambda entry: change_message_visibility(call, {**entry, "QueueUrl": url}),
    )


def _seconds_to_change(call: Call, queue: Queue) -> float:
    now = call.now()
    times = [at for at in (queue.next_visible(now), next_delivery(call.world)) if at is not None]
    return max(0.001, min(times, default=now + 20) - now)


def _move_exhausted(call: Call, queue: Queue, exhausted: list[Message]) -> None:
    if not exhausted:
        return
    target = call.world.queues.by_arn.get(json.loads(queue.attributes["RedrivePolicy"])["deadLetterTargetArn"])
    if target is None:
        return
    for message in exhausted:
        moved = Message(message.message_id, message.body, message.sender, message.sent, call.now())
        moved.source_arn = queue.arn
        target.put(moved, call.now(), call.settings.max_queue_messages)


def _ranged(params: Json, name: str, low: int, high: int, default: int) -> int:
    value = params.get(name)
    if value is None:
        return default
    if not low <= value <= high:
        raise invalid_value(name, value, f"Must be between {low} and {high}, if provided.")
    return int(value)


def _shown(message: Message, wanted: set[str]) -> Json:
    shown: Json = {
        "MessageId": message.message_id,
        "ReceiptHandle": message.handle,
        "MD5OfBody": _md5(message.body),
        "Body": message.body,
    }
    known = {
        "SenderId": message.sender,
        "SentTimestamp": str(int(message.sent * 1000)),
        "ApproximateReceiveCount": str(message.receives),
        "ApproximateFirstReceiveTimestamp": str(int(message.first_received * 1000)),
    }
    if message.source_arn:
        known["DeadLetterQueueSourceArn"] = message.source_arn
    attributes = {name: value for name, value in known.items() if name in wanted or "All" in wanted}
    if attributes:
        shown["Attributes"] = attributes
    return shown


def _md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
