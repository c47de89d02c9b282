"""The setting or role that a resource of another tool holds, by its type; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ecrkeeper_cli.adopt.members import Table


@dataclass(frozen=True, slots=True)
class Kind:
    """The setting that a type of resource holds.

    `member` has the key of an element, and `value` returns the final shape of a setting.
    """

    setting: str
    table: Table
    member: str = ""
    value: Callable[[dict[str, Any]], Any] = lambda value: value

    def value_and_key(self, members: Mapping[str, Any]) -> tuple[Any, str]:
        """Return the value of the setting, and the key of its element."""
        key = str(members.get(self.member, "")).removesuffix("/") if self.member else ""
        return self.value(dict(members)), key
