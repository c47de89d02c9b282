"""The limits and the encodings of the fields of requests."""

from __future__ import annotations

from functools import cache
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from msgspec import Struct

from ecrkeeper_server.declarations.list_bounds import bound_of
from ecrkeeper_server.declarations.quota_fields import quota_of

# The wire types.
VARINT, FIXED64, SIZED, GROUP, GROUP_END, FIXED32 = range(6)


class BoundedField(Struct, frozen=True):
    """The limit and the encoding of a field; the limit is 0 unless it is a list."""

    name: str
    bound: int
    quota: str
    output_only: bool
    message: Descriptor | None
    # The size of an item in the packed encoding: 0 for numbers of variable length, None for fields
    # that cannot be packed.
    width: int | None
    # The allowed wire types; a field with another one counts as unknown.
    kinds: frozenset[int]


def output_only(described: FieldDescriptor) -> bool:
    """Return whether a field is output-only: requests may hold any value in it."""
    extension: Any = field_behavior_pb2.field_behavior
    return field_behavior_pb2.OUTPUT_ONLY in described.GetOptions().Extensions[extension]


_WIDTHS = {
    FieldDescriptor.TYPE_FIXED32: 4, FieldDescriptor.TYPE_SFIXED32: 4, FieldDescriptor.TYPE_FLOAT: 4,
    FieldDescriptor.TYPE_FIXED64: 8, FieldDescriptor.TYPE_SFIXED64: 8, FieldDescriptor.TYPE_DOUBLE: 8,
    FieldDescriptor.TYPE_STRING: None, FieldDescriptor.TYPE_BYTES: None,
    FieldDescriptor.TYPE_MESSAGE: None, FieldDescriptor.TYPE_GROUP: None,
}  # fmt: skip

_KINDS = {0: VARINT, 4: FIXED32, 8: FIXED64, None: SIZED}


@cache
def fields_of(message: Descriptor) -> dict[int, BoundedField]:
    """Return the fields of a message by number."""
    return {each.number: _field(each) for each in message.fields}


def _field(described: FieldDescriptor) -> BoundedField:
    width = _WIDTHS.get(described.type, 0)
    kinds = {_KINDS[width], SIZED if described.is_repeated else _KINDS[width]}
    return BoundedField(
        described.name, bound_of(described), quota_of(described), output_only(described), described.message_type, width,
        frozenset(kinds),
    )  # fmt: skip
