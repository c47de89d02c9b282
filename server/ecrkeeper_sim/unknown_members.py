"""Members in answers that botocore's model does not know."""

from __future__ import annotations

import copy
import re
from typing import Any

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def with_unknown_members(result: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """Return the result with each value of `extra` at its dotted path.

    Skip missing paths.
    """
    merged = copy.deepcopy(result)
    for path, value in extra.items():
        steps: list[str | int] = [int(m[2]) if m[2] else m[1] for m in _STEP.finditer(path)]
        node: Any = merged
        for step in steps[:-1]:
            node = _child(node, step)
        if isinstance(node, dict):
            node[str(steps[-1])] = value
    return merged


def _child(node: Any, step: str | int) -> Any:
    if isinstance(node, dict):
        return node.get(str(step))
    if isinstance(node, list) and isinstance(step, int) and step < len(node):
        return node[step]
    return None
