"""Messages as indented JSON, in steps."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf import json_format, struct_pb2
from google.protobuf.message import Message

from ecrkeeper_server.turns import Steps

# Messages with a JSON form of their own.
_GOOGLE = "google.protobuf."
_INDENTED = json.JSONEncoder(indent=2, ensure_ascii=False, sort_keys=True)
# Parts of JSON that a step makes.
_AT_ONCE = 1_000
# Items of a list or an object that a step reads.
_ITEMS = 100
# Whole numbers below this are exact in a double.
_EXACT = 2**53
# Bytes of an item that a step reads at once.
_BYTES = 4_000


def pretty(message: Message) -> Steps[str]:
    """Return a message as indented JSON, in steps; text as it is."""
    plain = yield from _value(message) if isinstance(message, struct_pb2.Value) else _plain(message)
    if isinstance(plain, str):
        return plain
    parts = []
    for number, part in enumerate(_INDENTED.iterencode(plain)):
        parts.append(part)
        if number % _AT_ONCE == _AT_ONCE - 1:
            yield
    return "".join(parts)


def _value(value: struct_pb2.Value) -> Steps[Any]:
    """Return a value as JSON, with a step for each list and object."""
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        yield
        items = []
        for number, item in enumerate(value.list_value.values, 1):
            items.append((yield from _value(item)))
            if number % _ITEMS == 0:
                yield
        return items
    if kind == "struct_value":
        yield
        members = {}
        for number, (name, member) in enumerate(value.struct_value.fields.items(), 1):
            members[name] = yield from _value(member)
            if number % _ITEMS == 0:
                yield
        return members
    if kind == "number_value":
        amount = value.number_value
        return int(amount) if amount.is_integer() and abs(amount) < _EXACT else amount
    return None if kind in (None, "null_value") else getattr(value, kind)


def _plain(message: Any) -> Steps[dict[str, Any]]:
    """Return a message as JSON, with a step for each item of a list."""
    result: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for field, value in message.ListFields():
        nested = field.message_type
        if field.type == field.TYPE_STRING and not isinstance(value, str):
            result[field.json_name] = list(value)
            continue
        if nested is None or nested.GetOptions().map_entry or nested.full_name.startswith(_GOOGLE):
            others[field.name] = value
        elif isinstance(value, Message):
            result[field.json_name] = yield from _plain(value)
        else:
            result[field.json_name] = items = []
            for item in value:
                yield
                large = item.ByteSize() > _BYTES
                items.append((yield from _plain(item)) if large else json_format.MessageToDict(item))
    return {**json_format.MessageToDict(type(message)(**others)), **result}
