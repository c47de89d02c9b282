"""The type of a JSON object, and values that wrap a stored one."""

from __future__ import annotations

from typing import Any, Self

from msgspec import Struct

Json = dict[str, Any]


class StoredJson(Struct, frozen=True):
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
