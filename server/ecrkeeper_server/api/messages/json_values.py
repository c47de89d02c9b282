"""JSON values as messages, made in steps.

The request of a plan has thousands of members.
`json_format.ParseDict` takes three times as long, and cannot pause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import struct_pb2

from ecrkeeper_server.turns import Steps, finish

# So many values take less than a millisecond.
_AT_ONCE = 200
_Open = list[tuple[struct_pb2.Value, Any]]


def value_of(value: Any) -> struct_pb2.Value:
    """Return a JSON value as a Value."""
    message = struct_pb2.Value()
    finish(_filling([(message, value)]))
    return message


def struct_of(members: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return a JSON object as a Struct."""
    return finish(making_struct(members))


def making_struct(members: Mapping[str, Any]) -> Steps[struct_pb2.Struct]:
    """Return a JSON object as a Struct, in steps."""
    struct = struct_pb2.Struct()
    yield from _filling([(struct.fields[name], member) for name, member in members.items()])
    return struct


def _filling(unfilled: _Open) -> Steps[None]:
    while unfilled:
        for _ in range(min(_AT_ONCE, len(unfilled))):
            _fill(*unfilled.pop(), unfilled)
        yield


def _fill(target: struct_pb2.Value, value: Any, unfilled: _Open) -> None:
    """Set a value; add the members that it has to those that are left."""
    if isinstance(value, str):
        target.string_value = value
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, Mapping):
        # An empty object is one, too.
        target.struct_value.SetInParent()
        unfilled += [(target.struct_value.fields[name], member) for name, member in value.items()]
    elif isinstance(value, Sequence):
        target.list_value.SetInParent()
        unfilled += [(target.list_value.values.add(), member) for member in value]
    else:
        raise TypeError(f"not a JSON value: {type(value).__name__}")
