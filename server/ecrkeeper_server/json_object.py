"""The type of a JSON object, and values that wrap a stored one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredJson:
    """A value that reads its members from the stored JSON on access.

    Members that nothing reads are kept.
    """

    stored: Json

    @classmethod
    def from_json(cls, stored: Json) -> Self:
        """Wrap the stored form."""
        return cls(stored)

    def to_json(self) -> Json:
        """Return the stored form."""
        return self.stored
