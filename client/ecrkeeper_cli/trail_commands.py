"""`history`, `operations` and `audit`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import click
from ecrkeeper import names

from ecrkeeper_cli import plan_text, render, resources
from ecrkeeper_cli.session import Session, pass_session


@click.command()
@click.argument("declaration", type=resources.NameType("RegistrySettings"))
@render.limit_option()
@click.option("--changes", is_flag=True, help="Show the elements that changed, too.")
@render.output_option("table", "json", "yaml", "markdown")
@pass_session
def history(session: Session, declaration: names.Name, limit: int, changes: bool, output: str) -> None:
    """List the revisions of a declaration, newest first.

    `ecrkeeper rollback` declares one again.
    """
    from ecrkeeper._plans import change_of

    revisions = list(islice(session.client.list_registry_settings_revisions(str(declaration)), limit))
    render.listed(revisions, output, ("revision", "time", "principal", "method", "changes", "reason"), _revision)
    for revision in revisions if changes and output not in ("json", "yaml") else ():
        changed = [change_of(each) for each in revision.changes]
        if not changed:
            continue
        click.echo(f"\nrevision {revision.revision}")
        width = plan_text.widths((each.setting, each.key) for each in changed)
        for each in changed:
            click.echo(f"  {plan_text.element_line(each, width, '')}")


def _revision(each: Any) -> Sequence[str | render.Cell]:
    count = str(len(each.changes))
    return str(each.revision), resources.moment(each.create_time), each.principal, each.method, count, each.reason


@click.command()
@click.option("--filter", "filter_", default="", help="A filter such as 'done = false AND account = 111111111111'.")
@render.limit_option()
@render.output_option()
@pass_session
def operations(session: Session, filter_: str, limit: int, output: str) -> None:
    """List long-running operations, newest first."""
    operations = list(islice(session.client.list_operations(filter=filter_), limit))
    render.listed(operations, output, ("operation", "kind", "target", "state", "error"), _operation)


def _operation(operation: Any) -> Sequence[str | render.Cell]:
    metadata = render.as_json(operation).get("metadata", {})
    kind = str(metadata.get("@type", "")).rpartition(".")[2].removesuffix("Metadata")
    target = metadata.get("registry") or metadata.get("serviceLinkedRole") or ""
    word, colour = ("running", "yellow") if not operation.done else ("done", "green")
    if operation.HasField("error"):
        word, colour = "failed", "red"
    return operation.name, kind, resources.short(target), render.Cell(word, colour), operation.error.message


@click.command()
@click.option("--filter", "filter_", default="", help="A filter such as 'kind = AWS_WRITE AND account = 111111111111'.")
@render.limit_option()
@click.option("--follow", is_flag=True, help="Show new events as they come, until Ctrl-C.")
@render.output_option("table", "json", "markdown")
@pass_session
def audit(session: Session, filter_: str, limit: int, follow: bool, output: str) -> None:
    """List who changed what and the writes to AWS, newest first."""
    if follow:
        for step in session.client.watch_audit_events(filter_):
            if step.HasField("audit_event"):
                _followed(step.audit_event, output)
        return
    events = list(islice(session.client.list_audit_events(filter_), limit))
    render.listed(events, output, _AUDIT, _event)


_AUDIT = ("time", "who", "method", "resource", "outcome", "changes", "reason")


def _event(event: Any) -> Sequence[str | render.Cell]:
    outcome = type(event).Outcome.Name(event.outcome)
    colour = {"SUCCEEDED": "green", "FAILED": "red"}.get(outcome, "yellow")
    principal = event.principal or ", ".join(event.owners)
    shown = outcome if not event.aws_error_code else f"{outcome} {event.aws_error_code}"
    resource = resources.short(event.resource)
    time = resources.moment(event.create_time)
    return time, principal, event.method, resource, render.Cell(shown, colour), str(len(event.changes)), event.reason


def _followed(event: Any, output: str) -> None:
    if output == "json":
        import json

        click.echo(json.dumps(render.as_json(event), ensure_ascii=False))
        return
    (row,) = render.cells([_event(event)])
    click.echo("  ".join(cell.text or "-" for cell in row))
