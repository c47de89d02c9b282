"""`set`: registry sets, which declare settings for many registries."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import click
from ecrkeeper_files.documents import Documents
from ecrkeeper_files.kinds import OWNER

from ecrkeeper_cli import render, resources
from ecrkeeper_cli.apply_command import carry_out
from ecrkeeper_cli.file_commands import file_options, read
from ecrkeeper_cli.items import Wanted
from ecrkeeper_cli.session import Session, pass_session

if TYPE_CHECKING:
    from ecrkeeper import RegistrySet
    from ecrkeeper.v1.fleet_pb2 import RegistrySetRevision, RegistrySetTarget

SET = resources.PatternType("set", rf"(?:registrySets/)?{OWNER}", "the form quay or registrySets/quay")
REASON = click.option("--reason", default="", help="Why; kept with the revision and in the audit trail.")
_SUPERSEDE = click.option(
    "--supersede", is_flag=True, help="Cancel the rollout that is under way, or replace the queued one."
)
_REMOVALS = click.option(
    "--allow-removals", type=click.IntRange(min=0), default=0, metavar="N",
    help="Confirm that N registries lose elements, as the plan says.",
)  # fmt: skip
_HEADINGS = ("set", "revision", "rolled out", "rollout", "settings")


def full(name: str) -> str:
    """Return the full name of a set."""
    return name if name.startswith("registrySets/") else f"registrySets/{name}"


@click.group("set")
def set_() -> None:
    """Show and change registry sets.

    A set declares settings for all registries that its selector matches. NAME is quay or registrySets/quay.
    `ecrkeeper rollout` shows how a change reaches the registries.
    """


@set_.command("list")
@render.output_option()
@pass_session
def list_sets(session: Session, output: str) -> None:
    """List the registry sets."""
    render.listed(list(session.client.list_registry_sets()), output, _HEADINGS, _row, shape=_shape)


@set_.command()
@click.argument("name", type=SET)
@render.output_option()
@pass_session
def get(session: Session, name: str, output: str) -> None:
    """Show one set; with -o yaml as the document of a file."""
    registry_set = session.client.get_registry_set(full(name))
    render.listed([registry_set], output, _HEADINGS, _row, shape=_shape, single=True)


@set_.command()
@file_options()
@REASON
@_REMOVALS
@_SUPERSEDE
@pass_session
def apply(
    session: Session,
    paths: tuple[str, ...],
    recursive: bool,
    env: bool,
    reason: str,
    allow_removals: int,
    supersede: bool,
) -> int:
    """Apply the documents RegistrySet and Account of files, and start rollouts.

    `ecrkeeper apply` does the same, without the options for removals and for rollouts that are under way.
    """
    documents = read(paths, recursive, env)
    others = [each for each in documents.all if each not in (*documents.accounts, *documents.sets)]
    if others:
        raise click.UsageError(f"{others[0].source.at()}: `set apply` takes RegistrySet and Account only; use `apply`")
    options = {"allow_removals": allow_removals, "supersede": supersede}
    wanted = Wanted(Documents(accounts=documents.accounts, sets=documents.sets), set_options=options)
    return carry_out(session, wanted, reason, allow_removals)


@set_.command()
@click.argument("name", type=SET)
@render.output_option("table", "json", "yaml", "name", "markdown")
@pass_session
def targets(session: Session, name: str, output: str) -> None:
    """List the registries that a set matches or declares for."""
    targets = list(session.client.list_registry_set_targets(full(name)))
    headings = ("registry", "revision", "matched", "ready")
    render.listed(targets, output, headings, _target_row, name=lambda each: each.registry)


@set_.command()
@click.argument("name", type=SET)
@render.limit_option()
@render.output_option("table", "json", "yaml", "markdown")
@pass_session
def history(session: Session, name: str, limit: int, output: str) -> None:
    """List the revisions of a set, newest first."""
    revisions = list(islice(session.client.list_registry_set_revisions(full(name)), limit))
    render.listed(revisions, output, ("revision", "time", "principal", "method", "reason"), _revision_row)


@set_.command()
@click.argument("name", type=SET)
@REASON
@_REMOVALS
@_SUPERSEDE
@pass_session
def delete(session: Session, name: str, reason: str, allow_removals: int, supersede: bool) -> None:
    """Delete a set, which releases its registries in waves."""
    deleted = session.client.delete_registry_set(
        full(name), reason=reason, allow_removals=allow_removals, supersede=supersede
    )
    rollout = deleted.queued_rollout or deleted.active_rollout
    follow = f"; to follow it: ecrkeeper rollout watch {resources.short_rollout(rollout)}" if rollout else ""
    click.echo(f"{full(name)} is being deleted{follow}")


def _row(each: RegistrySet) -> Sequence[str | render.Cell]:
    settings = ", ".join(field.json_name for field, _ in each.settings.ListFields())
    rollout = render.Cell(resources.short_rollout(each.active_rollout), "yellow")
    return each.name.partition("/")[2], str(each.generation), str(each.current_revision or ""), rollout, settings


def _target_row(each: RegistrySetTarget) -> Sequence[str | render.Cell]:
    return resources.short(each.registry), str(each.revision or ""), _yes(each.matched), _yes(each.ready)


def _revision_row(each: RegistrySetRevision) -> Sequence[str | render.Cell]:
    return str(each.revision), resources.moment(each.create_time), each.principal, each.method, each.reason


def _shape(each: RegistrySet, output: str) -> Any:
    """Return a set as JSON; in YAML as the document of a file."""
    return resources.document(each) if output == "yaml" else render.as_json(each)


def _yes(value: bool) -> render.Cell:
    return render.Cell("yes", "green") if value else render.Cell("no", "yellow")
