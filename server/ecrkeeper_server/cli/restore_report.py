"""The report of `ecrkeeper-server import`: changes by document, and their counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecrkeeper_server.backup.documents import Document
    from ecrkeeper_server.backup.restore import Restored


class Counts:
    """The counts of the changes of an import."""

    def __init__(self) -> None:
        self._declared = self._roles = self._fleet = self._kept = self._unchanged = 0

    def add(self, document: Document, change: Restored) -> None:
        """Count a document."""
        written = len(change.created) + len(change.updated)
        if document.name.kind == "role":
            self._roles += written
        elif document.name.kind in ("account", "registrySet"):
            self._fleet += written
        else:
            self._declared += written
        self._kept += bool(change.kept)
        self._unchanged += not change

    def described(self, verb: str) -> str:
        """Return the counts in words; `verb` is `were` or `would be`."""
        fleet = f", {self._fleet} accounts and sets of the fleet as well" if self._fleet else ""
        return (
            f"{self._declared} declarations and {self._roles} roles {verb} written, the modes of {self._kept} "
            f"registries and roles {verb} changed, {self._unchanged} documents need no change{fleet}"
        )


def described(change: Restored) -> str:
    """Return the changes that a document makes, in words."""
    parts = [f"creates {', '.join(change.created)}"] if change.created else []
    parts += [f"updates {', '.join(change.updated)}"] if change.updated else []
    parts += [f"sets {kept.name} {kept.before} -> {kept.after}" for kept in change.kept]
    return "; ".join(parts) or "adds the registry"
