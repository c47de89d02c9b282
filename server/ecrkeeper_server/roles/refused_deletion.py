"""A deletion of a role that was refused: it stays visible until the next one, or until the role is declared anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MEMBER = "refused_deletion"


def refused(state: Mapping[str, Any], generation: int, error: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a role whose deletion, its present generation, was refused with an error."""
    return {**state, _MEMBER: {"generation": generation, "error": error}}


def refusal_of(state: Mapping[str, Any], generation: int) -> Mapping[str, Any] | None:
    """Why the deletion of a role was refused; None if none was, or if something else is desired since."""
    kept = state.get(_MEMBER)
    return kept["error"] if kept and kept["generation"] == generation else None
