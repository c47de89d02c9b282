"""Values of the fields of messages: timestamps, enums, JSON values and lists."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from google.protobuf import struct_pb2, timestamp_pb2

from ecrkeeper_server.api.messages.json_values import value_of
from ecrkeeper_server.turns import Steps


def timestamp(micros: int | None) -> Any:
    """Return microseconds as a Timestamp; None stays unset."""
    if micros is None:
        return None
    return timestamp_pb2.Timestamp(seconds=micros // 1_000_000, nanos=micros % 1_000_000 * 1000)


def adding(items: Any, messages: Iterable[Any]) -> Steps[None]:
    """Add messages to a list, each in a step in which it is made."""
    for each in messages:
        items.append(each)
        yield


def value(plain: Any) -> struct_pb2.Value | None:
    """Return a JSON value as a Value; None stays unset."""
    return None if plain is None else value_of(plain)


@lru_cache(maxsize=1024)
def number(message: Any, enum: str, name: str | None) -> Any:
    """Return the number of a name in an enum of a message or module; 0 without a name."""
    return getattr(message, enum).Value(name) if name else 0
