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
    faults: list[tuple[str, str]] = []
    shaped = _shaped(settings, Settings.DESCRIPTOR, "settings", faults)
    if faults:
        raise invalid(*faults)
    try:
        return json_format.ParseDict(shaped, Settings())
    except json_format.ParseError as error:
        raise invalid(("settings", str(error))) from error


def declaration(
    name: str,
    settings: Settings | Mapping[str, Any],
    *,
    deletion_policy: DeletionPolicy | str | None,
    allow_replacement: bool,
    etag: str = "",
) -> RegistrySettings:
    """Return what one owner declares; InvalidArgument for settings or a policy that do not exist."""
    kind, message = DeletionPolicy.DESCRIPTOR, settings_message(settings)
    policy = enum_name(kind, deletion_policy)
    if isinstance(policy, str) and policy not in kind.values_by_name:
        raise invalid(("deletion_policy", _not_one_of(kind, policy)))
    return RegistrySettings(
        name=name, settings=message, deletion_policy=policy, allow_replacement=allow_replacement, etag=etag
    )


def enum_name(enum: EnumDescriptor, value: Any) -> Any:
    """Return the name of an enum value that AWS writes without the prefix; anything else as it is."""
    if not isinstance(value, str) or value in enum.values_by_name:
        return value
    name = _prefix(enum) + value.upper().replace("-", "_")
    return name if name in enum.values_by_name else value


def _prefix(enum: EnumDescriptor) -> str:
    return enum.values_by_number[0].name.removesuffix("UNSPECIFIED")


def _not_one_of(enum: EnumDescriptor, value: Any) -> str:
    known = ", ".join(each.name.removeprefix(_prefix(enum)) for each in enum.values if each.number)
    return f"must be one of {known}, got {value!r}"


def _shaped(value: Any, message: Any, path: str, faults: list[tuple[str, str]]) -> Any:
    if not isinstance(value, Mapping):
        faults.append((path, f"must be a mapping, got {type(value).__name__}"))
        return value
    fields = {name: field for field in message.fields for name in (field.json_name, field.name)}
    unknown = [key for key in value if key not in fields]
    known = ", ".join(field.json_name for field in message.fields)
    faults += [(f"{path}.{key}", f"is not a member here; known are {known}") for key in unknown]
    return {
        key: _field(inner, fields[key], f"{path}.{fields[key].name}", faults)
        for key, inner in value.items()
        if key in fields and inner is not None
    }


def _field(value: Any, field: FieldDescriptor, path: str, faults: list[tuple[str, str]]) -> Any:
    if not field.is_repeated:
        return _single(value, field, path, faults)
    if not isinstance(value, list | tuple):
        faults.append((path, f"must be a list, got {type(value).__name__}"))
        return value
    return [_single(inner, field, f"{path}[{at}]", faults) for at, inner in enumerate(value)]


def _single(value: Any, field: FieldDescriptor, path: str, faults: list[tuple[str, str]]) -> Any:
    if field.message_type is not None:
        return _shaped(value, field.message_type, path, faults)
    if field.enum_type is not None:
        value = enum_name(field.enum_type, value)
        if isinstance(value, str) and value not in field.enum_type.values_by_name:
            faults.append((path, _not_one_of(field.enum_type, value)))
    elif field.type == FieldDescriptor.TYPE_STRING and not isinstance(value, str):
        text = "text; json.dumps makes it of a mapping" if isinstance(value, Mapping) else "text"
        faults.append((path, f"must be {text}, got {type(value).__name__}"))
    return value
