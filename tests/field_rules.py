"""The rules of the protos, read from the bytes in the descriptors' options.

The generated code has no `buf/validate`, so it is compiled here, into a separate pool.
"""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import Message

from tests.harness import program

PROTOS = Path(__file__).parents[1] / "protos"
RULES = "buf/validate/validate.proto"


def compiled(*paths: Path) -> FileDescriptorSet:
    """Return the protos at these paths, by default all, after their imports."""
    chosen = [word for path in paths for word in ("--path", str(path))]
    command = [program("buf"), "build", str(PROTOS), *chosen, "-o", "-"]
    return FileDescriptorSet.FromString(subprocess.run(command, check=True, capture_output=True).stdout)


@cache
def rules_files() -> FileDescriptorSet:
    """Return the proto of the rules and its imports."""
    return compiled(PROTOS / "third_party" / RULES)


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in rules_files().file:
        pool.Add(file)
    return pool


@cache
def _rules() -> Any:
    """Return the extension of field options, whose message must be known first."""
    extension = _pool().FindExtensionByName("buf.validate.field")
    message_factory.GetMessageClass(extension.message_type)
    return extension


def with_rules(options: Message) -> Any:
    """Return options in which the rules are no longer unknown fields."""
    _rules()
    kind = message_factory.GetMessageClass(_pool().FindMessageTypeByName(options.DESCRIPTOR.full_name))
    return kind.FromString(options.SerializeToString())


def rules_of(field: FieldDescriptor) -> Any:
    """Return the `buf.validate.FieldRules` of a field."""
    return with_rules(field.GetOptions()).Extensions[_rules()]
