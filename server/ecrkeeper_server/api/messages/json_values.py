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


def value_of(given: Any) -> struct_pb2.Value:
    """Return a JSON value as a Value."""
    made = struct_pb2.Value()
    finish(_filling([(made, given)]))
    return made


def struct_of(given: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return a JSON object as a Struct."""
    return finish(making_struct(given))


def making_struct(given: Mapping[str, Any]) -> Steps[struct_pb2.Struct]:
    """Return a JSON object as a Struct, in steps."""
    made = struct_pb2.Struct()
    yield from _filling([(made.fields[name], member) for name, member in given.items()])
    return made


def _filling(left: _Open) -> Steps[None]:
    while left:
        for _ in range(min(_AT_ONCE, len(left))):
            _fill(*left.pop(), left)
        yield


def _fill(target: struct_pb2.Value, given: Any, left: _Open) -> None:
    """Set a value; add the members that it has to those that are left."""
    if isinstance(given, str):
        target.string_value = given
    elif given is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(given, bool):
        target.bool_value = given
    elif isinstance(given, int | float):
        target.number_value = given
    elif isinstance(given, Mapping):
        # An empty object is one, too.
        target.struct_value.SetInParent()
        left += [(target.struct_value.fields[name], member) for name, member in given.items()]
    elif isinstance(given, Sequence):
        target.list_value.SetInParent()
        left += [(target.list_value.values.add(), member) for member in given]
    else:
        raise TypeError(f"not a JSON value: {type(given).__name__}")
