"""Serialize long messages in steps: protobuf serializes 3 MB in some 10 ms."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from ecrkeeper_server.api.messages.answer import Answer, M
from ecrkeeper_server.turns import Steps, work

# Bytes and items of a step; items of so few that each of them may be long.
_BYTES, _ITEMS, _FEW = 200_000, 200, 8
_LENGTH_DELIMITED = 2


async def answered(message: M) -> Answer[M]:
    """Return the answer with a message; in turns if the message took long to make."""
    return await work().run(answering(message)) if work().large else Answer.of(message)


def answering(message: M) -> Steps[Answer[M]]:
    """Return the answer with a message, in steps."""
    content = yield from serializing(message)
    return Answer(type(message), content, message)


def serializing_item(number: int, message: Message) -> Steps[bytes]:
    """Return the bytes of an answer with one item in its field `number`, in steps."""
    content = yield from serializing(message)
    return _head(number, len(content)) + content


def serializing(message: Any, *, deterministic: bool = False, omitted: Container[str] = ()) -> Steps[bytes]:
    """Return the bytes of a message without the omitted members, field by field.

    By the definition of protobuf's encoding, concatenated parts of a message are the message.
    """
    rest: Any = type(message)()
    parts: list[bytes] = []
    for field, value in message.ListFields():
        if field.name in omitted:
            continue
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            _copy(field, value, rest)
            continue
        repeated = not isinstance(value, Message)
        items = value if repeated else [value]
        size = count = 0
        for item in items:
            if len(items) <= _FEW:
                yield
                content = yield from serializing(item, deterministic=deterministic)
            else:
                content = item.SerializeToString(deterministic=deterministic)
            parts += (_head(field.number, len(content)), content)
            size, count = size + len(content), count + 1
            if size > _BYTES or count == _ITEMS:
                yield
                size = count = 0
    return b"".join((rest.SerializeToString(deterministic=deterministic), *parts))


def _copy(field: FieldDescriptor, value: Any, message: Any) -> None:
    """Set a field that is a scalar, a list of scalars, or a map."""
    if isinstance(value, bool | int | float | str | bytes):
        setattr(message, field.name, value)
    else:
        getattr(message, field.name).MergeFrom(value)


def _head(number: int, length: int) -> bytes:
    """Return the tag and the length of a field that is a message."""
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(length)


def _varint(value: int) -> bytes:
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)
