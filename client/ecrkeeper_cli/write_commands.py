"""`import`, `delete`, `rollback`, `reconcile`, `pause` and `resume`."""

from __future__ import annotations

import click
from ecrkeeper import names

from ecrkeeper_cli import resources
from ecrkeeper_cli.options import wait_option
from ecrkeeper_cli.plan_text import counted
from ecrkeeper_cli.session import Session, pass_session

_REASON = click.option("--reason", default="", help="Why; kept with the revision and in the audit trail.")
_DECLARATION = resources.NameType("RegistrySettings")
_TREATED = resources.NameType("Registry", "ServiceLinkedRole")


@click.command("import")
@click.argument("declaration", type=_DECLARATION)
@click.option("--setting", "settings", multiple=True, metavar="NAME", help="Only this setting; repeatable.")
@_REASON
@pass_session
def import_(session: Session, declaration: names.Name, settings: tuple[str, ...], reason: str) -> None:
    """Declare what AWS has now as one owner, such as 111111111111/us-east-1/team-a.

    AWS stays as it is.
    """
    registry = names.registry(declaration.account, declaration.region)
    imported = session.client.import_registry_settings(registry, declaration.owner, settings=settings, reason=reason)
    count = counted(len(imported.settings.ListFields()), "setting")
    short = declaration.short
    click.echo(f"{short} declares {count} of AWS; to see the file: ecrkeeper get {short} -o yaml")


@click.command()
@click.argument("name", type=resources.NameType("RegistrySettings", "Registry"))
@click.option("--abandon", is_flag=True, help="Keep in AWS what was declared.")
@_REASON
@pass_session
def delete(session: Session, name: names.Name, abandon: bool, reason: str) -> None:
    """Delete a declaration and what it declared in AWS.

    A registry without declarations is forgotten.
    """
    from ecrkeeper import DeletionPolicy

    client = session.client
    if name.kind == "Registry":
        client.delete_registry(str(name), deletion_policy="ABANDON" if abandon else None)
        click.echo(f"{name.short} is forgotten; AWS stays as it is")
        return
    if abandon:
        client.update_registry_settings({"name": str(name), "deletion_policy": "ABANDON"}, reason=reason)
    removed = client.delete_registry_settings(str(name), reason=reason)
    keeps = removed.deletion_policy == DeletionPolicy.ABANDON
    click.echo(f"{name.short} is deleted" + ("; AWS keeps what it declared" if keeps else ""))


@click.command()
@click.argument("declaration", type=_DECLARATION)
@click.argument("revision", type=int)
@click.option("--force", is_flag=True, help="Take over elements that other owners declare otherwise.")
@_REASON
@click.option("--wait/--no-wait", default=True, help="Wait until AWS matches.", show_default=True)
@pass_session
def rollback(session: Session, declaration: names.Name, revision: int, force: bool, reason: str, wait: bool) -> int:
    """Declare again what a revision held; `ecrkeeper history` lists the revisions."""
    from ecrkeeper_cli.waiting import wait_all

    session.client.rollback_registry_settings(str(declaration), revision, force=force, reason=reason)
    click.echo(f"{declaration.short} declares what revision {revision} held")
    return 1 if wait and wait_all(session, [str(declaration)], 300.0).failed else 0


@click.command()
@click.argument("name", type=_TREATED)
@wait_option()
@pass_session
def reconcile(session: Session, name: names.Name, wait_timeout: float) -> None:
    """Compare a registry or a role with AWS now and correct what differs."""
    client = session.client
    if name.kind == "Registry":
        client.reconcile_registry(str(name)).result(wait_timeout)
    else:
        client.reconcile_service_linked_role(str(name)).result(wait_timeout)
    click.echo(f"{name.short} is in sync")


@click.command()
@click.argument("name", type=_TREATED)
@pass_session
def pause(session: Session, name: names.Name) -> None:
    """Stop reading and writing a registry or role in AWS."""
    _set_mode(session, name, "PAUSED")
    click.echo(f"{name.short} is paused; `ecrkeeper resume` continues")


@click.command()
@click.argument("name", type=_TREATED)
@click.option("--observe", is_flag=True, help="Only read AWS, and report what differs.")
@pass_session
def resume(session: Session, name: names.Name, observe: bool) -> None:
    """Reconcile a paused registry or role again."""
    mode = "OBSERVE" if observe else "ENFORCE"
    _set_mode(session, name, mode)
    click.echo(f"{name.short} has the mode {mode}")


def _set_mode(session: Session, name: names.Name, mode: str) -> None:
    client, changed = session.client, {"name": str(name), "mode": mode}
    if name.kind == "Registry":
        # An update makes a registry that is not there; only one that is there can be paused.
        client.get_registry(str(name), view="BASIC")
        client.update_registry(changed, ["mode"])
        return
    from ecrkeeper import NotFound

    try:
        client.update_service_linked_role(changed, ["mode"])
    except NotFound as error:
        raise click.ClickException(
            f"{name.short} is not declared, so it has no mode; declare it with a document of the kind ServiceLinkedRole"
        ) from error
