"""The attributes of queues: defaults, ranges, and their presentation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ecrkeeper_sim.sqs_errors import MESSAGE_ATTRIBUTES, invalid_attribute_name, invalid_attribute_value, unsupported
from ecrkeeper_sim.sqs_queue import Queue

_RANGES = {
    "VisibilityTimeout": (0, 43_200),
    "DelaySeconds": (0, 900),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "MessageRetentionPeriod": (60, 1_209_600),
    "MaximumMessageSize": (1024, 1_048_576),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
}
_DEFAULTS = {
    "VisibilityTimeout": "30",
    "DelaySeconds": "0",
    "ReceiveMessageWaitTimeSeconds": "0",
    "MessageRetentionPeriod": "345600",
    "MaximumMessageSize": "1048576",
    "SqsManagedSseEnabled": "true",
}
_FIFO = ("FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit")
_COMPUTED = (
    "QueueArn",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
)


def new_attributes(requested: Mapping[str, Any]) -> dict[str, str]:
    """Return the attributes of a new queue; raises SQS's error for an invalid one."""
    return changed_attributes(_DEFAULTS, requested)


def changed_attributes(old: Mapping[str, str], requested: Mapping[str, Any]) -> dict[str, str]:
    """Return the attributes after a change.

    An empty policy, redrive policy or key removes it.
    """
    for name, value in requested.items():
        _check(name, value)
    merged = {**old, **{name: str(value) for name, value in requested.items()}}
    if requested.get("KmsMasterKeyId"):
        merged["SqsManagedSseEnabled"] = "false"
        merged.setdefault("KmsDataKeyReusePeriodSeconds", "300")
    return {name: value for name, value in merged.items() if value != ""}


def shown_attributes(queue: Queue, wanted: list[str], now: float) -> dict[str, str]:
    """Return the wanted attributes of a queue that has them."""
    for name in wanted:
        if name in MESSAGE_ATTRIBUTES:
            raise invalid_attribute_name(name)
    visible, hidden, delayed = queue.counts(now)
    known = {
        **queue.attributes,
        "QueueArn": queue.arn,
        "ApproximateNumberOfMessages": str(visible),
        "ApproximateNumberOfMessagesNotVisible": str(hidden),
        "ApproximateNumberOfMessagesDelayed": str(delayed),
        "CreatedTimestamp": str(int(queue.created)),
        "LastModifiedTimestamp": str(int(queue.modified)),
    }
    return known if "All" in wanted else {name: known[name] for name in wanted if name in known}


def _check(name: str, value: Any) -> None:
    if name in _FIFO:
        raise unsupported("The simulator has standard queues only.")
    if name in _COMPUTED or name not in {*_RANGES, *_DEFAULTS, "Policy", "RedrivePolicy", "KmsMasterKeyId"}:
        raise invalid_attribute_name(name)
    if not _valid(name, value):
        raise invalid_attribute_value(name)


def _valid(name: str, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    if name in _RANGES:
        low, high = _RANGES[name]
        return value.isascii() and value.isdigit() and low <= int(value) <= high
    if name == "SqsManagedSseEnabled":
        return value in ("true", "false")
    if name == "KmsMasterKeyId":
        # The simulator has no keys, so it knows the key of no alias other than AWS's own.
        return not ("alias/" in value and value != "alias/aws/sqs")
    return value == "" or _valid_document(name, value)


def _valid_document(name: str, text: str) -> bool:
    try:
        document = json.loads(text)
    except ValueError:
        return False
    if not isinstance(document, dict):
        return False
    if name == "RedrivePolicy":
        maximum = str(document.get("maxReceiveCount", ""))
        arn = document.get("deadLetterTargetArn")
        return isinstance(arn, str) and maximum.isascii() and maximum.isdigit() and 1 <= int(maximum) <= 1000
    statements = document.get("Statement")
    each = statements if isinstance(statements, list) else [statements]
    return all(isinstance(s, dict) and s.get("Effect") in ("Allow", "Deny") for s in each)
