"""`watch` and `wait`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click
from ecrkeeper import names
from ecrkeeper_files.plain_text import escaped

from ecrkeeper_cli import render, resources
from ecrkeeper_cli.options import SECONDS, wait_option
from ecrkeeper_cli.session import Session, pass_session

if TYPE_CHECKING:
    from ecrkeeper import Registry


_AWAITED = resources.NameType("Registry", "RegistrySettings")


@click.command()
@click.option("--account", default="-", metavar="ID", help="Only this account.")
@click.option("--filter", "filter_", default="", help="A filter such as 'drift = true'.")
@click.option("--for", "seconds", type=SECONDS, metavar="SECONDS", help="End after this time; without it, at Ctrl-C.")
@render.output_option("table", "json", "name")
@pass_session
def watch(session: Session, account: str, filter_: str, seconds: float | None, output: str) -> None:
    """Show registries as they change.

    A terminal shows a live table; other outputs get a line for each change.
    """
    from ecrkeeper import DeadlineExceeded

    try:
        with session.client.watch_registries(f"accounts/{account}", filter_, timeout=seconds) as steps:
            if output == "table" and render.is_terminal():
                _live(steps)
            else:
                for step in steps:
                    _line(step, output)
    except DeadlineExceeded:
        if seconds is None:
            raise


def _line(step: Any, output: str) -> None:
    kind = type(step).Kind.Name(step.kind)
    if kind == "SNAPSHOT_COMPLETE":
        return
    if output == "name":
        click.echo(step.registry.name)
    elif output == "json":
        click.echo(json.dumps(render.as_json(step), ensure_ascii=False))
    elif kind == "REMOVED":
        click.echo(f"{time.strftime('%H:%M:%S')}  Removed    {resources.short(step.registry.name)}")
    else:
        state = resources.state_of(step.registry).text
        problem = resources.problem_of(step.registry)
        click.echo(
            f"{time.strftime('%H:%M:%S')}  {state.ljust(9)}  {resources.short(step.registry.name)}"
            + (f"  {escaped(problem)}" if problem else "")
        )


def _live(steps: Any) -> None:
    from rich.live import Live

    shown: dict[str, Registry] = {}
    with Live(refresh_per_second=4) as live:
        for step in steps:
            kind = type(step).Kind.Name(step.kind)
            if kind == "CURRENT":
                shown[step.registry.name] = step.registry
            elif kind == "REMOVED":
                shown.pop(step.registry.name, None)
            live.update(_table(list(shown.values())))


def _table(registries: list[Registry]) -> Any:
    rows = [resources.registry_row(each) for each in sorted(registries, key=resources.urgency)]
    return render.rich_table(resources.REGISTRY_HEADINGS, render.cells(rows))


@click.command()
@click.argument("named", nargs=-1, required=True, metavar="NAME...", type=_AWAITED)
@wait_option()
@pass_session
def wait(session: Session, named: tuple[names.Name, ...], wait_timeout: float) -> int:
    """Wait until AWS matches registries or declarations.

    The wait ends at once, with status 1, on what waiting does not resolve.
    """
    from ecrkeeper_cli.waiting import wait_all

    return 1 if wait_all(session, [str(each) for each in named], wait_timeout).failed else 0
