"""Convert between proto messages and AWS's shapes, by descriptors.

The JSON form of a settings message is the AWS shape. `masked_paths` resolves
the fields of a message that count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from ecrkeeper.v1.settings_pb2 import Settings
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.names import shown
from ecrkeeper_server.settings.unknown_fields import fields, reported

# Limits the unknown paths that an error message names.
_FEW_PATHS = 5


def words(enum: Any) -> tuple[str, ...]:
    """Return the values of an API enum, without the unspecified one."""
    return tuple(value.name for value in enum.DESCRIPTOR.values if value.number)


def word(enum: Any, number: int) -> str:
    """Return the name of an API enum value; `UNSPECIFIED` if it is not set."""
    return str(enum.Name(number)) if number else "UNSPECIFIED"


@lru_cache(maxsize=1024)
def enum_to_aws(enum: EnumDescriptor, number: int) -> str:
    """Return the AWS value of an enum value."""
    return enum.values_by_number[number].name


@lru_cache(maxsize=1024)
def enum_from_aws(enum: EnumDescriptor, value: str) -> int:
    """Return the enum value of an AWS value; 0 if it is unknown."""
    known = enum.values_by_name.get(value)
    return known.number if known is not None else 0


def settings_to_aws(settings: Settings) -> dict[str, Any]:
    """Return each setting that is present, by field name, in AWS's shape."""
    ignored = reported(settings.DESCRIPTOR)
    return {field.name: to_aws(value) for field, value in settings.ListFields() if field.json_name not in ignored}


def settings_from_aws(shapes: Mapping[str, Any]) -> Settings:
    """Return the message of settings in AWS's shape; an empty setting stays present."""
    settings = Settings()
    for name, shape in shapes.items():
        message = getattr(settings, name)
        message.SetInParent()
        from_aws(shape, message)
    return settings


def to_aws(message: Message) -> dict[str, Any]:
    """Return a message in AWS's shape, without unset and output-only members."""
    ignored = reported(message.DESCRIPTOR)
    shape = {
        field.json_name: _value_to_aws(field, value)
        for field, value in message.ListFields()
        if field.json_name not in ignored
    }
    # ListFields omits a required boolean that is false.
    for field in _booleans(message.DESCRIPTOR):
        shape[field.json_name] = getattr(message, field.name)
    return shape


@lru_cache(maxsize=256)
def _booleans(message: Descriptor) -> tuple[FieldDescriptor, ...]:
    return tuple(field for field in message.fields if field.type == FieldDescriptor.TYPE_BOOL)


def _value_to_aws(field: FieldDescriptor, value: Any) -> Any:
    if field.is_repeated:
        return [_single_to_aws(field, item) for item in value]
    return _single_to_aws(field, value)


def _single_to_aws(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        return to_aws(value)
    if field.enum_type is not None:
        return enum_to_aws(field.enum_type, value)
    return value


def from_aws(shape: Mapping[str, Any], message: Message) -> None:
    """Fill a message from AWS's shape; skip members that the message does not have."""
    known = fields(message.DESCRIPTOR)
    for member, value in shape.items():
        field = known.get(member)
        if field is None or value is None:
            continue
        if field.message_type is not None:
            target = getattr(message, field.name)
            for item in value if field.is_repeated else ():
                from_aws(item, target.add())
            if not field.is_repeated:
                target.SetInParent()
                from_aws(value, target)
        elif field.is_repeated:
            getattr(message, field.name).extend(_scalar(field, item) for item in value)
        else:
            setattr(message, field.name, _scalar(field, value))


def _scalar(field: Any, value: Any) -> Any:
    return enum_from_aws(field.enum_type, value) if field.enum_type is not None else value


def masked_paths(mask: FieldMask, message: Message, allowed: Iterable[str]) -> set[str]:
    """Return the paths to change (AIP-134).

    Those are the paths of the mask, all for `*`, and without a mask the fields
    set in `message`. Raises InvalidArgument that names all unknown paths.
    """
    every = set(allowed)
    if not mask.paths:
        return every & {field.name for field, _ in message.ListFields()}
    if list(mask.paths) == ["*"]:
        return every
    unknown = [path for path in mask.paths if path not in every]
    if unknown:
        named = ", ".join(map(shown, unknown[:_FEW_PATHS])) + (", …" if len(unknown) > _FEW_PATHS else "")
        description = f"unknown path {named}; allowed are {', '.join(sorted(every))}"
        raise InvalidArgument([Violation("update_mask", description)])
    return set(mask.paths)
