"""`usage` and `delete-role`."""

from __future__ import annotations

import click
from ecrkeeper import names

from ecrkeeper_cli import render, resources
from ecrkeeper_cli.options import wait_option
from ecrkeeper_cli.session import Session, pass_session


@click.command()
@click.argument("role", type=resources.NameType("ServiceLinkedRole"))
@click.option("--all", "all_", is_flag=True, help="Show the Regions that do not use the role, too.")
@render.output_option("table", "json", "yaml", "markdown")
@pass_session
def usage(session: Session, role: names.Name, all_: bool, output: str) -> int:
    """Say which Regions use a service-linked role; status 1 if it cannot be deleted.

    ROLE is 111111111111/replication, for example.
    """
    answer = session.client.check_service_linked_role_usage(str(role), timeout=60)
    status = 0 if answer.deletable else 1
    if output in ("json", "yaml"):
        render.show(render.as_json(answer), output)
        return status
    rows = []
    for each in answer.usage:
        state = type(each).State.Name(each.state)
        if all_ or state != "FREE":
            colour = {"FREE": "green", "IN_USE": "yellow"}.get(state, "red")
            detail = each.message or ", ".join(each.resources)
            rows.append((each.region, render.Cell(state, colour), ", ".join(each.owners), detail))
    if rows:
        render.table(("region", "state", "owners", "used by"), rows, output)
    free = sum(type(each).State.Name(each.state) == "FREE" for each in answer.usage)
    can = "can" if answer.deletable else "cannot"
    click.echo(f"{role.short} {can} be deleted: {free} of {len(answer.usage)} Regions do not use it", err=True)
    return status


@click.command("delete-role")
@click.argument("role", type=resources.NameType("ServiceLinkedRole"))
@click.option("--abandon", is_flag=True, help="Keep the role in AWS, and only forget it.")
@click.option("--force-delete-adopted", is_flag=True, help="Delete it even if it existed before it was declared.")
@wait_option()
@pass_session
def delete_role(
    session: Session, role: names.Name, abandon: bool, force_delete_adopted: bool, wait_timeout: float
) -> int:
    """Delete a service-linked role that no Region uses, and wait until it is gone."""
    operation = session.client.delete_service_linked_role(
        str(role), force_delete_adopted=force_delete_adopted, deletion_policy="ABANDON" if abandon else None
    )
    operation.result(wait_timeout)
    click.echo(f"{role.short} is {'forgotten; it stays in AWS' if abandon else 'deleted'}")
    return 0
