"""The limits of lists and maps in the protos, read from the fields' options.

The generated code does not register `buf/validate`, because a program can hold only one file of
that name. This module therefore describes the few rules that it needs in a separate descriptor
pool, with the field numbers of `buf/validate`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto

# The limit of lists without one in the protos: the paths of a field mask.
MAX_ITEMS = 1000

# Message, field, number, and the type of the field: a message, or a number.
_RULES = (
    ("FieldOptions", "rules", 1159, "FieldRules"),
    ("FieldRules", "repeated", 18, "RepeatedRules"),
    ("FieldRules", "map", 19, "MapRules"),
    ("RepeatedRules", "max_items", 2, ""),
    ("MapRules", "max_pairs", 2, ""),
)


def bound_of(described: FieldDescriptor) -> int:
    """Return the maximum number of items of a list or map; 0 for other fields."""
    return rule_of(described) or MAX_ITEMS if described.is_repeated else 0


@cache
def rule_of(described: FieldDescriptor) -> int:
    """Return the maximum number of items that a rule sets; 0 if none does."""
    rules = _options().FromString(described.GetOptions().SerializeToString()).rules
    return int(rules.map.max_pairs or rules.repeated.max_items)


@cache
def _options() -> Any:
    """Return the class of `google.protobuf.FieldOptions` with only these rules."""
    file = FileDescriptorProto(name="list_bounds.proto", package="list_bounds", syntax="proto3")
    messages: dict[str, Any] = {}
    for message, name, number, inner in _RULES:
        if message not in messages:
            messages[message] = file.message_type.add(name=message)
        messages[message].field.add(
            name=name,
            number=number,
            label=FieldDescriptorProto.LABEL_OPTIONAL,
            type=FieldDescriptorProto.TYPE_MESSAGE if inner else FieldDescriptorProto.TYPE_UINT64,
            type_name=f".list_bounds.{inner}" if inner else None,
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("list_bounds.FieldOptions"))
