"""A strict subset of YAML, with memory proportional to the size of the file.

It rejects aliases, merge keys, repeated keys, keys other than text, dates, tags and long numbers.
Errors name the line and the path.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

import yaml

from ecrkeeper_files.plain_text import shown

_MAX_LEVELS = 50
_MAX_DIGITS = 40
_MAX_VIOLATIONS = 100
# Each part has a path of its own, so that long ones would multiply the size of the file.
_MAX_PATH = 400
_LINE_END = b"\n"
_TAG = "tag:yaml.org,2002:"
_TRUE, _FALSE = ("yes", "true", "on"), ("no", "false", "off")
_QUOTED = {"timestamp": "a date", "merge": "a merge key", "value": "`=`"}
_UNTAGGED: Mapping[type, str] = {yaml.ScalarNode: "str", yaml.SequenceNode: "seq", yaml.MappingNode: "map"}
_SCALARS = yaml.constructor.SafeConstructor()


class StrictYamlError(Exception):
    """A document cannot be read; `violations` has every error."""

    def __init__(self, violations: list[str]) -> None:
        super().__init__("; ".join(violations))
        self.violations = violations


@dataclass(frozen=True, slots=True)
class Document:
    """The value of a document, and the line of each of its parts by path."""

    value: Any
    lines: Mapping[str, int]

    def line_of(self, path: str) -> int:
        """Return the line of a part, or of the nearest enclosing part."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 1)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The additions of one kind of file to the subset."""

    # Returns the value of a tag such as `!Sub`, from the value that has the tag.
    tagged: Callable[[str, Any], Any] | None = None
    # Reads dates, and keys that look like numbers, dates or truth values, as the text that they are.
    is_textual: bool = False


_STRICT = Dialect()


def load(content: bytes, dialect: Dialect = _STRICT) -> Document:
    """Return the only document of a file; StrictYamlError has every error."""
    documents = list(load_all(content, dialect))
    if len(documents) > 1:
        raise StrictYamlError([f"line {documents[1].line_of('')}: must be one document, got {len(documents)}"])
    return documents[0] if documents else Document(None, {})


def load_all(source: IO[bytes] | bytes, dialect: Dialect = _STRICT) -> Iterator[Document]:
    """Yield the documents of a file; StrictYamlError for the first invalid one."""
    composer = _Composer(source)
    while True:
        try:
            if not composer.check_node():
                return
            node = composer.get_node()
        except yaml.reader.ReaderError as error:
            raise StrictYamlError([_unreadable(error, source)]) from error
        except yaml.MarkedYAMLError as error:
            raise StrictYamlError([_malformed(error, source)]) from error
        if node is not None:
            yield _document(node, dialect)


def _malformed(error: yaml.MarkedYAMLError, source: IO[bytes] | bytes) -> str:
    if error.problem_mark is None:
        return str(error.problem or error.context)
    line = error.problem_mark.line + 1
    if isinstance(source, bytes):
        # libyaml reports the end of a file one line below its last line.
        line = min(line, source.count(_LINE_END) + 1)
    return f"line {line}: {error.problem}"


def _unreadable(error: yaml.reader.ReaderError, source: IO[bytes] | bytes) -> str:
    character = f"U+{error.character:04X}" if isinstance(error.character, int) else shown(str(error.character))
    where = f"position {error.position:,}"
    if isinstance(source, bytes):
        where = f"line {source.count(_LINE_END, 0, error.position) + 1}"
    return f"{where}: {character} is not allowed: {error.reason}"


