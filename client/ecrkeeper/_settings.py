"""Settings in the shape of AWS: dictionaries as boto3 takes them, turned into messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from ecrkeeper._failures import invalid
from ecrkeeper.v1.common_pb2 import DeletionPolicy
from ecrkeeper.v1.registry_pb2 import RegistrySettings
from ecrkeeper.v1.settings_pb2 import Settings


def settings_message(settings: Settings | Mapping[str, Any]) -> Settings:
    """Return the message for settings in AWS's shape; InvalidArgument for another shape, TypeError for no mapping."""
    if isinstance(settings, Settings):
        return settings
    if not isinstance(settings, Mapping):
        raise TypeError(f"settings must be a mapping or Settings, got {type(settings).__name__}")
    try:
        return json_format.ParseDict(_shaped(settings, Settings.DESCRIPTOR), Settings())
    except json_format.ParseError as error:
        raise invalid("settings", str(error)) from error


def declaration(
    name: str,
    settings: Settings | Mapping[str, Any],
    *,
    deletion_policy: DeletionPolicy | str | None,
    allow_replacement: bool,
    etag: str = "",
) -> RegistrySettings:
    """Return what one owner declares; InvalidArgument for settings or a policy that do not exist."""
    policy = enum_name(DeletionPolicy.DESCRIPTOR, deletion_policy)
    try:
        return RegistrySettings(
            name=name,
            settings=settings_message(settings),
            deletion_policy=policy,
            allow_replacement=allow_replacement,
            etag=etag,
        )
    except ValueError as error:
        raise invalid("deletion_policy", str(error)) from error


def enum_name(enum: EnumDescriptor, value: Any) -> Any:
    """Return the name of an enum value that AWS writes without the prefix; anything else as it is."""
    if not isinstance(value, str) or value in enum.values_by_name:
        return value
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    name = prefix + value.upper().replace("-", "_")
    return name if name in enum.values_by_name else value


def _shaped(value: Any, message: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    fields = {name: field for field in message.fields for name in (field.json_name, field.name)}
    return {key: _field(inner, fields[key]) if key in fields else inner for key, inner in value.items()}


def _field(value: Any, field: FieldDescriptor) -> Any:
    if isinstance(value, list | tuple):
        return [_field(inner, field) for inner in value]
    if field.enum_type is not None:
        return enum_name(field.enum_type, value)
    if field.message_type is not None:
        return _shaped(value, field.message_type)
    return value
