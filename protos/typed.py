"""Generate the TypedDicts of settings in AWS's shape.

Usage: `python protos/typed.py DESCRIPTORS FILE`.
"""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path
from typing import Any

from documented import comments_of
from google.protobuf import descriptor_pb2, descriptor_pool
from schema import LISTS

_PACKAGE = "ecrkeeper.v1."
_HEAD = '''"""Settings as dictionaries, for type checkers; made by protos/typed.py.

    from ecrkeeper import types

    settings: types.Settings = {"scanningConfiguration": {"scanType": "ENHANCED"}}

Every method that takes `Settings` takes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypedDict
'''
_SUMMARY = 76
_SCALARS = {"TYPE_STRING": "str", "TYPE_BOOL": "bool"}


def main() -> None:
    """Write the module."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("descriptors", type=Path)
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    files = descriptor_pb2.FileDescriptorSet.FromString(arguments.descriptors.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    comments = {name: text for file in files.file if file.package == "ecrkeeper.v1" for name, text in comments_of(file)}
    messages: dict[str, Any] = {}
    _collect(pool.FindMessageTypeByName(_PACKAGE + "Settings"), messages)
    classes = [_class(message, comments) for message in reversed(messages.values())]
    arguments.file.write_text("\n\n".join([_HEAD, *classes]), encoding="utf-8")


def _collect(message: Any, messages: dict[str, Any]) -> None:
    """Note a message and those in it; each is after the ones that use it."""
    messages.pop(message.name, None)
    messages[message.name] = message
    for field in message.fields:
        if _of_package(field.message_type):
            _collect(field.message_type, messages)


def _of_package(message: Any) -> bool:
    return message is not None and not message.GetOptions().map_entry and message.full_name.startswith(_PACKAGE)


def _class(message: Any, comments: dict[str, str]) -> str:
    text = " ".join(comments[message.full_name.removeprefix(_PACKAGE)].split()).replace("\\", "\\\\")
    if len(text) <= _SUMMARY:
        document = f'    """{text}"""'
    else:
        wrapped = textwrap.fill(text, 100, initial_indent="    ", subsequent_indent="    ")
        document = f'    """`{message.name}` in AWS\'s shape.\n\n{wrapped}\n    """'
    members = "\n".join(f"    {field.json_name}: {_type(field)}" for field in message.fields)
    return f"class {message.name}(TypedDict, total=False):\n{document}\n\n{members}\n"


def _type(field: Any) -> str:
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        return "dict[str, str]"
    if message is not None:
        single = message.name if _of_package(message) else "Any"
        if message.name in LISTS:
            [listed] = message.fields
            single += f" | {_type(listed)}"
    elif field.enum_type is not None:
        single = f"Literal[{', '.join(repr(value.name) for value in field.enum_type.values if value.number)}]"
    else:
        single = _SCALARS.get(descriptor_pb2.FieldDescriptorProto.Type.Name(field.type), "int")
    return f"Sequence[{single}]" if field.is_repeated else single


if __name__ == "__main__":
    main()
