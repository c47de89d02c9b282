"""`replicate`: declare both sides of a replication."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click
from ecrkeeper import names
from ecrkeeper_files.plain_text import escaped

from ecrkeeper_cli.options import wait_option
from ecrkeeper_cli.plan_text import counted
from ecrkeeper_cli.resources import NameType, short
from ecrkeeper_cli.session import Session, pass_session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecrkeeper import Client, ReplicationResult, WritePlan

_REGISTRY = NameType("Registry")
_MAX_IMAGES = 20


@click.command()
@click.argument("source", type=_REGISTRY)
@click.argument("destinations", type=_REGISTRY, nargs=-1, required=True, metavar="DESTINATION...")
@click.option("--owner", default="replication", show_default=True, help="The owner of the declarations.")
@click.option("--prefix", "prefixes", multiple=True, help="Only repositories with this prefix; repeatable.")
@click.option("--template", is_flag=True, help="Declare how the destinations create repositories, too.")
@click.option("--backfill/--no-backfill", default=True, show_default=True, help="Copy the images that are there.")
@click.option("--plan", is_flag=True, help="Show what would change on all sides; write nothing.")
@click.option("--delete", is_flag=True, help="Delete the declarations of all sides; images stay.")
@click.option(
    "--allow-removals", type=click.IntRange(min=0), default=0, show_default=True, metavar="N",
    help="The most elements that may be removed from AWS.",
)  # fmt: skip
@click.option("--reason", default="", help="Why; kept with the revisions and in the audit trail.")
@wait_option(600.0)
@pass_session
def replicate(
    session: Session,
    source: names.Name,
    destinations: tuple[names.Name, ...],
    owner: str,
    prefixes: tuple[str, ...],
    template: bool,
    backfill: bool,
    plan: bool,
    delete: bool,
    allow_removals: int,
    reason: str,
    wait_timeout: float,
) -> int:
    """Replicate a registry to others, and wait for its images.

    One owner declares the permission at each destination, then the rules at the source. The command ends when every
    image that was at the source is at every destination, or says which is not, and why. With --plan, the exit status
    is 2 if something would change.
    """
    client, places = session.client, [str(each) for each in destinations]
    if delete:
        return _stop(client, str(source), places, owner, reason)
    call = partial(
        client.replicate, str(source), places, owner=owner, prefixes=prefixes, template=template, backfill=backfill,
        reason=reason, timeout=wait_timeout,
    )  # fmt: skip
    plans = call(validate_only=True).plans
    for each in plans:
        click.echo("\n".join(map(escaped, str(each).split("\n"))))
    if plan:
        return 2 if any(plans) else 0
    if not _removals_allowed(plans, allow_removals):
        return 1
    results = call(validate_only=False).results
    for result in results:
        _show(result, backfill)
    return 0 if all(results) else 1


def _stop(client: Client, source: str, destinations: list[str], owner: str, reason: str) -> int:
    deleted = client.stop_replicating(source, destinations, owner=owner, reason=reason)
    for name in deleted:
        click.echo(f"{short(name)} is deleted")
    if not deleted:
        click.echo(f"{owner} declares nothing in these registries")
    return 0


def _removals_allowed(plans: Iterable[WritePlan], allow_removals: int) -> bool:
    """Return whether the plans remove no more than allowed; print the error if not."""
    removals = sum(each.removal_count for each in plans)
    if removals > allow_removals:
        click.echo(
            f"error: {counted(removals, 'element')} would be removed from AWS, and {allow_removals} may be; "
            f"nothing was written. Give another --owner, or --allow-removals {removals}",
            err=True,
        )
    return removals <= allow_removals


def _arrived(count: int) -> str:
    return f"all {count} images arrived" if count > 1 else "the only image arrived" if count else "there are no images"


def _show(result: ReplicationResult, backfill: bool) -> None:
    destination = short(result.destination)
    if result:
        click.echo(f"{destination}: {_arrived(result.arrived) if backfill else 'images will arrive'}")
        return
    count = len(result.missing)
    why = [escaped(result.reason)] if result.reason else []
    why += [f"{count} of {count + result.arrived} images did not arrive"] if count else []
    click.echo(f"error: {destination}: {'; '.join(why)}", err=True)
    for image in result.missing[:_MAX_IMAGES]:
        click.echo(f"  {escaped(image.repository)} {escaped(image.digest)}: {escaped(image.reason)}", err=True)
    if count > _MAX_IMAGES:
        click.echo(f"  and {count - _MAX_IMAGES} more", err=True)
