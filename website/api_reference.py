"""The reference of the API, from the comments of the protos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from ecrkeeper.v1 import registry_pb2  # noqa: F401 - registers the extensions of field behaviors
from google.api import field_behavior_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet

from website.pages import ROOT

DESCRIPTORS = ROOT / "server/ecrkeeper_server/api/descriptors.binpb"
_PACKAGE = ".ecrkeeper.v1."
_FILES, _SERVICES, _MESSAGES, _ENUMS = "ecrkeeper/v1/", 6, 4, 5


def pages() -> dict[str, str]:
    """Return a page for each proto, and one that lists all RPCs."""
    protos = FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file
    files = [file for file in protos if file.name.startswith(_FILES)]
    paths = {name: _page(file) for file in files for name in _types(file)}
    references = {f"reference/{_page(file)}": _Page(file, paths).text() for file in files}
    return {**references, "reference/index.md": _index(files)}


def _page(file: FileDescriptorProto) -> str:
    return PurePosixPath(file.name).stem + ".md"


def _types(file: FileDescriptorProto) -> Iterator[str]:
    for message in file.message_type:
        yield from _nested(f"{_PACKAGE}{message.name}", message)
    for enum in file.enum_type:
        yield f"{_PACKAGE}{enum.name}"


def _nested(name: str, message: DescriptorProto) -> Iterator[str]:
    yield name
    for inner in message.nested_type:
        yield from _nested(f"{name}.{inner.name}", inner)
    for enum in message.enum_type:
        yield f"{name}.{enum.name}"


def _index(files: Sequence[FileDescriptorProto]) -> str:
    lines = ["# API", "", "Package `ecrkeeper.v1`. The [OpenAPI document](openapi.json) describes the same calls over",
             "[HTTP](../http.md).", ""]  # fmt: skip
    for file in files:
        for at, service in enumerate(file.service):
            lines += [f"## {service.name}", "", "| method | |", "|---|---|"]
            for number, method in enumerate(service.method):
                summary = _first_sentence(_comments(file).get((_SERVICES, at, 2, number), ""))
                lines.append(f"| [{method.name}]({_page(file)}#{method.name.lower()}) | {summary} |")
            lines.append("")
    return "\n".join(lines)


def _first_sentence(text: str) -> str:
    return text.partition("\n\n")[0].replace("\n", " ").partition(". ")[0].rstrip(".") + "."


def _comments(file: FileDescriptorProto) -> dict[tuple[int, ...], str]:
    comments = {}
    for location in file.source_code_info.location:
        lines = [line.removeprefix(" ") for line in location.leading_comments.rstrip().splitlines()]
        comments[tuple(location.path)] = _escaped("\n".join(lines))
    return comments


def _escaped(text: str) -> str:
    """Return a comment as Markdown: outside of code, `<` and `*` mean themselves."""
    parts = text.split("`")
    parts[::2] = [part.replace("<", "&lt;").replace("*", "\\*") for part in parts[::2]]
    return "`".join(parts)


class _Page:
    """The page of one proto."""

    def __init__(self, file: FileDescriptorProto, paths: dict[str, str]) -> None:
        self._file = file
        self._paths = paths
        self._comments = _comments(file)

    def text(self) -> str:
        """Return the page."""
        title = PurePosixPath(self._file.name).stem.replace("_", " ").capitalize()
        lines = [f"# {title}", "", f"From `{self._file.name}`.", ""]
        for at, service in enumerate(self._file.service):
            lines += self._heading(2, service.name, (_SERVICES, at))
            for number, method in enumerate(service.method):
                lines += self._heading(3, method.name, (_SERVICES, at, 2, number))
                stream = "stream of " if method.server_streaming else ""
                lines += [f"{self._type(method.input_type)} → {stream}{self._type(method.output_type)}", ""]
        for at, message in enumerate(self._file.message_type):
            lines += self._message(message, message.name, (_MESSAGES, at))
        for at, enum in enumerate(self._file.enum_type):
            lines += self._enum(enum, enum.name, (_ENUMS, at))
        return "\n".join(lines)

    def _heading(self, level: int, name: str, path: tuple[int, ...]) -> list[str]:
        anchor = name.lower().replace(".", "-")
        return [f"{'#' * level} {name} {{ #{anchor} }}", "", self._comments.get(path, ""), ""]

    def _message(self, message: DescriptorProto, name: str, path: tuple[int, ...]) -> list[str]:
        if message.options.map_entry:
            return []
        lines = self._heading(2 if "." not in name else 3, name, path)
        if message.field:
            lines += ["| field | type | |", "|---|---|---|"]
        for at, field in enumerate(message.field):
            text = self._comments.get((*path, 2, at), "").replace("\n", " ").replace("|", "\\|")
            lines.append(f"| `{field.name}` | {self._field_type(message, field)} | {text} |")
        lines.append("")
        for at, inner in enumerate(message.nested_type):
            lines += self._message(inner, f"{name}.{inner.name}", (*path, 3, at))
        for at, enum in enumerate(message.enum_type):
            lines += self._enum(enum, f"{name}.{enum.name}", (*path, 4, at))
        return lines

    def _enum(self, enum: Any, name: str, path: tuple[int, ...]) -> list[str]:
        lines = [*self._heading(3, name, path), "| value | |", "|---|---|"]
        for at, value in enumerate(enum.value):
            text = self._comments.get((*path, 2, at), "").replace("\n", " ").replace("|", "\\|")
            lines.append(f"| `{value.name}` | {text} |")
        return [*lines, ""]

    def _field_type(self, message: DescriptorProto, field: FieldDescriptorProto) -> str:
        label = self._type(field.type_name) if field.type_name else self._scalar(field)
        entry = next((each for each in message.nested_type if field.type_name.endswith(f".{each.name}")), None)
        if entry is not None and entry.options.map_entry:
            key, value = entry.field
            value_type = self._type(value.type_name) if value.type_name else self._scalar(value)
            label = f"map of {self._scalar(key)} to {value_type}"
        elif field.label == FieldDescriptorProto.LABEL_REPEATED:
            label = f"list of {label}"
        extension: Any = field_behavior_pb2.field_behavior
        required = field_behavior_pb2.REQUIRED in field.options.Extensions[extension]
        return f"{label}, required" if required else label

    @staticmethod
    def _scalar(field: FieldDescriptorProto) -> str:
        return FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()

    def _type(self, name: str) -> str:
        path = self._paths.get(name)
        if path is None:
            return f"`{name.removeprefix('.')}`"
        short = name.removeprefix(_PACKAGE)
        return f"[{short}]({path}#{short.lower().replace('.', '-')})"
