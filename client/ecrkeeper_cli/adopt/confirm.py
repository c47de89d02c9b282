"""Enforce adopted declarations, and prove that nothing was written to AWS.

The proof is the audit trail, in which a write is recorded before it is sent. AWS's own log has calls minutes later, so
the user asks for them with the given commands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import ecrkeeper
from ecrkeeper import AuditEvent, Mode
from ecrkeeper._plans import write_plan
from ecrkeeper_files import documents
from ecrkeeper_files.documents import Declaration, Documents
from ecrkeeper_files.sources import Text

from ecrkeeper_cli.adopt.aws_log import Window, lookups
from ecrkeeper_cli.adopt.proof import differences, enforcing_plan
from ecrkeeper_cli.failures import rejected
from ecrkeeper_cli.plan_text import counted
from ecrkeeper_cli.resources import moment, short
from ecrkeeper_cli.session import Session
from ecrkeeper_cli.writing import declared_role, message_of_document, result_or_none, write


def confirmed(session: Session, path: Path, seconds: float) -> int:
    """Enforce the documents of a file; everything is compared before the first change."""
    declared = documents.read([Text(str(path), path.read_bytes())])
    client = session.client
    registries = sorted({each.registry for each in declared.declarations})
    errors = list(_errors(client, declared, registries))
    if errors:
        return rejected(errors, "nothing was enforced")
    names = [*registries, *(each.name for each in declared.roles)]
    windows = _windows(client, names)
    commands = list(lookups(client, windows))
    _enforce(client, declared, registries, seconds)
    written = [event for name in names for event in _writes(client, name, windows[name])]
    for event in written:
        outcome, when = AuditEvent.Outcome.Name(event.outcome), moment(event.create_time)
        click.echo(f"error: {short(event.resource)}: {event.method} {outcome} at {when} ({event.name})", err=True)
    if written:
        click.echo(f"ecrkeeper sent {counted(len(written), 'write')} to AWS during the hand-over", err=True)
        return 1
    for name in names:
        click.echo(f"{short(name)}: enforced, in sync; 0 writes to AWS since {windows[name]}, by the audit trail")
    for line in commands:
        click.echo(line)
    return 0


def _errors(client: ecrkeeper.Client, declared: Documents, registries: Sequence[str]) -> Iterator[str]:
    for declaration in declared.declarations:
        yield from _of_declaration(client, declaration)
    for role in declared.roles:
        yield from _of_role(client, role.name)
    for registry in registries:
        yield from differences(enforcing_plan(client, registry), _short)


def _of_declaration(client: ecrkeeper.Client, document: Declaration) -> Iterator[str]:
    current = result_or_none(lambda: client.get_registry_settings(document.name))
    wanted: Any = message_of_document(document)
    if current is None:
        yield f"{short(document.name)}: is not declared; run `ecrkeeper adopt` first"
    elif current.settings != wanted.settings:
        planned = write(client, document, validate_only=True, timeout=60)
        yield f"{short(document.name)}: the server has another declaration. {write_plan(planned)}"


def _of_role(client: ecrkeeper.Client, name: str) -> Iterator[str]:
    if declared_role(client, name) is None:
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


def _windows(client: ecrkeeper.Client, names: Sequence[str]) -> Mapping[str, Window]:
    """Return from when on ecrkeeper must not have written, by name.

    It is the time since when a registry or role is only observed; for one that is enforced already, it is now.
    """
    newest = next(iter(client.list_audit_events(page_size=1)), AuditEvent(name="auditEvents/0"))
    enforced = Window(newest.create_time, _number(newest.name))
    windows = {}
    for name in names:
        is_role = "/serviceLinkedRoles/" in name
        current = client.get_service_linked_role(name) if is_role else client.get_registry(name, view="BASIC")
        windows[name] = Window(current.update_time) if current.mode == Mode.OBSERVE else enforced
    return windows


def _writes(client: ecrkeeper.Client, name: str, window: Window) -> Iterator[AuditEvent]:
    account = name.split("/")[1]
    filter = f'account = {account} AND kind = AWS_WRITE AND resource = "{name}"'
    events = client.list_audit_events(filter, start_time=window.start)
    return (event for event in events if _number(event.name) > window.after)


def _number(name: str) -> int:
    return int(name.rpartition("/")[2])
