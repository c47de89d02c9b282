"""An index of proto files by their symbols and extensions, for gRPC reflection."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet
from msgspec import Struct


class DescriptorIndex(Struct, frozen=True):
    """Serialized files by name, and file names by symbol and extension.

    `extensions` has, for each message, the files of its extensions by number.
    """

    files: Mapping[str, bytes]
    imports: Mapping[str, tuple[str, ...]]
    symbols: Mapping[str, str]
    messages: Collection[str]
    extensions: Mapping[str, Mapping[int, str]]

    @classmethod
    def parse(cls, content: bytes) -> DescriptorIndex:
        """Index a serialized FileDescriptorSet."""
        files = FileDescriptorSet.FromString(content).file
        extensions: dict[str, dict[int, str]] = {}
        for file in files:
            for extendee, number in _extensions(file):
                extensions.setdefault(extendee, {})[number] = file.name
        return cls(
            files={file.name: file.SerializeToString() for file in files},
            imports={file.name: tuple(file.dependency) for file in files},
            symbols={symbol: file.name for file in files for symbol in _symbols(file)},
            messages=frozenset(name for file in files for name, _ in _messages(file.message_type, file.package)),
            extensions=extensions,
        )

    def with_imports(self, name: str, sent: Collection[str] = ()) -> dict[str, bytes]:
        """Return a file and all that it imports, except files that were sent before."""
        contents = {name: self.files[name]}
        following = [name]
        while following:
            for each in self.imports[following.pop()]:
                if each not in contents and each not in sent:
                    contents[each] = self.files[each]
                    following.append(each)
        return contents


def _messages(descriptors: Iterable[DescriptorProto], scope: str) -> Iterator[tuple[str, DescriptorProto]]:
    """Yield messages, including nested ones, with their full names."""
    for message in descriptors:
        name = f"{scope}.{message.name}"
        yield name, message
        yield from _messages(message.nested_type, name)


def _symbols(file: FileDescriptorProto) -> Iterator[str]:
    """Yield the full names of everything that a file defines."""
    yield from _in_scope(file.package, file)
    for service in file.service:
        yield f"{file.package}.{service.name}"
        yield from (f"{file.package}.{service.name}.{method.name}" for method in service.method)
    for name, message in _messages(file.message_type, file.package):
        yield name
        yield from (f"{name}.{each}" for each in _members(message))
        yield from _in_scope(name, message)


def _members(message: DescriptorProto) -> Iterator[str]:
    yield from (field.name for field in message.field)
    yield from (oneof.name for oneof in message.oneof_decl)


def _in_scope(scope: str, holder: Any) -> Iterator[str]:
    """Yield the enums and extensions of a file or a message."""
    yield from (f"{scope}.{extension.name}" for extension in holder.extension)
    for enum in holder.enum_type:
        yield f"{scope}.{enum.name}"
        for value in enum.value:
            # In protobuf a value is a sibling of its enum, but several tools look it up below the
            # enum.
            yield f"{scope}.{value.name}"
            yield f"{scope}.{enum.name}.{value.name}"


def _extensions(file: FileDescriptorProto) -> Iterator[tuple[str, int]]:
    """Yield the extended message and the number of each extension."""
    nested = (message.extension for _, message in _messages(file.message_type, file.package))
    for extension in itertools.chain(file.extension, *nested):
        yield extension.extendee.removeprefix("."), extension.number
