"""The changes that applying documents would make.

The server checks each document, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ecrkeeper_files.documents import Declaration, Treatment

from ecrkeeper_cli import fleet_plans
from ecrkeeper_cli.failures import lines, of_call
from ecrkeeper_cli.items import CREATE, DELETE, UNCHANGED, UPDATE, Item, Members, Result, Wanted
from ecrkeeper_cli.resources import short
from ecrkeeper_cli.session import Session
from ecrkeeper_cli.writing import Document, Removal, declared_role, result_or_none, write

if TYPE_CHECKING:
    import ecrkeeper

# The client serves any number of threads, and the server answers quickly.
_AT_ONCE = 8
Options = Mapping[str, Any]


def plan_all(session: Session, wanted: Wanted) -> Result:
    """Return what all documents would change, and everything that the server rejects.

    The last items are the declarations that are deleted.
    """
    from ecrkeeper._many import threads

    client, documents = session.client, wanted.group.applied(wanted.documents)
    removals = [*wanted.removals, *(each.name for each in wanted.group.to_delete(client, documents.declarations))]
    planned: list[Document] = [*documents.all, *map(Removal, removals)]
    with threads(_AT_ONCE) as pool:
        tried = list(pool.map(lambda each: _tried(session, each, wanted), planned))
    items = tuple(each for each in tried if isinstance(each, Item))
    errors = tuple(line for each in tried if not isinstance(each, Item) for line in each)
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
        if document.kind in fleet_plans.KINDS:
            return fleet_plans.planned(client, document, wanted)
        return _treatment(client, document, options)
    except (ecrkeeper.Unavailable, ecrkeeper.Unauthenticated, ecrkeeper.DeadlineExceeded):
        raise  # It is the same for all documents.
    except ecrkeeper.RegistryError as error:
        at = f"{document.source.at()}: " if document.source.file else ""
        return of_call(error, session, document.source, f"{at}{short(document.name)}")
    except ValueError as error:
        return lines(error, session) or ()


def _declaration(client: ecrkeeper.Client, document: Declaration, options: Options) -> Item:
    current = result_or_none(lambda: client.get_registry_settings(document.name))
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
        current = result_or_none(lambda: client.get_registry(document.name, view="BASIC"))
    else:
        current = declared_role(client, document.name)
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
        document,
        action,
        members,
        plan.changes,
        plan.warnings,
        plan.omitted,
        planned.etag,
        plan.takeovers,
        plan.digest,
        least_seconds=plan.least_seconds,
        omitted_warnings=plan.omitted_warnings,
    )


def _member(resource: Any, name: str) -> Any:
    field = next(field for field in resource.DESCRIPTOR.fields if field.json_name == name)
    value = getattr(resource, field.name)
    if field.enum_type is not None:
        # The first value of each is read as the second.
        return field.enum_type.values_by_number[value or 1].name
    return dict(value) if name == "tags" else value
