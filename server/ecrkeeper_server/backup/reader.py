"""Typed access to the members of a YAML mapping, with all violations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.names import shown_value


class Reader:
    """Reads members of a mapping and collects violations."""

    def __init__(self, members: Mapping[Any, Any], path: str = "", violations: list[Violation] | None = None) -> None:
        self._members = members
        self._path = path
        self.violations: list[Violation] = [] if violations is None else violations

    def at(self, name: str) -> str:
        """Return the path of a member."""
        return f"{self._path}.{name}" if self._path else name

    def invalid(self, name: str, text: str) -> None:
        """Record a violation of a member."""
        self.violations.append(Violation(self.at(name), text))

    def value(self, name: str, kind: type, default: Any) -> Any:
        """Return a member of a type; the default if it is absent or invalid."""
        value = self._members.get(name)
        if value is None:
            return default
        if not isinstance(value, kind):
            expected = {str: "text (quoted, if it looks like a number)", bool: "true or false", dict: "a mapping"}[kind]
            self.invalid(name, f"must be {expected}, got {shown_value(value)}")
            return default
        return value

    def raw(self, name: str) -> Any:
        """Return a member of any type, which something else checks."""
        return self._members.get(name)

    def has(self, name: str) -> bool:
        """Return whether a member is present and not null."""
        return self._members.get(name) is not None

    def option(self, name: str, allowed: tuple[str, ...]) -> str | None:
        """Return one of the allowed words; None if it is absent."""
        return self.choice(name, allowed) if self.has(name) else None

    def choice(self, name: str, allowed: tuple[str, ...], *, required: bool = False) -> str:
        """Return one of the allowed words; the first one if it is absent."""
        value = self._members.get(name)
        if value is None and not required:
            return allowed[0]
        if value not in allowed:
            self.invalid(name, f"must be {' or '.join(allowed)}, got {shown_value(value)}")
            return ""
        return str(value)

    def inner(self, name: str, changed: Callable[[Any], Any] = lambda value: value) -> Reader:
        """Return the reader of a mapping, after a change of its form."""
        return Reader(changed(self.value(name, dict, {})), self.at(name), self.violations)

    def names(self) -> list[str]:
        """Return the names of all members; a name that is not text is a violation."""
        for name in self._members:
            if not isinstance(name, str):
                self.invalid(str(name), "the name must be text; quote it")
        return [name for name in self._members if isinstance(name, str)]

    def only(self, *allowed: str) -> None:
        """Record a violation for each unknown member."""
        for name in self.names():
            if name not in allowed:
                self.invalid(name, f"unknown member; known members are {', '.join(allowed)}")

    def rejected(self, error: InvalidArgument) -> None:
        """Add the violations of another check."""
        self.violations.extend(error.violations)
