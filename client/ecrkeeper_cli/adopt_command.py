"""`adopt`: take over from Terraform or CloudFormation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from ecrkeeper_files.sources import Errors

from ecrkeeper_cli.failures import rejected
from ecrkeeper_cli.options import wait_option
from ecrkeeper_cli.resources import short
from ecrkeeper_cli.session import Session, pass_session

if TYPE_CHECKING:
    from ecrkeeper_cli.adopt.parts import Adopted

DECLARATIONS = "declarations.yaml"
_OWNER = click.option("--owner", required=True, metavar="NAME", help="The owner of the declarations.")
_OUT = click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="The folder for the files.",
)  # fmt: skip
_REASON = click.option("--reason", default="", help="Why; kept with the revision and in the audit trail.")


@click.group(invoke_without_command=True)
@click.option(
    "--confirm", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
    help="Enforce what was written to DIR, and prove that nothing was written to AWS.",
)  # fmt: skip
@wait_option()
@click.pass_context
def adopt(ctx: click.Context, /, confirm: Path | None, wait_timeout: float) -> int:
    """Take over from Terraform or CloudFormation without a write to AWS.

    `adopt terraform` and `adopt cloudformation` compare a state or a template with AWS, write declarations and what
    makes the other tool forget its resources, and declare them in registries that are only observed. If a value
    differs, nothing is written. `adopt --confirm DIR` then enforces the declarations, and prints the commands that look
    for writes of ecrkeeper in CloudTrail.
    """
    if ctx.invoked_subcommand is not None:
        if confirm is not None:
            raise click.UsageError("--confirm takes no command")
        return 0
    if confirm is None:
        raise click.UsageError("give a command, or --confirm DIR")
    from ecrkeeper_cli.adopt.confirm import confirmed

    return confirmed(ctx.obj, confirm / DECLARATIONS, wait_timeout)


@adopt.command()
@click.argument("state", type=click.File("rb"))
@_OWNER
@_OUT
@click.option("--account", default="", help="The account of resources whose state does not say it.")
@click.option(
    "--region", "regions", multiple=True, metavar="[WHERE=]REGION",
    help="The Region where the state does not say it (provider 5); WHERE is aws.ALIAS, a module or a resource.",
)  # fmt: skip
@_REASON
@pass_session
def terraform(
    session: Session, state: Any, owner: str, out: Path, account: str, regions: tuple[str, ...], reason: str
) -> int:
    """Take over the resources of a Terraform or OpenTofu state.

    STATE is the output of `terraform show -json`, or of `terraform state pull`; - is standard input.
    """
    from ecrkeeper_cli.adopt.places import Places
    from ecrkeeper_cli.adopt.removed import OLD_OPENTOFU, removed_files
    from ecrkeeper_cli.adopt.state import instances
    from ecrkeeper_cli.adopt.terraform import adopted

    documents, forgotten = adopted(instances(_text(state), state.name), owner, Places.of(account, regions))
    status = _adopt(session, documents, out, removed_files(forgotten), reason)
    if status == 0:
        click.echo(f"next: replace the resource blocks by {out / 'removed.tf'} and apply; it forgets them,")
        click.echo(f"      and destroys nothing. For OpenTofu 1.7 to 1.9, use the file in {OLD_OPENTOFU}/.")
        click.echo(f"then: ecrkeeper adopt --confirm {out}")
    return status


@adopt.command()
@click.argument("template", type=click.File("rb"))
@_OWNER
@_OUT
@click.option("--account", required=True, help="The account of the stack.")
@click.option("--region", required=True, help="The Region of the stack.")
@click.option("--partition", default="aws", show_default=True, help="The partition of the stack.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter of the stack.")
@_REASON
@pass_session
def cloudformation(
    session: Session,
    template: Any,
    owner: str,
    out: Path,
    account: str,
    region: str,
    partition: str,
    parameters: tuple[str, ...],
    reason: str,
) -> int:
    """Take over the resources of a CloudFormation template.

    TEMPLATE is JSON or YAML, after its transforms; - is standard input.
    """
    from ecrkeeper_cli.adopt.cloudformation import adopted, retaining
    from ecrkeeper_cli.adopt.places import Places
    from ecrkeeper_cli.adopt.template import parameters_of, template_of

    Places.of(account, [region])
    content = template_of(_text(template), template.name)
    values = parameters_of(content, parameters, account, region, partition)
    documents, retained = adopted(content, values, owner, account, region)
    files = retaining(content, retained)
    status = _adopt(session, documents, out, files, reason)
    if status == 0:
        after = f"then with {out / '2-without.json'}" if len(files) > 1 else "then delete the stack"
        click.echo(f"next: update the stack with {out / '1-retain.json'}, {after}; AWS keeps the resources")
        click.echo(f"then: ecrkeeper adopt --confirm {out}")
    return status


def _text(file: Any) -> str:
    try:
        return str(file.read().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Errors([f"{file.name}: not UTF-8: {error}"]) from error


def _adopt(session: Session, adopted: Adopted, out: Path, files: Mapping[str, str], reason: str) -> int:
    """Compare, write the files and declare.

    Everything is compared before the first write.
    """
    from ecrkeeper_cli.adopt.proof import checked, counted, declare

    errors: list[str] = []
    documents = checked(session.client, adopted, errors)
    if errors:
        return rejected(errors, "nothing was written")
    _write(out, adopted, files)
    declare(session.client, documents, reason)
    for each in adopted.declarations:
        click.echo(f"{short(each.name)}: {counted(session.client, each, adopted, errors)}")
    for role in adopted.roles:
        click.echo(f"{short(role.name)}: AWS has it as declared")
    if errors:
        return rejected(
            errors, "AWS changed meanwhile; the registries are only observed, and nothing was written to AWS"
        )
    click.echo(f"files: {', '.join(str(out / name) for name in (DECLARATIONS, *files))}")
    return 0


def _write(out: Path, documents: Adopted, files: Mapping[str, str]) -> None:
    from ecrkeeper_files.written import dump

    out.mkdir(parents=True, exist_ok=True)
    with (out / DECLARATIONS).open("wb") as file:
        for document in documents.readable:
            dump(document, file)
    for name, text in files.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text(text, encoding="utf-8")
