"""Repository name prefixes of cache rules and templates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ecrkeeper_server.errors import Violation
from ecrkeeper_server.names import shown

ROOT = "ROOT"


def canonical(prefix: str) -> str:
    """Return the prefix without the optional `/` at its end."""
    return prefix.removesuffix("/")


def covers(prefix: str, repository: str) -> bool:
    """Return whether a repository is under a prefix; `ROOT` covers all."""
    return prefix == ROOT or repository.startswith(prefix + "/")


def most_specific(candidates: Iterable[str], repository: str) -> str | None:
    """Return the longest prefix that covers a repository; `ROOT` comes last."""
    covering = [prefix for prefix in candidates if covers(prefix, repository)]
    return max(covering, key=lambda prefix: (prefix != ROOT, len(prefix)), default=None)


def validate_unique(items: Iterable[dict[str, Any]], member: str, at: str, field: str) -> list[Violation]:
    """Return a violation for each item that repeats the prefix of an earlier one."""
    violations = []
    indexes: dict[str, int] = {}
    for i, item in enumerate(items):
        first = indexes.setdefault(canonical(item.get(member, "")), i)
        if first != i:
            description = f"is the same prefix as that of {at}[{first}]: {shown(item.get(member, ''))}"
            violations.append(Violation(f"{at}[{i}].{field}", description))
    return violations
