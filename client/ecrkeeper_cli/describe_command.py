"""`describe`: everything about one resource that a person may want to know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click
from ecrkeeper import names
from ecrkeeper_files.plain_text import escaped

from ecrkeeper_cli import render, resources
from ecrkeeper_cli.session import Session, pass_session

if TYPE_CHECKING:
    from ecrkeeper import Registry
    from ecrkeeper.v1.common_pb2 import Cause


@click.command()
@click.argument("name", type=resources.NameType("Registry", "RegistrySettings", "ServiceLinkedRole"))
@click.option("--refresh", is_flag=True, help="Ask AWS now, instead of showing what was observed last.")
@pass_session
def describe(session: Session, name: names.Name, refresh: bool) -> None:
    """Explain one registry, declaration or role.

    The output has its state, errors, drift, owners and quotas.
    """
    client, kind = session.client, name.kind
    if kind == "Registry":
        resource: Any = client.get_registry(str(name), refresh=refresh)
    elif kind == "RegistrySettings":
        resource = client.get_registry_settings(str(name))
    else:
        resource = client.get_service_linked_role(str(name), refresh=refresh)
    for line in _lines(resource):
        click.echo(line)


def _lines(resource: Any) -> Iterator[str]:
    state = resources.state_of(resource)
    yield click.style(resources.short(resource.name), bold=True)
    yield f"  state         {click.style(state.text, fg=state.colour)}"
    if resource.DESCRIPTOR.name != "RegistrySettings":
        yield f"  mode          {resources.mode_of(resource)}"
        yield f"  observed      {resources.moment(resource.observe_time) or 'never'}"
    yield f"  generation    {resource.generation}, of which AWS has {resource.observed_generation}"
    yield f"  next          {resources.moment(resource.next_reconcile_time) or 'none'}"
    yield from _conditions(resource)
    if resource.last_error.message:
        yield ""
        yield click.style("Error", bold=True)
        yield f"  {click.style(escaped(resource.last_error.message), fg='red')}"
    yield from _drift(resource)
    if resource.DESCRIPTOR.name == "Registry":
        yield from _registry(resource)


def _conditions(resource: Any) -> Iterator[str]:
    from ecrkeeper.v1.common_pb2 import Condition

    yield ""
    yield click.style("Conditions", bold=True)
    error = resource.last_error.message
    rows = [
        (each.type, Condition.Status.Name(each.status), each.reason, _unless_repeated(each.message, error))
        for each in resource.conditions
    ]
    yield from _indented(("condition", "status", "reason", "message"), rows)


def _unless_repeated(message: str, error: str) -> str:
    """Return the message of a condition.

    The message of the error is shown below all conditions.
    """
    same = message and error and (error.startswith(message) or message.startswith(error))
    return "see the error below" if same else message


def _drift(resource: Any) -> Iterator[str]:
    if not resource.drift:
        return
    yield ""
    yield click.style("Drift", bold=True)
    rows = [
        (type(each).Kind.Name(each.kind), each.setting, each.key, ", ".join(each.owners), resources.moment(each.since))
        for each in resource.drift
    ]
    yield from _indented(("drift", "setting", "element", "owners", "since"), rows)


def _registry(registry: Registry) -> Iterator[str]:
    yield ""
    yield click.style("Declarations", bold=True)
    rows = [
        (each.owner, resources.state_of(_Declared(each)), each.last_error.message) for each in registry.declarations
    ]
    yield from _indented(("owner", "state", "error"), rows)
    if registry.quota_usage:
        yield ""
        yield click.style("Quotas", bold=True)
        used = [(each.setting, each.quota, f"{each.used} of {each.limit}") for each in registry.quota_usage]
        yield from _indented(("setting", "quota", "used"), used)
    if registry.last_remediation.drift:
        yield ""
        yield click.style(f"Reverted at {resources.moment(registry.last_remediation.remediation_time)}", bold=True)
        for each in registry.last_remediation.drift:
            yield f"  {each.setting} {escaped(each.key)}"
        yield from _caused_by(registry.last_remediation.cause)
    yield from _images(registry)
    if registry.truncated_fields:
        yield f"left out because they are long: {', '.join(registry.truncated_fields)}"


def _caused_by(cause: Cause) -> Iterator[str]:
    if cause.principal:
        session = f" ({cause.session})" if cause.session else ""
        yield f"  changed by {escaped(cause.principal + session)} from {escaped(cause.source_ip)}"


def _images(registry: Registry) -> Iterator[str]:
    if not registry.image_deliveries:
        return
    yield ""
    yield click.style("Images", bold=True)
    rows = [
        (
            "replication to" if each.setting == "replication_configuration" else "cache rule", each.target,
            resources.moment(each.last_success_time), resources.moment(each.last_failure_time), each.failure_reason,
        )
        for each in registry.image_deliveries
    ]  # fmt: skip
    yield from _indented(("by", "target", "last success", "last failure", "reason"), rows)


class _Declared:
    """The status of a declaration with the members that a resource has."""

    def __init__(self, status: Any) -> None:
        self.conditions = status.conditions
        self.reconciling = status.observed_generation < status.generation


def _indented(headings: tuple[str, ...], rows: Iterable[render.Row]) -> Iterator[str]:
    yield from (f"  {line}" for line in render.plain_table(headings, render.cells(rows)))
