"""The changes that applying documents would make.

The server checks each document, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ecrkeeper_files.documents import Declaration, Documents, Treatment

from ecrkeeper_cli.failures import of_call
from ecrkeeper_cli.resources import short
from ecrkeeper_cli.session import Session

if TYPE_CHECKING:
    import ecrkeeper
    from ecrkeeper import Caution, Change
    from google.protobuf.message import Message

# The client serves any number of threads, and the server answers quickly.
_AT_ONCE = 8
CREATE, UPDATE, UNCHANGED = "create", "update", "unchanged"
_MEMBERS = {"mode": "mode", "unmanagedElements": "unmanaged_elements", "description": "description", "tags": "tags"}


@dataclass(frozen=True, slots=True)
class Item:
    """The planned result of one document.

    `members` are those of the document itself with old and new value.
    """

    document: Declaration | Treatment
    action: str
    members: tuple[tuple[str, Any, Any], ...] = ()
    changes: tuple[Change, ...] = ()
    warnings: tuple[Caution, ...] = ()
    omitted: int = 0
    etag: str = ""

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
        return self.document.owner if isinstance(self.document, Declaration) else ""

    def __bool__(self) -> bool:
        return self.action != UNCHANGED or bool(self.changes)


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
        """Return how many documents are created, updated or unchanged."""
        return sum(item.action == action for item in self.items)


def plan_all(session: Session, documents: Documents, *, force: bool = False) -> Result:
    """Return what all documents would change, and everything that the server rejects."""
    from ecrkeeper._many import threads

    client = session.client
    work: list[tuple[Declaration | Treatment, Callable[[], Item]]] = []
    work += [(each, lambda each=each: _registry(client, each)) for each in documents.registries]  # type: ignore[misc]
    work += [(each, lambda each=each: _role(client, each)) for each in documents.roles]  # type: ignore[misc]
    work += [(each, lambda each=each: _declaration(client, each, force)) for each in documents.declarations]  # type: ignore[misc]
    with threads(_AT_ONCE) as pool:
        found = list(pool.map(lambda each: _tried(session, *each), work))
    items = tuple(each for each in found if isinstance(each, Item))
    errors = tuple(line for each in found if not isinstance(each, Item) for line in each)
    return Result(items, errors)


def _tried(session: Session, document: Declaration | Treatment, make: Callable[[], Item]) -> Item | Sequence[str]:
    import ecrkeeper

    try:
        return make()
    except (ecrkeeper.Unavailable, ecrkeeper.Unauthenticated, ecrkeeper.DeadlineExceeded):
        raise  # It is the same for all documents.
    except ecrkeeper.RegistryError as error:
        return of_call(error, session, document.source, f"{document.source.at()}: {short(document.name)}")


def _declaration(client: ecrkeeper.Client, document: Declaration, force: bool) -> Item:
    from ecrkeeper._plans import write_plan

    current = _found(lambda: client.get_registry_settings(document.name))
    planned = apply_declaration(client, document, force=force, validate_only=True)
    if current is None:
        action, members = CREATE, []
    else:
        pairs = [("deletionPolicy", _policy(current), _policy(planned))]
        pairs.append(("allowReplacement", current.allow_replacement, planned.allow_replacement))
        members = [pair for pair in pairs if pair[1] != pair[2]]
        same = current.settings == planned.settings
        action = UNCHANGED if same and not members else UPDATE
    plan = write_plan(document.name, planned.plan)
    etag = "" if current is None else current.etag
    return Item(document, action, tuple(members), plan.changes, plan.warnings, plan.omitted, etag)


def _policy(declared: Any) -> str:
    from ecrkeeper import DeletionPolicy

    return DeletionPolicy.Name(declared.deletion_policy or DeletionPolicy.REMOVE)


def message_of_document(document: Declaration | Treatment) -> Message:
    """Return the message of a document; InvalidArgument has every violation."""
    import ecrkeeper
    from ecrkeeper._messages import message_of
    from ecrkeeper._settings import declaration

    if isinstance(document, Declaration):
        return declaration(
            document.name,
            document.settings,
            deletion_policy=document.deletion_policy,
            allow_replacement=document.allow_replacement,
        )
    if document.kind == "Registry":
        return message_of(ecrkeeper.Registry, _update(document)[0], "registry")
    return message_of(ecrkeeper.ServiceLinkedRole, _update(document)[0], "service_linked_role")


def apply_declaration(client: ecrkeeper.Client, document: Declaration, **options: Any) -> Any:
    """Make a declaration be what the document says."""
    return client.apply_registry_settings(
        document.name,
        document.settings,
        deletion_policy=document.deletion_policy,
        allow_replacement=document.allow_replacement,
        **options,
    )


def _registry(client: ecrkeeper.Client, document: Treatment) -> Item:
    current = _found(lambda: client.get_registry(document.name, view="BASIC"))
    return _treated(document, current, apply_registry(client, document, validate_only=True))


def apply_registry(client: ecrkeeper.Client, document: Treatment, **options: Any) -> Any:
    """Treat a registry as the document says."""
    return client.update_registry(*_update(document), **options)


def _role(client: ecrkeeper.Client, document: Treatment) -> Item:
    current = _found(lambda: client.get_service_linked_role(document.name))
    return _treated(document, current, apply_role(client, document, validate_only=True))


def apply_role(client: ecrkeeper.Client, document: Treatment, **options: Any) -> Any:
    """Declare a role, or change it as the document says."""
    return client.update_service_linked_role(*_update(document), allow_missing=True, **options)


def _update(document: Treatment) -> tuple[Mapping[str, Any], Iterable[str]]:
    members = {_MEMBERS[name]: value for name, value in document.members.items()}
    return {"name": document.name, **members}, list(members)


def _treated(document: Treatment, current: Any, planned: Any) -> Item:
    from ecrkeeper._plans import write_plan

    plan = write_plan(document.name, planned.plan)
    if current is None:
        return Item(document, CREATE, (), plan.changes, plan.warnings, plan.omitted)
    pairs = [(name, _member(current, name), _member(planned, name)) for name in document.members]
    members = tuple(pair for pair in pairs if pair[1] != pair[2])
    if not members:
        # Changes that AWS needs without this document are those of the declarations.
        return Item(document, UNCHANGED, etag=current.etag)
    return Item(document, UPDATE, members, plan.changes, plan.warnings, plan.omitted, current.etag)


def _member(resource: Any, name: str) -> Any:
    field = resource.DESCRIPTOR.fields_by_name[_MEMBERS[name]]
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
