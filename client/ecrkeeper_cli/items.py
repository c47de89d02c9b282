"""Documents that are to be planned, and their plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ecrkeeper_files.documents import Declaration, Documents, Treatment

from ecrkeeper_cli.pruning import Group
from ecrkeeper_cli.writing import Document

if TYPE_CHECKING:
    from ecrkeeper import Caution, Change, Takeover

CREATE, UPDATE, UNCHANGED, DELETE = "create", "update", "unchanged", "delete"
Members = tuple[tuple[str, Any, Any], ...]


@dataclass(frozen=True, slots=True)
class Item:
    """The planned result of one document.

    `members` are those of the document itself with old and new value, `notes` what a set changes in words.
    """

    document: Document
    action: str
    members: Members = ()
    changes: tuple[Change, ...] = ()
    warnings: tuple[Caution, ...] = ()
    omitted: int = 0
    etag: str = ""
    takeovers: tuple[Takeover, ...] = ()
    digest: str = ""
    notes: tuple[str, ...] = ()
    least_seconds: float = 0.0
    omitted_warnings: int = 0

    @property
    def name(self) -> str:
        """The name of the resource."""
        return self.document.name

    @property
    def kind(self) -> str:
        """The kind of the document."""
        return "RegistrySettings" if isinstance(self.document, Declaration) else self.document.kind

    @property
    def owner(self) -> str:
        """The owner of the elements that change; empty for registries and roles."""
        return "" if isinstance(self.document, Treatment) else self.document.owner

    @property
    def target(self) -> str:
        """The registry or role that the document is written to."""
        return self.name.partition("/settings/")[0]

    def __bool__(self) -> bool:
        return self.action != UNCHANGED or bool(self.changes)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The documents and removals to plan, with the options of their writes.

    `removals` are names of declarations that are deleted besides those of the group. The server rejects a document
    whose plan has another digest than that in `digests`, by name. `set_options` are options of writes of sets.
    """

    documents: Documents
    group: Group = field(default_factory=Group)
    force: bool = False
    removals: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    set_options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """All items in the order in which they are written, and the lines of all errors."""

    items: tuple[Item, ...] = ()
    errors: tuple[str, ...] = field(default=())

    def __bool__(self) -> bool:
        return any(self.items)

    def count(self, *kinds: str) -> int:
        """Return how many elements change in one of these ways."""
        return sum(change.count for item in self.items for change in item.changes if change.kind in kinds)

    def actions(self, action: str) -> int:
        """Return how many documents are created, updated, unchanged or deleted."""
        return sum(item.action == action for item in self.items)
