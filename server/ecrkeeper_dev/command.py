"""The command `ecrkeeper dev`."""

from __future__ import annotations

import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import click

# The modules that the extra `local` adds to the command line; some may be there for other reasons.
_NEEDED = ("aiohttp", "alembic", "boto3", "grpc_health", "jinja2", "protovalidate", "sqlalchemy", "structlog", "uvloop")
for _name in _NEEDED:
    if find_spec(_name) is None:
        raise ImportError(f"no module {_name}", name=_name)


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=50051, show_default=True, help="The port of the server.")
@click.option(
    "--aws-port", type=click.IntRange(0, 65535), default=4566, show_default=True, help="The port of the simulated AWS."
)
@click.option(
    "--http-port", type=click.IntRange(0, 65535), default=0, help="The port of the console; any free one by default."
)
@click.option("--tls", is_flag=True, help="Make a CA and a certificate, and serve TLS.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the state of the server and of the simulated AWS in this folder.",
)
@click.option("--example/--no-example", default=True, show_default=True, help="Declare the example of two teams.")
@click.option("--profile", "profile_name", default="dev", show_default=True, help="The profile that is written.")
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="error", help="Of the log."
)
def dev(
    port: int,
    aws_port: int,
    http_port: int,
    tls: bool,
    data: Path | None,
    example: bool,
    profile_name: str,
    log_level: str,
) -> int:
    """Run a simulated AWS and a server with an example in this process, until Ctrl-C.

    The profile `dev` is written, so `ecrkeeper status` works in the next terminal. No AWS account is needed, and none
    is called.
    """
    from ecrkeeper_dev.local import Local, run

    # The server has a handler of its own as soon as it listens.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run(Local(port, aws_port, http_port, tls, data, example, profile_name, log_level))
    except OSError as error:
        click.echo(f"error: {error}", err=True)
        return 1
    finally:
        sys.stdout.flush()
