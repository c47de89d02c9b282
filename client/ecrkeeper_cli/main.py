"""The command line: its options, and how it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from ecrkeeper_cli.commands import Commands
from ecrkeeper_cli.session import Session

_HELP = """Declare the private-registry settings and service-linked roles of Amazon ECR, and see what AWS has.

A profile says which server is called: see `ecrkeeper profiles --help`. NAME is a full name such as
accounts/111111111111/registries/us-east-1, or short: 111111111111/us-east-1 is a registry,
111111111111/us-east-1/team-a what team-a declares for it, and 111111111111/replication a role.

The exit status is 0 if all went well and 1 for an error. `plan` and `diff` end with 2 if something would change.
"""


def _version(ctx: click.Context, _: click.Parameter, requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        click.echo(f"ecrkeeper {version('ecrkeeper')}")
        ctx.exit()


@click.group(
    cls=Commands, help=_HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option("--profile", metavar="NAME", help="The profile to use.")
@click.option("--config", metavar="FILE", help="The file with the profiles.")
@click.option("--target", metavar="HOST:PORT", help="The server, instead of that of a profile.")
@click.option("--plaintext/--tls", default=None, help="Call without or with TLS.")
@click.option("--ca-file", metavar="FILE", help="The CA of the server's certificate.")
@click.option("--token-file", metavar="FILE", help="The file with the bearer token.")
@click.option("--timeout", type=float, metavar="SECONDS", help="The time for each call.")
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Print the version."
)
@click.pass_context
def cli(ctx: click.Context, /, profile: str | None, config: str | None, **overrides: Any) -> None:
    """Keep what all commands need; `_HELP` is what people read."""
    session: Session = ctx.obj
    session.command = ctx.invoked_subcommand or ""
    session.choose(profile or "", config, {name: value for name, value in overrides.items() if value is not None})
    ctx.call_on_close(session.close)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    session = Session()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = cli.main(words, "ecrkeeper", standalone_mode=False, obj=session)
        sys.stdout.flush()
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.UsageError as error:
        error.show()
        return 1
    except click.ClickException as error:
        from ecrkeeper_cli.failures import error_line

        click.echo(error_line(error.message), err=True)
        return 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except BrokenPipeError:
        # Or Python tries once more to write what is left, and complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        from ecrkeeper_cli.failures import lines

        messages = lines(error, session)
        if messages is None:
            raise
        for line in messages:
            click.echo(line, err=True)
        return 1
    return status if isinstance(status, int) else 0
