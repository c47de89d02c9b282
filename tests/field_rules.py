"""The rules of the protos, read from the bytes in the descriptors' options.

The generated code has no `buf/validate`, so it is compiled here, into a pool of its own.
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
    """The protos at these paths, by default all, and what they import; imports come first."""
    chosen = [word for path in paths for word in ("--path", str(path))]
    command = [program("buf"), "build", str(PROTOS), *chosen, "-o", "-"]
    return FileDescriptorSet.FromString(subprocess.run(command, check=True, capture_output=True).stdout)


@cache
def rules_files() -> FileDescriptorSet:
    """The proto of the rules and what it imports."""
    return compiled(PROTOS / "third_party" / RULES)


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in rules_files().file:
        pool.Add(file)
    return pool


@cache
def _rules() -> Any:
    """The extension of fields' options; its message must be known before an option is parsed."""
    extension = _pool().FindExtensionByName("buf.validate.field")
    message_factory.GetMessageClass(extension.message_type)
    return extension


def with_rules(options: Message) -> Any:
    """The options of anything, of which only the rules are unknown fields no more."""
    _rules()
    kind = message_factory.GetMessageClass(_pool().FindMessageTypeByName(options.DESCRIPTOR.full_name))
    return kind.FromString(options.SerializeToString())


def rules_of(field: FieldDescriptor) -> Any:
    """The `buf.validate.FieldRules` of a field."""
    return with_rules(field.GetOptions()).Extensions[_rules()]