class _Composer(yaml.composer.Composer, yaml.CSafeLoader):
    """Composes nodes from libyaml's events, which is much faster than Python's parser."""

    def __init__(self, source: IO[bytes] | bytes) -> None:
        yaml.CSafeLoader.__init__(self, source)
        yaml.composer.Composer.__init__(self)
        self._levels = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Return the next node.

        Reject aliases, which could expand to gigabytes, and deep nesting.
        """
        if self.check_event(yaml.AliasEvent):
            raise self._rejection("aliases are not supported")
        self._levels += 1
        if self._levels > _MAX_LEVELS:
            raise self._rejection(f"is nested too deeply: at most {_MAX_LEVELS} levels are allowed")
        node: yaml.Node | None = super().compose_node(parent, index)
        self._levels -= 1
        return node

    def _rejection(self, text: str) -> yaml.composer.ComposerError:
        event: Any = self.peek_event()
        return yaml.composer.ComposerError(None, None, text, event.start_mark)


def _document(node: yaml.Node, dialect: Dialect) -> Document:
    reader = _Reader(dialect)
    value = reader.value(node, "")
    if reader.violations:
        raise StrictYamlError(reader.violations)
    return Document(value, reader.lines)


class _Reader:
    """Converts nodes to values, and collects the errors."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.violations: list[str] = []
        self.lines: dict[str, int] = {}

    def value(self, node: yaml.Node, path: str) -> Any:
        """Return the value of a node; an arbitrary value for an invalid one."""
        if len(path) <= _MAX_PATH:
            self.lines[path] = node.start_mark.line + 1
        if self._dialect.tagged is not None and node.tag.startswith("!"):
            return self._dialect.tagged(node.tag, self._value(node, _UNTAGGED[type(node)], path))
        return self._value(node, node.tag.removeprefix(_TAG), path)

    def _value(self, node: yaml.Node, tag: str, path: str) -> Any:
        if isinstance(node, yaml.MappingNode) and tag == "map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and tag == "seq":
            return [self.value(each, below(path, f"[{at}]")) for at, each in enumerate(node.value)]
        return self._scalar(node, tag, path)

    def _mapping(self, node: yaml.MappingNode, path: str) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._wrong(key, path, "a key must be text, not a list or a mapping")
            elif key.tag == f"{_TAG}merge":
                self._wrong(key, path, "merge keys are not supported; write out the content of `<<`")
            elif key.tag != f"{_TAG}str" and not self._dialect.is_textual:
                self._wrong(key, path, f"the key {shown(key.value)} must be text; quote it")
            elif key.value in members:
                self._wrong(key, path, f"the key {shown(key.value)} is repeated")
            else:
                members[key.value] = self.value(value, below(path, f".{key.value}" if path else key.value))
        return members

    def _scalar(self, node: yaml.Node, tag: str, path: str) -> Any:
        if tag == "timestamp" and self._dialect.is_textual:
            tag = "str"
        read = _READ.get(tag)
        if tag in _QUOTED:
            self._wrong(node, path, f"must not be {_QUOTED[tag]}; quote text that looks like one")
        elif read is None or not isinstance(node, yaml.ScalarNode):
            self._wrong(node, path, f"the tag {shown(node.tag)} is not supported")
        else:
            try:
                return read(node)
            except ValueError as error:
                self._wrong(node, path, str(error))
        return None

    def _wrong(self, node: yaml.Node, path: str, text: str) -> None:
        if len(self.violations) < _MAX_VIOLATIONS:
            self.violations.append(f"line {node.start_mark.line + 1}: {f'{shown_path(path)}: ' if path else ''}{text}")


def below(path: str, part: str) -> str:
    """Return the path of a part; a path that is too long stays as it is."""
    return path if len(path) > _MAX_PATH else path + part


def shown_path(path: str) -> str:
    """Return a path for a message; its keys are untrusted."""
    return path if path.isascii() and path.isprintable() and len(path) <= 200 else shown(path)


def _bool(node: yaml.ScalarNode) -> bool:
    word = node.value.lower()
    if word not in _TRUE + _FALSE:
        raise ValueError(f"must be true or false, got {shown(node.value)}")
    return word in _TRUE


def _number(node: yaml.ScalarNode, construct: Callable[[yaml.ScalarNode], Any]) -> Any:
    # Python converts long numbers in quadratic time, and rejects very long ones.
    if len(node.value) > _MAX_DIGITS:
        raise ValueError(f"a number must have at most {_MAX_DIGITS} characters, got {len(node.value):,}; quote text")
    try:
        number = construct(node)
    except (ValueError, IndexError) as error:
        raise ValueError(f"must be a number, got {shown(node.value)}") from error
    if not math.isfinite(number):
        raise ValueError(f"must be a finite number, got {shown(node.value)}")
    return number


_READ: dict[str, Callable[[yaml.ScalarNode], Any]] = {
    "str": lambda node: node.value,
    "null": lambda node: None,
    "bool": _bool,
    "int": lambda node: _number(node, _SCALARS.construct_yaml_int),
    "float": lambda node: _number(node, _SCALARS.construct_yaml_float),
}
