"""Members of a JSON document that hold one string or a list of strings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.errors import Violation


def texts(holder: Mapping[str, Any], member: str, at: str, violations: list[Violation]) -> list[tuple[str, str]]:
    """Return each string of the member with its path.

    Append a violation for every other value.
    """
    if member not in holder:
        return []
    value, where = holder[member], f"{at}.{member}"
    values = [(f"{where}[{i}]", v) for i, v in enumerate(value)] if isinstance(value, list) else [(where, value)]
    if not values:
        violations.append(Violation(where, "must not be an empty list"))
    violations.extend(Violation(path, "must be a string") for path, v in values if not isinstance(v, str))
    return [(path, v) for path, v in values if isinstance(v, str)]
