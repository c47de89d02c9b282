"""`plan` and `diff`."""

from __future__ import annotations

import click
from ecrkeeper import names

from ecrkeeper_cli import plan_files, plan_text, render
from ecrkeeper_cli.file_commands import file_options, read
from ecrkeeper_cli.items import Result, Wanted
from ecrkeeper_cli.planning import plan_all
from ecrkeeper_cli.pruning import Group, group_options
from ecrkeeper_cli.resources import NameType, short
from ecrkeeper_cli.session import Session, pass_session

CHANGES = 2


@click.command()
@file_options()
@group_options()
@click.option("--force", is_flag=True, help="Plan as `apply --force` would act.")
@click.option("--out", metavar="FILE", help="Save the plan; `apply FILE` carries out this plan or nothing.")
@render.output_option()
@pass_session
def plan(
    session: Session,
    paths: tuple[str, ...],
    recursive: bool,
    env: bool,
    group: str,
    prune: bool,
    owners: tuple[str, ...],
    force: bool,
    out: str | None,
    output: str,
) -> int:
    """Show what applying files would change in AWS. Nothing is written.

    The exit status is 0 if nothing would change, 2 if something would, and 1 for an error.
    """
    of = Group.of(group, prune, owners)
    result = plan_all(session, Wanted(read(paths, recursive, env, empty=prune), of, force))
    status = _ended(result, output, values=False)
    if out is not None and not result.errors:
        plan_files.save(out, result, force=force)
        click.echo(f"saved; to carry it out: ecrkeeper apply {out}", err=True)
    return status


@click.command()
@file_options(required=False)
@click.argument("registry", required=False, type=NameType("Registry"))
@click.option("--force", is_flag=True, help="Compare as `apply --force` would act.")
@render.output_option()
@pass_session
def diff(
    session: Session,
    paths: tuple[str, ...],
    recursive: bool,
    env: bool,
    registry: names.Name | None,
    force: bool,
    output: str,
) -> int:
    """Show the values that applying files would change.

    With REGISTRY, show how AWS differs from its declarations.

    The exit status is 0 if nothing differs, 2 if something does, and 1 for an error.
    """
    if bool(paths) == (registry is not None):
        raise click.UsageError("give files with -f, or the name of a registry")
    if registry is not None:
        return _drift(session, registry, output)
    return _ended(plan_all(session, Wanted(read(paths, recursive, env), force=force)), output, values=True)


def _ended(result: Result, output: str, *, values: bool) -> int:
    """Show a plan and return the exit status."""
    for line in result.errors:
        click.echo(line, err=True)
    if result.errors:
        return 1
    if output in ("json", "yaml"):
        render.show(plan_text.shape(result), output)
    elif output == "markdown":
        click.echo(plan_text.markdown(result))
    elif output == "name":
        click.echo("\n".join(item.name for item in result.items if item), nl=bool(result))
    else:
        for line in plan_text.lines(result, values=values):
            click.echo(line)
    return CHANGES if result else 0


def _drift(session: Session, registry: names.Name, output: str) -> int:
    from ecrkeeper._plans import Change
    from ecrkeeper.v1.registry_pb2 import Element

    parent = str(registry)
    elements = list(session.client.list_registry_elements(parent, "state = OUT_OF_SYNC OR state = REMOVING"))
    if output in ("json", "yaml"):
        render.show([render.as_json(each) for each in elements], output)
    elif output == "name":
        click.echo("\n".join(f"{each.setting} {each.key}" for each in elements), nl=bool(elements))
    elif output == "markdown":
        rows = [(each.setting, each.key, ", ".join(each.owners)) for each in elements]
        render.table(("setting", "element", "owners"), rows, output)
    else:
        width = plan_text.widths((each.setting, each.key) for each in elements)
        for each in elements:
            shape = render.as_json(each)
            removing = each.state == Element.State.REMOVING
            desired, observed = (None, shape.get("value")) if removing else (shape.get("value"), shape.get("observed"))
            kind = "REMOVE" if removing else "UPDATE" if observed is not None else "ADD"
            change = Change(kind, each.setting, each.key, observed, desired, 1, each.value_omitted)
            click.echo(plan_text.element_line(change, width, ", ".join(each.owners)))
            for line in plan_text.member_lines(change):
                click.echo(f"    {line}")
        differ = "differs" if len(elements) == 1 else "differ"
        summary = f"{plan_text.counted(len(elements), 'element')} {differ} from AWS" if elements else "no drift"
        click.echo(f"{short(parent)}: {summary}")
    return CHANGES if elements else 0
