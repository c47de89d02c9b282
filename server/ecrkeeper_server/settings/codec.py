"""Convert between proto messages and AWS's shapes, by descriptors.

The JSON form of a settings message is the AWS shape. `masked_paths` resolves
the fields of a message that count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

from ecrkeeper.v1.settings_pb2 import Settings
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.names import shown
from ecrkeeper_server.settings.unknown_fields import fields, reported
from ecrkeeper_server.turns import Steps, finish

# Items that are filled in one step.
_AT_ONCE = 50
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
    return {name: to_aws(value) for name, value in _present(settings)}


def settings_from_aws(shapes: Mapping[str, Any]) -> Settings:
    """Return the message of settings in AWS's shape; an empty setting stays present."""
    settings = Settings()
    finish(filling_settings(settings, shapes))
    return settings


def filling_settings(settings: Settings, shapes: Mapping[str, Any]) -> Steps[None]:
    """Fill the message of settings in steps."""
    settings.SetInParent()
    for name, shape in shapes.items():
        yield
        message = getattr(settings, name)
        message.SetInParent()
        yield from filling(shape, message)


def converting(settings: Settings) -> Steps[dict[str, Any]]:
    """Return the same in steps, one for each item of a setting's lists."""
    converted = {}
    for name, value in _present(settings):
        converted[name] = yield from _converting(value)
    return converted


def _present(settings: Settings) -> Iterator[tuple[str, Message]]:
    ignored = reported(settings.DESCRIPTOR)
    return ((field.name, value) for field, value in settings.ListFields() if field.json_name not in ignored)


def to_aws(message: Message) -> dict[str, Any]:
    """Return a message in AWS's shape, without unset and output-only members."""
    shape = _defaults(message)
    for name, repeated, convert, value in _members_of(message):
        shape[name] = [convert(item) for item in value] if repeated else convert(value)
    return shape


def _converting(message: Message) -> Steps[dict[str, Any]]:
    shape = _defaults(message)
    for name, repeated, convert, value in _members_of(message):
        shape[name] = items = [] if repeated else convert(value)
        for item in value if repeated else ():
            items.append(convert(item))
            yield
    return shape


def _defaults(message: Message) -> dict[str, Any]:
    """Return the booleans, which AWS requires, and ListFields omits if they are false."""
    return dict.fromkeys(_members(message.DESCRIPTOR)[1], False)


def _members_of(message: Message) -> Iterator[tuple[str, bool, _Conversion, Any]]:
    """Yield the conversion of each field that is set, and the value."""
    members, _ = _members(message.DESCRIPTOR)
    for field, value in message.ListFields():
        if (member := members.get(field.number)) is not None:
            yield *member, value


_Conversion = Callable[[Any], Any]
_Member = tuple[str, bool, _Conversion]


# Descriptors answer slowly, and a declaration may have thousands of messages.
@lru_cache(maxsize=256)
def _members(message: Descriptor) -> tuple[dict[int, _Member], tuple[str, ...]]:
    """Return the conversion of each field, and AWS's names of the booleans.

    A conversion is AWS's name, whether the field is repeated, and the function that converts an item.
    """
    known = fields(message).values()
    return (
        {field.number: (field.json_name, field.is_repeated, _conversion(field)) for field in known},
        tuple(field.json_name for field in known if field.type == FieldDescriptor.TYPE_BOOL),
    )


def _conversion(field: FieldDescriptor) -> _Conversion:
    if field.message_type is not None:
        return to_aws
    return _itself if field.enum_type is None else partial(enum_to_aws, field.enum_type)


def _itself(value: Any) -> Any:
    return value


def from_aws(shape: Mapping[str, Any], message: Message) -> None:
    """Fill a message from AWS's shape; skip members that the message does not have."""
    finish(filling(shape, message))


def filling(shape: Mapping[str, Any], message: Message) -> Steps[None]:
    """Do the same in steps."""
    known = _targets(message.DESCRIPTOR)
    for member, value in shape.items():
        field = known.get(member)
        if field is None or value is None:
            continue
        name, repeated, nested, enum = field
        if nested and repeated:
            add = getattr(message, name).add
            for at, item in enumerate(value):
                if at % _AT_ONCE == _AT_ONCE - 1:
                    yield
                yield from filling(item, add())
        elif nested:
            target = getattr(message, name)
            target.SetInParent()
            yield from filling(value, target)
        elif repeated:
            getattr(message, name).extend(value if enum is None else [enum_from_aws(enum, item) for item in value])
        else:
            setattr(message, name, value if enum is None else enum_from_aws(enum, value))


_Target = tuple[str, bool, bool, EnumDescriptor | None]


@lru_cache(maxsize=256)
def _targets(message: Descriptor) -> dict[str, _Target]:
    """Return the fields of a message by AWS's names.

    A field is its name, whether it is repeated, whether it is a message, and its enum.
    """
    return {
        name: (field.name, field.is_repeated, field.message_type is not None, field.enum_type)
        for name, field in fields(message).items()
    }


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
