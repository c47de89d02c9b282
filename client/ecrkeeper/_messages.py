"""Conversion of dictionaries, in JSON form or AWS's shape, to messages and masks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from ecrkeeper._aws_answers import Faults, as_message, reported
from ecrkeeper._failures import invalid

M = TypeVar("M", bound=Message)


def message_of(kind: type[M], value: M | Mapping[str, Any], path: str) -> M:
    """Return a message, from a message or a dictionary; `path` is the argument's name.

    Members have the names of AWS and JSON or those of the protos, and None means unset.
    InvalidArgument has every violation of a dictionary; TypeError for any other type.
    """
    if isinstance(value, kind):
        return value
    if not isinstance(value, Mapping):
        raise TypeError(f"{path} must be a mapping or {kind.DESCRIPTOR.name}, got {type(value).__name__}")
    faults: Faults = []
    shaped = _shaped(value, kind.DESCRIPTOR, path, faults)
    if faults:
        raise invalid(*faults)
    try:
        return json_format.ParseDict(shaped, kind())
    except (json_format.ParseError, ValueError, TypeError) as error:
        raise invalid((path, str(error))) from error


def enum_value(enum: Any, value: Any, path: str) -> Any:
    """Return an enum value from its number or its name; None for None.

    InvalidArgument with the known values for others.
    """
    faults: Faults = []
    if value is not None:
        _enum(value, enum.DESCRIPTOR, path, faults)
    if faults:
        raise invalid(*faults)
    return value


def field_mask(paths: FieldMask | Mapping[str, Any] | Iterable[str] | None) -> FieldMask | None:
    """Return a field mask from a mask, paths, a comma-separated string, or JSON.

    JSON is `{"paths": [...]}`. Paths may have JSON names, such as `settings.registryPolicy`.
    InvalidArgument for any other value.
    """
    if paths is None or isinstance(paths, FieldMask):
        return paths
    if isinstance(paths, Mapping):
        if set(paths) != {"paths"}:
            raise invalid(("update_mask", f"must have the member `paths` and no other, got {sorted(map(str, paths))}"))
        return field_mask(paths["paths"])
    listed = texts("update_mask", paths.split(",") if isinstance(paths, str) else paths)
    return FieldMask(paths=[re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", each) for each in listed])


def texts(path: str, values: Iterable[str]) -> list[str]:
    """Return strings as a list.

    InvalidArgument for one string, a dictionary or other items.
    """
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise invalid((path, f"must be a list of strings, got {type(values).__name__}"))
    listed = list(values)
    faults = [(f"{path}[{at}]", _not_text(each)) for at, each in enumerate(listed) if not isinstance(each, str)]
    if faults:
        raise invalid(*faults)
    return listed


def _not_text(value: Any) -> str:
    hint = "text; use json.dumps for a mapping" if isinstance(value, Mapping) else "text"
    return f"must be {hint}, got {type(value).__name__}"


def _shaped(value: Any, kind: Any, path: str, faults: Faults) -> Any:
    """Return a dictionary in ParseDict's form; add violations to `faults`."""
    if isinstance(value, Message):
        if value.DESCRIPTOR is not kind:
            faults.append((path, f"must be {kind.name}, got {value.DESCRIPTOR.name}"))
        return json_format.MessageToDict(value)
    value = as_message(value, kind, path, faults)
    if not isinstance(value, Mapping):
        faults.append((path, f"must be a mapping, got {type(value).__name__}"))
        return value
    fields = {name: field for field in kind.fields for name in (field.json_name, field.name)}
    shaped: dict[str, Any] = {}
    for key, inner in value.items():
        at = f"{path}.{key}" if path else str(key)
        if key not in fields:
            known = ", ".join(field.json_name for field in kind.fields if not reported(field))
            faults.append((at, f"is not a member here; known members are {known}"))
            continue
        name = fields[key].json_name
        if name in shaped:
            faults.append((at, f"is present twice, as {name} and {fields[key].name}"))
        elif inner is not None:
            field = fields[key]
            shaped[name] = _field(inner, field, f"{path}.{field.name}" if path else field.name, faults)
    return shaped


def _field(value: Any, field: FieldDescriptor, path: str, faults: Faults) -> Any:
    if not field.is_repeated:
        return _single(value, field, path, faults)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return _map(value, field.message_type, path, faults)
    if not isinstance(value, list | tuple):
        faults.append((path, f"must be a list, got {type(value).__name__}"))
        return value
    return [_single(inner, field, f"{path}[{at}]", faults) for at, inner in enumerate(value)]


def _map(value: Any, entry: Descriptor, path: str, faults: Faults) -> Any:
    if not isinstance(value, Mapping):
        faults.append((path, f"must be a mapping, got {type(value).__name__}"))
        return value
    key_field, value_field = entry.fields_by_name["key"], entry.fields_by_name["value"]
    return {
        _single(key, key_field, f"{path}[{key!r}]", faults): _single(inner, value_field, f"{path}[{key!r}]", faults)
        for key, inner in value.items()
    }


def _single(value: Any, field: FieldDescriptor, path: str, faults: Faults) -> Any:
    if field.message_type is not None and not field.message_type.full_name.startswith("google."):
        return _shaped(value, field.message_type, path, faults)
    if field.enum_type is not None:
        return _enum(value, field.enum_type, path, faults)
    if field.type == FieldDescriptor.TYPE_STRING:
        if not isinstance(value, str):
            faults.append((path, _not_text(value)))
        elif not _is_unicode(value):
            faults.append((path, "must be Unicode text without lone surrogates"))
        return value
    # ParseDict has the rules for numbers, booleans and Google's types.
    container = message_factory.GetMessageClass(cast(Descriptor, field.containing_type))()
    try:
        json_format.ParseDict({field.json_name: [value] if field.is_repeated else value}, container)
    except (json_format.ParseError, ValueError, TypeError) as error:
        faults.append((path, f"{error}, got {value!r:.100}"))
    return value


def _enum(value: Any, enum: EnumDescriptor, path: str, faults: Faults) -> Any:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if value not in enum.values_by_name if isinstance(value, str) else not is_number:
        known = ", ".join(each.name for each in enum.values if each.number)
        faults.append((path, f"must be one of {known}, got {value!r:.100}"))
    return value


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
