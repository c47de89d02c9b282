"""Add the comments of the protos to generated stubs, where editors look for them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto

_CLASS = re.compile(r"(?P<indent> *)class (?P<name>\w+)\(")
_FIELD = re.compile(r"(?P<indent> +)(?P<name>\w+): ")
_WIDTH = 100
# In the path of a location: the member of a file, of a message, and of an enum that each number is.
_OF_FILE = {4: "message_type", 5: "enum_type"}
_OF_MESSAGE = {2: "field", 3: "nested_type", 4: "enum_type"}
_OF_ENUM = {2: "value"}


def comments_of(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    """Yield the comment of each message, field, enum and value by its name."""
    for location in file.source_code_info.location:
        name = _name_of(file, location.path)
        if name and location.leading_comments:
            yield name, location.leading_comments


def _name_of(file: FileDescriptorProto, path: Sequence[int]) -> str:
    names: list[str] = []
    inside: Any = file
    for number, index in zip(path[::2], path[1::2], strict=False):
        kind = type(inside).__name__
        steps = {"FileDescriptorProto": _OF_FILE, "DescriptorProto": _OF_MESSAGE, "EnumDescriptorProto": _OF_ENUM}
        if number not in steps.get(kind, {}):
            return ""
        inside = getattr(inside, steps[kind][number])[index]
        names.append(inside.name)
    return ".".join(names) if len(path) % 2 == 0 else ""


def documented(stub: str, comments: dict[str, str]) -> str:
    """Return a stub with a docstring after each class and attribute with a comment."""
    lines: list[str] = []
    classes: list[str] = []
    for line in stub.splitlines():
        lines.append(line)
        if match := _CLASS.match(line):
            depth = len(match["indent"]) // 4
            classes[depth:] = [match["name"]]
            indent = match["indent"] + "    "
            name = ".".join(classes)
        elif match := _FIELD.match(line):
            indent = match["indent"]
            name = ".".join([*classes[: len(indent) // 4], match["name"]])
        else:
            continue
        if name in comments:
            lines += _docstring(comments.pop(name), indent)
    return "\n".join(lines) + "\n"


def _docstring(comment: str, indent: str) -> list[str]:
    paragraphs = [" ".join(each.split()) for each in re.split(r"\n\s*\n", comment.strip())]
    paragraphs[0] = f'"""{paragraphs[0]}'
    paragraphs[-1] += '"""'
    wrapped = [textwrap.wrap(each.replace("\\", "\\\\"), _WIDTH - len(indent)) for each in paragraphs]
    lines = [line for at, each in enumerate(wrapped) for line in ([""] if at else []) + each]
    return [f"{indent}{line}".rstrip() for line in lines]
