"""The state of the simulated AWS in a file.

The file has accounts, roles, registries and secrets.
"""

from __future__ import annotations

import json
import os
import types
import typing
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from ecrkeeper_sim.state import Account, World

_VERSION = 1
# Former states, which only matter for reads that lag.
_LEFT_OUT = frozenset({"past"})


class StateFile:
    """Keeps the state of a world in a file."""

    def __init__(self, world: World, path: Path) -> None:
        self._world = world
        self._path = path
        self._saved_text = ""

    def restore(self) -> None:
        """Take the state of the file, if there is one.

        OSError for a file that cannot be used.
        """
        if not self._path.exists():
            return
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            if content["version"] != _VERSION:
                raise ValueError(f"version {content['version']!r}")
            accounts = content["accounts"]
            self._world.accounts = {name: rebuilt(Account, value) for name, value in accounts.items()}
        except (ValueError, KeyError, TypeError) as error:
            raise OSError(f"{self._path} holds no state of the simulated AWS that can be read: {error}") from error

    def save(self) -> None:
        """Write the state if it has changed; a reader sees the old file or the new one."""
        accounts = {name: shape(account) for name, account in sorted(self._world.accounts.items())}
        text = json.dumps({"version": _VERSION, "accounts": accounts}, indent=1)
        if text == self._saved_text:
            return
        temporary = self._path.with_suffix(".tmp")
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        self._saved_text = text


def shape(value: Any) -> Any:
    """Return dataclasses, sets and tuples as JSON."""
    if is_dataclass(value):
        return {each.name: shape(getattr(value, each.name)) for each in fields(value) if each.name not in _LEFT_OUT}
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(value)
    return [shape(inner) for inner in value] if isinstance(value, list | tuple) else value


def rebuilt(kind: Any, value: Any) -> Any:
    """Return a value of a type from its JSON."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if value is None:
        return None
    if origin in (types.UnionType, typing.Union):
        return rebuilt(next(each for each in arguments if each is not type(None)), value)
    if is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{name: rebuilt(hints[name], inner) for name, inner in value.items()})  # type: ignore[operator]
    if origin is dict and arguments:
        return {name: rebuilt(arguments[1], inner) for name, inner in value.items()}
    if origin is list and arguments:
        return [rebuilt(arguments[0], inner) for inner in value]
    if origin is tuple:
        return tuple(rebuilt(each, inner) for each, inner in zip(arguments, value, strict=True))
    return frozenset(value) if origin is frozenset else value
