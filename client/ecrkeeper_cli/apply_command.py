"""`apply`: write declarations and wait for AWS.

Everything is checked before the first write. The wait ends when AWS matches, or with the cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from ecrkeeper_files.documents import Declaration
from ecrkeeper_files.plain_text import escaped

from ecrkeeper_cli import plan_files, plan_text, resources
from ecrkeeper_cli.file_commands import file_options, read
from ecrkeeper_cli.fleet_plans import KINDS
from ecrkeeper_cli.items import CREATE, DELETE, UNCHANGED, Item, Result, Wanted
from ecrkeeper_cli.options import wait_option
from ecrkeeper_cli.planning import plan_all
from ecrkeeper_cli.pruning import Group, group_options
from ecrkeeper_cli.session import Session, pass_session
from ecrkeeper_cli.writing import write

_REMOVALS = 10


@click.command()
@file_options(required=False)
@click.argument("plan", required=False, metavar="[PLAN]")
@group_options()
@click.option("--reason", default="", help="Why; kept with the revision and in the audit trail.")
@click.option("--force", is_flag=True, help="Take over elements that other owners declare otherwise.")
@click.option(
    "--allow-removals", type=click.IntRange(min=0), default=_REMOVALS, show_default=True, metavar="N",
    help="The most elements that may be removed from AWS.",
)  # fmt: skip
@click.option("--wait/--no-wait", default=True, help="Wait until AWS matches.", show_default=True)
@wait_option()
@pass_session
def apply(
    session: Session,
    paths: tuple[str, ...],
    plan: str | None,
    recursive: bool,
    env: bool,
    group: str,
    prune: bool,
    owners: tuple[str, ...],
    reason: str,
    force: bool,
    allow_removals: int,
    wait: bool,
    wait_timeout: float,
) -> int:
    """Apply files and wait until AWS matches them.

    All documents are checked before the first is written. Elements that a declaration had and a file leaves out are
    removed from AWS; they are shown and counted, and more than N need --allow-removals.

    PLAN is a file of `plan --out`, instead of -f. It is carried out as it was shown: if a declaration, its registry or
    the settings in AWS have changed since, nothing is written.

    With --prune, declarations of the --apply-group that no file has are deleted. They are those of the owners in the
    files and of each --owner; `plan` with the same options shows them.
    """
    if bool(paths) == (plan is not None):
        raise click.UsageError("give files with -f, or the file of a plan")
    if plan is None:
        wanted = Wanted(read(paths, recursive, env, empty=prune), Group.of(group, prune, owners), force)
    elif recursive or env or group or prune or owners or force:
        raise click.UsageError("a plan has the files, the group and --force already; give them to `plan --out`")
    else:
        wanted = plan_files.load(plan)
    return carry_out(session, wanted, reason, allow_removals, wait=wait, wait_timeout=wait_timeout)


def carry_out(
    session: Session,
    wanted: Wanted,
    reason: str,
    allow_removals: int,
    *,
    wait: bool = False,
    wait_timeout: float = 0.0,
) -> int:
    """Plan and write everything, and return the exit status."""
    result = plan_all(session, wanted)
    if not _accepted(result, allow_removals):
        return 1
    changed = [item for item in result.items if item.action != UNCHANGED]
    if not _write(session, changed, reason, wanted):
        return 1
    return _wait(session, result, wait_timeout) if wait else 0


def _accepted(result: Result, allow_removals: int) -> bool:
    """Show a plan; say why it cannot be written if so."""
    for line in result.errors:
        click.echo(line, err=True)
    if result.errors:
        click.echo("nothing was written", err=True)
        return False
    for line in plan_text.lines(result):
        click.echo(line)
    removals = result.count("REMOVE")
    if removals > allow_removals:
        click.echo(
            f"error: {plan_text.counted(removals, 'element')} would be removed from AWS, and {allow_removals} may be; "
            f"nothing was written. To allow that: --allow-removals {removals}",
            err=True,
        )
    return removals <= allow_removals


def _write(session: Session, items: Sequence[Item], reason: str, wanted: Wanted) -> bool:
    """Write all items; after a failure, say which were written and which were not."""
    from ecrkeeper import RegistryError
    from ecrkeeper._plans import takeovers_of

    from ecrkeeper_cli.failures import of_call

    moved: set[str] = set()
    for at, item in enumerate(items):
        options = _options(item, reason, wanted)
        if wanted.digests and item.kind not in KINDS and item.target not in moved:
            # The first write to a registry moves it; etags guard the others, and all plans were compared before.
            options["plan_digest"] = item.digest
        moved.add(item.target)
        try:
            answer = write(session.client, item.document, created=item.action == CREATE, **options)
        except RegistryError as error:
            click.echo("\n".join(of_call(error, session, item.document.source, resources.short(item.name))), err=True)
            for written in items[:at]:
                click.echo(f"  written:     {resources.short(written.name)}", err=True)
            for unwritten in items[at:]:
                click.echo(f"  not written: {resources.short(unwritten.name)}", err=True)
            return False
        if item.kind == "RegistrySet" and (rollout := answer.queued_rollout or answer.active_rollout):
            click.echo(f"rolling out; to follow it: ecrkeeper rollout watch {resources.short_rollout(rollout)}")
        if item.action == DELETE:
            click.echo(f"{click.style('deleted', fg='red')}  {resources.short(item.name)}")
        for takeover in takeovers_of(answer) if item.takeovers else ():
            click.echo(f"{click.style('took over', fg='magenta')}  {escaped(str(takeover))}")
    return True


def _options(item: Item, reason: str, wanted: Wanted) -> dict[str, Any]:
    """Return the options of the call that writes an item."""
    if item.kind in KINDS:
        return {"reason": reason, "etag": item.etag, **(wanted.set_options if item.kind == "RegistrySet" else {})}
    if item.kind != "RegistrySettings":
        return {}
    # Neither a declaration that has changed since it was planned is overwritten, nor one that was created since.
    etag = {"etag": item.etag} if item.action != CREATE else {}
    return {"reason": reason, **etag, **({} if item.action == DELETE else {"force": wanted.force})}


def _wait(session: Session, result: Result, seconds: float) -> int:
    """Wait for each declaration and say how it went; 1 if one does not come into sync."""
    from ecrkeeper_cli.waiting import wait_all

    waited = [item.name for item in result.items if isinstance(item.document, Declaration)]
    if not waited:
        return 0
    ended = wait_all(session, waited, seconds, excused=True)
    if ended.failed:
        click.echo(f"{ended.failed} of {len(waited)} declarations are not in sync", err=True)
        return 1
    if ended.synced:
        click.echo(
            "the declaration is in sync with AWS"
            if len(waited) == 1
            else f"{ended.synced} declarations are in sync with AWS"
        )
    return 0
