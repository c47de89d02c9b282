"""The changes that applying documents would make.

The server checks each document, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ecrkeeper_files.documents import Declaration, Documents, Treatment

from ecrkeeper_cli.failures import of_call
from ecrkeeper_cli.pruning import Group
from ecrkeeper_cli.resources import short
from ecrkeeper_cli.session import Session
from ecrkeeper_cli.writing import MEMBERS, Document, Removal, write

if TYPE_CHECKING:
    import ecrkeeper
    from ecrkeeper import Caution, Change, Takeover

# The client serves any number of threads, and the server answers quickly.
_AT_ONCE = 8
CREATE, UPDATE, UNCHANGED, DELETE = "create", "update", "unchanged", "delete"
Members = tuple[tuple[str, Any, Any], ...]
Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """The planned result of one document.

    `members` are those of the document itself with old and new value.
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
    """What is to be planned.

    `removals` are names of declarations that are deleted besides those of the group. The server rejects a document
    whose plan has another digest than that in `digests`, by name.
    """

    documents: Documents
    group: Group = field(default_factory=Group)
    force: bool = False
    removals: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)


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


def plan_all(session: Session, wanted: Wanted) -> Result:
    """Return what all documents would change, and everything that the server rejects.

    The last items are the declarations that are deleted.
    """
    from ecrkeeper._many import threads

    client, documents = session.client, wanted.group.applied(wanted.documents)
    left = [*wanted.removals, *(each.name for each in wanted.group.left(client, documents.declarations))]
    asked: list[Document] = [*documents.registries, *documents.roles, *documents.declarations, *map(Removal, left)]
    with threads(_AT_ONCE) as pool:
        found = list(pool.map(lambda each: _tried(session, each, wanted), asked))
    items = tuple(each for each in found if isinstance(each, Item))
    errors = tuple(line for each in found if not isinstance(each, Item) for line in each)
    return Result(items, errors)


def _tried(session: Session, document: Document, wanted: Wanted) -> Item | Sequence[str]:
    import ecrkeeper

    client = session.client
    options: Options = {"validate_only": True, "plan_digest": wanted.digests.get(document.name, "")}
    try:
        if isinstance(document, Declaration):
            return _declaration(client, document, {**options, "force": wanted.force})
        if isinstance(document, Removal):
            return _item(document, DELETE, (), write(client, document, **options))
        return _treatment(client, document, options)
    except (ecrkeeper.Unavailable, ecrkeeper.Unauthenticated, ecrkeeper.DeadlineExceeded):
        raise  # It is the same for all documents.
    except ecrkeeper.RegistryError as error:
        at = f"{document.source.at()}: " if document.source.file else ""
        return of_call(error, session, document.source, f"{at}{short(document.name)}")


def _declaration(client: ecrkeeper.Client, document: Declaration, options: Options) -> Item:
    current = _found(lambda: client.get_registry_settings(document.name))
    planned = write(client, document, created=current is None, **options)
    if current is None:
        return _item(document, CREATE, (), planned)
    pairs = [
        ("deletionPolicy", _policy(current), _policy(planned)),
        ("allowReplacement", current.allow_replacement, planned.allow_replacement),
        ("applyGroup", current.apply_group, planned.apply_group),
    ]
    members = tuple(pair for pair in pairs if pair[1] != pair[2])
    same = current.settings == planned.settings and not members
    return _item(document, UNCHANGED if same else UPDATE, members, planned)


def _policy(declared: Any) -> str:
    from ecrkeeper import DeletionPolicy

    return DeletionPolicy.Name(declared.deletion_policy or DeletionPolicy.REMOVE)


def _treatment(client: ecrkeeper.Client, document: Treatment, options: Options) -> Item:
    if document.kind == "Registry":
        current = _found(lambda: client.get_registry(document.name, view="BASIC"))
    else:
        current = _found(lambda: client.get_service_linked_role(document.name))
    planned = write(client, document, **options)
    if current is None:
        return _item(document, CREATE, (), planned)
    pairs = [(name, _member(current, name), _member(planned, name)) for name in document.members]
    members = tuple(pair for pair in pairs if pair[1] != pair[2])
    if not members:
        # Changes that AWS needs without this document are those of the declarations.
        return Item(document, UNCHANGED, etag=current.etag, digest=planned.plan.digest)
    return _item(document, UPDATE, members, planned)


def _item(document: Document, action: str, members: Members, planned: Any) -> Item:
    from ecrkeeper._plans import write_plan

    plan = write_plan(planned)
    return Item(
        document, action, members, plan.changes, plan.warnings, plan.omitted, planned.etag, plan.takeovers, plan.digest
    )


def _member(resource: Any, name: str) -> Any:
    field = resource.DESCRIPTOR.fields_by_name[MEMBERS[name]]
    value = getattr(resource, field.name)
    if field.enum_type is not None:
        # The first value of each is read as the second.
        return field.enum_type.values_by_number[value or 1].name
    return dict(value) if name == "tags" else value


def _found(call: Callable[[], Any]) -> Any:
    import ecrkeeper

    try:
        return call()
    except ecrkeeper.NotFound:
        return None
