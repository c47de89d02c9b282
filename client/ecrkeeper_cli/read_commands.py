"""`status`, `get` and `list`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from ecrkeeper import names

from ecrkeeper_cli import render, resources
from ecrkeeper_cli.session import Session, pass_session

ACCOUNT = click.option("--account", default="-", metavar="ID", help="Only this account.")
FILTER = click.option("--filter", "filter_", default="", help="A filter such as 'drift = true AND region = us-east-1'.")


@click.command()
@ACCOUNT
@FILTER
@render.output_option()
@pass_session
def status(session: Session, account: str, filter_: str, output: str) -> None:
    """Show all registries and their problems, those that need somebody first."""
    registries = list(session.client.list_registries(f"accounts/{account}", filter_))
    if output == "table":
        registries.sort(key=resources.urgency)
    _shown(registries, resources.REGISTRY_HEADINGS, resources.registry_row, output)
    if output == "table":
        ready = sum(resources.state_of(each).text == "Ready" for each in registries)
        click.echo(f"{ready} of {len(registries)} registries are ready", err=True)


@click.command()
@click.argument("name", type=resources.NameType("Registry", "RegistrySettings", "ServiceLinkedRole"))
@click.option("--refresh", is_flag=True, help="Ask AWS now, instead of showing what was observed last.")
@render.output_option()
@pass_session
def get(session: Session, name: names.Name, refresh: bool, output: str) -> None:
    """Show one registry, declaration or role.

    `-o yaml` of a declaration is a document that `apply` reads.
    """
    client = session.client
    if name.kind == "RegistrySettings":
        if refresh:
            raise click.UsageError("--refresh is for registries and roles; a declaration is not in AWS")
        declared = client.get_registry_settings(str(name))
        _shown([declared], resources.DECLARATION_HEADINGS, resources.declaration_row, output, single=True)
    elif name.kind == "ServiceLinkedRole":
        role = client.get_service_linked_role(str(name), refresh=refresh)
        _shown([role], resources.ROLE_HEADINGS, resources.role_row, output, single=True)
    else:
        registry = client.get_registry(str(name), refresh=refresh)
        _shown([registry], resources.REGISTRY_HEADINGS, resources.registry_row, output, single=True)


@click.command(name="list")
@click.argument("kind", type=click.Choice(["registries", "declarations", "roles", "elements"]))
@click.argument("registry", required=False, type=resources.NameType("Registry"))
@ACCOUNT
@FILTER
@render.output_option()
@pass_session
def list_(session: Session, kind: str, registry: names.Name | None, account: str, filter_: str, output: str) -> None:
    """List registries, declarations, roles, or the elements of one REGISTRY.

    Registries, declarations and roles are those of all accounts; REGISTRY limits declarations to one.
    """
    if kind == "elements" and registry is None:
        raise click.UsageError("list elements needs the name of a registry")
    if kind in ("registries", "roles") and registry is not None:
        raise click.UsageError(f"list {kind} takes no REGISTRY; narrow it with --account or --filter")
    client = session.client
    if kind == "elements":
        _shown(list(client.list_registry_elements(str(registry), filter_)), _ELEMENTS, _element_row, output)
    elif kind == "declarations":
        parent = str(registry) if registry else f"accounts/{account}/registries/-"
        declarations = list(client.list_registry_settings(parent, filter_))
        _shown(declarations, resources.DECLARATION_HEADINGS, resources.declaration_row, output)
    elif kind == "roles":
        roles = list(client.list_service_linked_roles(f"accounts/{account}", filter_))
        _shown(roles, resources.ROLE_HEADINGS, resources.role_row, output)
    else:
        registries = list(client.list_registries(f"accounts/{account}", filter_))
        _shown(registries, resources.REGISTRY_HEADINGS, resources.registry_row, output)


_ELEMENTS = ("setting", "key", "state", "owners", "problem")


def _element_row(element: Any) -> Sequence[str | render.Cell]:
    state = type(element).State.Name(element.state)
    colour = {"IN_SYNC": "green", "OUT_OF_SYNC": "yellow", "REMOVING": "yellow"}.get(state, "dim")
    owners = ", ".join(element.owners)
    return element.setting, element.key, render.Cell(state, colour), owners, render.Cell(element.problem, "red")


def _shown(messages: Sequence[Any], headings: Sequence[str], row: Any, output: str, *, single: bool = False) -> None:
    render.listed(messages, output, headings, row, name=_name, shape=_shape, single=single)


def _name(resource: Any) -> str:
    return getattr(resource, "name", "") or f"{resource.setting} {resource.key}"


def _shape(resource: Any, output: str) -> Any:
    """Return a resource as JSON; a declaration in YAML as the document of a file."""
    if output == "yaml" and resource.DESCRIPTOR.name == "RegistrySettings":
        return resources.document(resource)
    return render.as_json(resource)
