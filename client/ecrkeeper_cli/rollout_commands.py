"""`rollout`: how the changes of registry sets reach their registries."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import click
from ecrkeeper_files.kinds import OWNER
from ecrkeeper_files.plain_text import escaped

from ecrkeeper_cli import render, resources
from ecrkeeper_cli.options import SECONDS
from ecrkeeper_cli.session import Session, pass_session
from ecrkeeper_cli.set_commands import REASON, SET, full

if TYPE_CHECKING:
    import ecrkeeper
    from ecrkeeper import Rollout
    from ecrkeeper.v1.fleet_pb2 import RolloutTarget

_ROLLOUT = resources.PatternType(
    "rollout",
    rf"registrySets/{OWNER}/rollouts/[0-9]{{1,18}}|{OWNER}(?:/[0-9]{{1,18}})?",
    "the form quay/3, registrySets/quay/rollouts/3, or quay for the newest rollout",
)
_COLOURS = {
    "SUCCEEDED": "green", "HALTED": "red", "AWAITING_APPROVAL": "yellow", "PAUSED": "yellow", "ROLLING_BACK": "magenta",
}  # fmt: skip
_STATES = ("pending", "running", "baking", "succeeded", "failed", "skipped", "held")
_CHANGES = {
    "pause": ("Let no more registries begin; `resume` continues.", "pause_rollout"),
    "resume": ("Continue a rollout that was paused or has halted.", "resume_rollout"),
    "approve": ("Let the next wave begin.", "approve_rollout"),
    "cancel": ("End a rollout; its registries stay where they are.", "cancel_rollout"),
    "roll-back": ("Take the changed registries back to their revision before.", "roll_back_rollout"),
}


@click.group()
def rollout() -> None:
    """Show and steer rollouts of registry sets.

    A rollout starts when its set changes: with `ecrkeeper apply` or `ecrkeeper set apply`. ROLLOUT is quay/3, or quay
    for the newest rollout of that set.
    """


@rollout.command("list")
@click.argument("name", metavar="SET", type=SET)
@render.limit_option()
@render.output_option()
@pass_session
def list_rollouts(session: Session, name: str, limit: int, output: str) -> None:
    """List the rollouts of a set, newest first."""
    render.listed(list(islice(session.client.list_rollouts(full(name)), limit)), output, _HEADINGS, _row)


@rollout.command()
@click.argument("name", metavar="ROLLOUT", type=_ROLLOUT)
@render.output_option()
@pass_session
def get(session: Session, name: str, output: str) -> None:
    """Show one rollout and its waves."""
    rollout = session.client.get_rollout(_named(session.client, name))
    render.listed([rollout], output, _HEADINGS, _row, single=True)
    if output == "table":
        counted = enumerate(rollout.waves, start=1)
        rows = [(str(at), *(str(_count(wave, each) or "") for each in _STATES)) for at, wave in counted]
        render.table(("wave", *_STATES), rows)


@rollout.command()
@click.argument("name", metavar="ROLLOUT", type=_ROLLOUT)
@click.option("--filter", "filter_", default="", help="A filter such as 'state = FAILED'.")
@render.output_option()
@pass_session
def targets(session: Session, name: str, filter_: str, output: str) -> None:
    """List the registries of a rollout."""
    client = session.client
    targets = list(client.list_rollout_targets(_named(client, name), filter_))
    headings = ("registry", "wave", "state", "reason", "message")
    render.listed(targets, output, headings, _target_row, name=lambda each: each.registry)


def _target_row(each: RolloutTarget) -> Sequence[str]:
    state = type(each).State.Name(each.state)
    return resources.short(each.registry), str(each.wave + 1), state, each.reason, each.message


@rollout.command()
@click.argument("name", metavar="ROLLOUT", type=_ROLLOUT)
@click.option("--timeout", "seconds", type=SECONDS, metavar="SECONDS", help="Fail after this time; without it, wait.")
@render.output_option("table", "json")
@pass_session
def watch(session: Session, name: str, seconds: float | None, output: str) -> int:
    """Follow a rollout until it has ended or halted.

    The exit status is 0 if it succeeded.
    """
    client = session.client
    with client.watch_rollout(_named(client, name), timeout=seconds) as steps:
        state = ""
        for step in steps:
            state = _state(step.rollout)
            if output == "json":
                click.echo(json.dumps(render.as_json(step.rollout), ensure_ascii=False))
            else:
                click.echo(f"{time.strftime('%H:%M:%S')}  {_line(step.rollout)}")
            if state == "HALTED":
                break
    return 0 if state == "SUCCEEDED" else 1


def _change(name: str, text: str, method: str) -> click.Command:
    @click.command(name, help=text)
    @click.argument("name", metavar="ROLLOUT", type=_ROLLOUT)
    @REASON
    @pass_session
    def change(session: Session, name: str, reason: str) -> None:
        client = session.client
        call: Callable[..., Rollout] = getattr(client, method)
        changed = call(_named(client, name), reason=reason)
        click.echo(f"{resources.short_rollout(changed.name)}  {_line(changed)}")

    return change


for _name, (_text, _method) in _CHANGES.items():
    rollout.add_command(_change(_name, _text, _method))


def _named(client: ecrkeeper.Client, name: str) -> str:
    """Return the full name of a rollout; of a set alone, of its newest one."""
    if name.startswith("registrySets/"):
        return name
    of, _, number = name.partition("/")
    if number:
        return f"registrySets/{of}/rollouts/{number}"
    newest = next(iter(client.list_rollouts(f"registrySets/{of}", page_size=1)), None)
    if newest is None:
        raise click.ClickException(f"registrySets/{of} has no rollouts")
    return newest.name


def _state(rollout: Rollout) -> str:
    return type(rollout).State.Name(rollout.state)


def _count(wave: Any, state: str) -> int:
    return int(getattr(wave, f"{state}_count"))


def _line(rollout: Rollout) -> str:
    state = _state(rollout)
    parts = [click.style(state, fg=_COLOURS.get(state)), *_progress(rollout)]
    if rollout.message:
        parts.append(escaped(rollout.message))
    return "  ".join(parts)


def _progress(rollout: Rollout) -> Iterator[str]:
    if rollout.waves:
        yield f"wave {min(rollout.wave + 1, len(rollout.waves))} of {len(rollout.waves)}"
    totals = {each: sum(_count(wave, each) for wave in rollout.waves) for each in _STATES}
    counted = ", ".join(f"{count} {each}" for each, count in totals.items() if count)
    if counted:
        yield counted


def _row(rollout: Rollout) -> Sequence[str | render.Cell]:
    state = _state(rollout)
    return (
        resources.short_rollout(rollout.name),
        render.Cell(state, _COLOURS.get(state, "")),
        type(rollout).Cause.Name(rollout.cause),
        str(rollout.revision),
        ", ".join(_progress(rollout)),
        rollout.principal,
        resources.moment(rollout.create_time),
        render.Cell(rollout.message, "red"),
    )


_HEADINGS = ("rollout", "state", "cause", "revision", "progress", "principal", "begun", "message")
