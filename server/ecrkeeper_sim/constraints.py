"""Constraint checking of parsed requests against a botocore shape, compiled once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# The model's own form takes exponential time in a backtracking engine; this one accepts the same strings.
_LINEAR_FORMS = {
    r"^[a-z0-9*](?:[._\-/a-z0-9*]?[a-z0-9*]+)*$": r"[a-z0-9*]+(?:[._\-/][a-z0-9*]+)*",
}

# The model is written for Java; Python's `re` has no property classes.
_PROPERTY_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{Z}": " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
}

_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "blob": (str, bytes),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
    "list": (list,),
    "structure": (dict,),
    "map": (dict,),
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One constraint of the model that a request broke."""

    path: str
    kind: str
    constraint: str
    value: str

    def as_json(self) -> dict[str, str]:
        """Return the form in which the request log shows it."""
        return {"path": self.path, "kind": self.kind, "constraint": self.constraint, "value": self.value}


@dataclass(frozen=True, slots=True)
class Shape:
    """Validate one value against the model."""

    type_name: str
    minimum: float | None
    maximum: float | None
    pattern: re.Pattern[str] | None
    pattern_text: str
    enum: tuple[str, ...]
    members: Mapping[str, Shape]
    required: tuple[str, ...]
    element: Shape | None

    def violations(self, value: Any, path: str = "") -> Iterator[Violation]:
        """Yield every constraint that the value breaks, in depth-first order."""
        if not _has_type(self.type_name, value):
            yield Violation(path, "type", f"Member must be of type {self.type_name}", _shown(value))
        elif self.type_name == "structure":
            yield from self._structure(value, path)
        elif self.type_name == "list":
            yield from self._size(value, path)
            if self.element is not None:
                for index, item in enumerate(value):
                    yield from self.element.violations(item, f"{path}[{index}]")
        else:
            yield from self._scalar(value, path)

    def _structure(self, value: Mapping[str, Any], path: str) -> Iterator[Violation]:
        prefix = f"{path}." if path else ""
        for name in self.required:
            if value.get(name) is None:
                yield Violation(prefix + name, "required", "Member must not be null", "null")
        for name, item in value.items():
            shape = self.members.get(name)
            if shape is None:
                yield Violation(prefix + name, "unknown", "Member is not in the model", _shown(item))
            elif item is not None:
                yield from shape.violations(item, prefix + name)

    def _scalar(self, value: Any, path: str) -> Iterator[Violation]:
        yield from self._size(value, path)
        if self.enum and value not in self.enum:
            allowed = ", ".join(self.enum)
            yield Violation(path, "enum", f"Member must satisfy enum value set: [{allowed}]", _shown(value))
        if self.pattern is not None and isinstance(value, str) and not self._matches(value):
            text = f"Member must satisfy regular expression pattern: {self.pattern_text}"
            yield Violation(path, "pattern", text, _shown(value))

    def _matches(self, value: str) -> bool:
        assert self.pattern is not None
        return self.pattern.fullmatch(value) is not None

    def _size(self, value: Any, path: str) -> Iterator[Violation]:
        if self.type_name in ("string", "blob", "list"):
            size, word = len(value), "length"
        elif self.type_name in ("integer", "long", "float", "double"):
            size, word = value, "value"
        else:
            return
        if self.minimum is not None and size < self.minimum:
            yield Violation(
                path, "min", f"Member must have {word} greater than or equal to {self.minimum:g}", _shown(value)
            )
        if self.maximum is not None and size > self.maximum:
            yield Violation(
                path, "max", f"Member must have {word} less than or equal to {self.maximum:.0f}", _shown(value)
            )


def compile_shape(shape: Any, enclosing: tuple[str, ...] = ()) -> Shape:
    """Compile a botocore shape; a shape inside itself is checked no deeper."""
    metadata = shape.metadata
    pattern = metadata.get("pattern", "")
    nested = shape.name not in enclosing
    enclosing = (*enclosing, shape.name)
    is_structure = shape.type_name == "structure"
    return Shape(
        type_name=shape.type_name,
        minimum=metadata.get("min"),
        maximum=metadata.get("max"),
        pattern=_compile_pattern(pattern) if pattern else None,
        pattern_text=pattern,
        enum=tuple(metadata.get("enum", ())),
        members={k: compile_shape(v, enclosing) for k, v in shape.members.items()} if is_structure and nested else {},
        required=tuple(shape.required_members) if is_structure and nested else (),
        element=compile_shape(shape.member, enclosing) if shape.type_name == "list" and nested else None,
    )


def _compile_pattern(pattern: str) -> re.Pattern[str]:
    text = _LINEAR_FORMS.get(pattern, pattern)
    if r"\p{" not in text:
        return re.compile(text, re.ASCII)
    for name, members in _PROPERTY_CLASSES.items():
        text = text.replace(name, members)
    return re.compile(text)


def _has_type(type_name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return type_name == "boolean"
    return isinstance(value, _PYTHON_TYPES[type_name])


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 200 else text[:200] + "..."
