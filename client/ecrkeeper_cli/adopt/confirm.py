"""Enforce adopted declarations, and prove that nothing was written to AWS.

The proof is the audit trail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import click
import ecrkeeper
from ecrkeeper import AuditEvent
from ecrkeeper._plans import write_plan
from ecrkeeper_files import documents
from ecrkeeper_files.documents import Declaration, Documents
from ecrkeeper_files.sources import Text

from ecrkeeper_cli.adopt.proof import differences, enforcing_plan
from ecrkeeper_cli.failures import rejected
from ecrkeeper_cli.resources import short
from ecrkeeper_cli.session import Session
from ecrkeeper_cli.writing import found, message_of_document, write


def confirmed(session: Session, path: Path, seconds: float) -> int:
    """Enforce the documents of a file; everything is compared before the first change."""
    declared = documents.read([Text(str(path), path.read_bytes())])
    client = session.client
    registries = sorted({each.registry for each in declared.declarations})
    errors = list(_errors(client, declared, registries))
    if errors:
        return rejected(errors, "nothing was enforced")
    names = [*registries, *(each.name for each in declared.roles)]
    newest = _newest(client)
    _enforce(client, declared, registries, seconds)
    written = [event for name in names for event in _writes(client, name, newest)]
    for event in written:
        outcome = AuditEvent.Outcome.Name(event.outcome)
        click.echo(f"error: {short(event.resource)}: {event.method} {outcome} ({event.name})", err=True)
    if written:
        click.echo(f"{len(written)} writes to AWS since the confirmation", err=True)
        return 1
    for name in names:
        click.echo(f"{short(name)}: enforced, in sync")
    click.echo(f"0 writes to AWS since the confirmation, by the audit trail after {newest or 'its beginning'}")
    return 0


def _errors(client: ecrkeeper.Client, declared: Documents, registries: Sequence[str]) -> Iterator[str]:
    for declaration in declared.declarations:
        yield from _of_declaration(client, declaration)
    for role in declared.roles:
        yield from _of_role(client, role.name)
    for registry in registries:
        yield from differences(enforcing_plan(client, registry), _short)


def _of_declaration(client: ecrkeeper.Client, document: Declaration) -> Iterator[str]:
    current = found(lambda: client.get_registry_settings(document.name))
    wanted: Any = message_of_document(document)
    if current is None:
        yield f"{short(document.name)}: is not declared; run `ecrkeeper adopt` first"
    elif current.settings != wanted.settings:
        planned = write(client, document, validate_only=True, timeout=60)
        yield f"{short(document.name)}: the server has another declaration. {write_plan(planned)}"


def _of_role(client: ecrkeeper.Client, name: str) -> Iterator[str]:
    if found(lambda: client.get_service_linked_role(name)) is None:
        yield f"{short(name)}: is not declared; run `ecrkeeper adopt` first"
        return
    changed = {"name": name, "mode": "ENFORCE"}
    planned = client.update_service_linked_role(changed, ["mode"], validate_only=True, timeout=60)
    yield from differences(write_plan(planned), _short)


def _short(name: str, _setting: str, _key: str) -> str:
    return short(name)


def _enforce(client: ecrkeeper.Client, declared: Documents, registries: Sequence[str], seconds: float) -> None:
    for registry in registries:
        client.update_registry({"name": registry, "mode": "ENFORCE"}, ["mode"])
    for role in declared.roles:
        client.update_service_linked_role({"name": role.name, "mode": "ENFORCE"}, ["mode"])
    # An operation ends after an attempt that observed AWS and had nothing left to write.
    operations: list[ecrkeeper.Operation[Any]] = [client.reconcile_registry(registry) for registry in registries]
    operations += [client.reconcile_service_linked_role(role.name) for role in declared.roles]
    for operation in operations:
        operation.result(seconds)


def _newest(client: ecrkeeper.Client) -> str:
    """Return the name of the newest event; '' if there is none."""
    return next((event.name for event in client.list_audit_events(page_size=1)), "")


def _writes(client: ecrkeeper.Client, name: str, newest: str) -> Iterator[AuditEvent]:
    account = name.split("/")[1]
    events = client.list_audit_events(f'account = {account} AND kind = AWS_WRITE AND resource = "{name}"')
    return takewhile(lambda event: _number(event.name) > _number(newest), events)


def _number(name: str) -> int:
    return int(name.rpartition("/")[2] or 0)
