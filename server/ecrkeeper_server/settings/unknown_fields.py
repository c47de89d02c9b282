"""Members and enum values that AWS knows and the API's messages do not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from ecrkeeper.v1 import settings_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from ecrkeeper_server.turns import Steps, finish

_ITEMS_AT_ONCE = 250


def unknown(name: str, shape: Mapping[str, Any]) -> list[str]:
    """The paths of what a setting's message cannot hold, as AWS names them."""
    return finish(finding(name, shape))


def finding(name: str, shape: Mapping[str, Any]) -> Steps[list[str]]:
    """Return the same in steps: a part of a long list at a time."""
    message = cast(Descriptor, settings_pb2.Settings.DESCRIPTOR.fields_by_name[name].message_type)
    known, ignored = fields(message), reported(message)
    paths = []
    for member, value in shape.items():
        field = known.get(member)
        if field is None or member in ignored or not (field.is_repeated and isinstance(value, list)):
            paths += _in_message(message, {member: value}, "")
            continue
        seen = 0
        for at, item in enumerate(value):
            paths += _in_value(field, item, f"{member}[{at}]")
            seen += _length(item)
            if seen >= _ITEMS_AT_ONCE:
                yield
                seen = 0
    return paths


def _length(item: Any) -> int:
    """Return the number of items that an item has, with itself."""
    if not isinstance(item, dict):
        return 1
    return 1 + sum(len(each) for each in item.values() if isinstance(each, list))


def _in_message(message: Descriptor, value: Any, path: str) -> list[str]:
    if not isinstance(value, Mapping):
        return [path]
    known, ignored = fields(message), reported(message)
    paths = []
    for name, member in value.items():
        if name in ignored:
            continue
        at = f"{path}.{name}" if path else name
        field = known.get(name)
        if field is None:
            paths.append(at)
        elif member is not None:
            paths += _in_field(field, member, at)
    return paths


@cache
def fields(message: Descriptor) -> dict[str, FieldDescriptor]:
    """Return the fields of a message by AWS's names, without output-only members."""
    return {field.json_name: field for field in message.fields if field.json_name not in reported(message)}


@cache
def reported(message: Descriptor) -> frozenset[str]:
    """Return the output-only members, such as `createdAt`.

    They are not part of a setting.
    """
    return frozenset(
        field.json_name
        for field in message.fields
        if field.message_type is not None and field.message_type.full_name == "google.protobuf.Value"
    )


def _in_field(field: FieldDescriptor, value: Any, path: str) -> list[str]:
    if not field.is_repeated:
        return _in_value(field, value, path)
    if not isinstance(value, list):
        return [path]
    return [unknown for at, item in enumerate(value) for unknown in _in_value(field, item, f"{path}[{at}]")]


def _in_value(field: FieldDescriptor, value: Any, path: str) -> list[str]:
    if field.message_type:
        return _in_message(field.message_type, value, path)
    if field.enum_type:
        return [] if isinstance(value, str) and value in _aws_values(field.enum_type) else [f"{path}={value}"]
    wanted = bool if field.type == FieldDescriptor.TYPE_BOOL else str
    return [] if isinstance(value, wanted) else [path]


@cache
def _aws_values(enum: EnumDescriptor) -> frozenset[str]:
    """Return the values in AWS's spelling."""
    return frozenset(value.name for value in enum.values if value.number)
