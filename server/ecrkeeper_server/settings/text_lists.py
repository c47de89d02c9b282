"""Members of a JSON document that hold one text or a list of texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.errors import Violation


def texts(holder: Mapping[str, Any], member: str, at: str, violations: list[Violation]) -> list[tuple[str, str]]:
    """Return each text of the member with its path; append a violation for whatever is no text."""
    if member not in holder:
        return []
    given, where = holder[member], f"{at}.{member}"
    places = [(f"{where}[{i}]", v) for i, v in enumerate(given)] if isinstance(given, list) else [(where, given)]
    if not places:
        violations.append(Violation(where, "must not be an empty list"))
    violations.extend(Violation(place, "must be a text") for place, v in places if not isinstance(v, str))
    return [(place, v) for place, v in places if isinstance(v, str)]
