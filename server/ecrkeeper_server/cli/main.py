"""The command line of `ecrkeeper-server`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import sys
from pathlib import Path

from ecrkeeper_server.cli import api_files, check_access, configuration, export, iam_policy, restore
from ecrkeeper_server.config.settings import Config, ConfigError, load
from ecrkeeper_server.errors import StoreUnusable


class _Version(argparse.Action):
    """Looks up the version only for `--version`, because the lookup takes time."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print the version and exit."""
        from ecrkeeper_server.release import release

        print(f"ecrkeeper-server {release()}")  # noqa: T201
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ecrkeeper-server",
        description="Manages service-linked roles and registry settings of Amazon ECR.",
        epilog="Every setting has an environment variable, such as ECRKEEPER_LISTEN for `listen`.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("serve", "serve gRPC and reconcile, until SIGTERM"),
        ("migrate", "migrate the database to the newest schema"),
        ("check-config", "check the configuration and print it, without secrets"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--config", type=Path, metavar="FILE", help="a TOML file")
        command.add_argument(
            "--insecure", action="store_true", help="allow plaintext on an address that is not loopback"
        )
        command.add_argument("--role", choices=("all", "api", "engine"), help="which parts to run")
        command.set_defaults(run=None)
    for module in (api_files, check_access, iam_policy, export, restore):
        module.add(commands)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 2 for an invalid configuration, or without its database."""
    options = _parser().parse_args(arguments)
    try:
        status = _command(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Otherwise Python retries the write at exit, and prints a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        configuration.complain("standard output was closed before the end of the output")
        return 1
    except StoreUnusable as error:
        configuration.complain(str(error))
        return 2


def _command(options: argparse.Namespace) -> int:
    if options.run is not None:
        status: int = options.run(options)
        return status
    environment = dict(os.environ)
    if options.insecure:
        environment["ECRKEEPER_INSECURE"] = "true"
    if options.role:
        environment["ECRKEEPER_ROLE"] = options.role
    try:
        return _run(options.command, load(options.config, environment))
    except ConfigError as error:
        configuration.complain(*error.errors)
        return 2


def _run(command: str, config: Config) -> int:
    # Imported here: `--help` and `check-access` answer without loading gRPC and SQLAlchemy.
    if command == "migrate":
        from ecrkeeper_server.errors import StatusError
        from ecrkeeper_server.store import schema

        try:
            schema.migrate(config.database_url)
        except StatusError as error:
            configuration.complain(error.message)
            return 1
        return 0
    if command == "check-config":
        from ecrkeeper_server.aws_options import aws_options
        from ecrkeeper_server.cli.accounts import served
        from ecrkeeper_server.security import open_security

        options = aws_options(config)
        open_security(config)
        for name, value in configuration.shown(config).items():
            # In the form of the TOML file.
            print(f"{name} = {json.dumps(value, ensure_ascii=False)}")  # noqa: T201
        print(f"# serves {served(options)}")  # noqa: T201
        return 0
    return _serve(config)


def _serve(config: Config) -> int:
    # Imports leave almost no garbage, and collections take an eighth of the start; `app` enables
    # them again.
    gc.disable()
    from ecrkeeper_server import allocator

    # Before gRPC starts its threads, because a thread keeps the heap that it has got.
    allocator.return_memory()
    from ecrkeeper_server.aws import models

    models.load()
    # Before the import of any module that logs, because it determines how structlog is loaded.
    from ecrkeeper_server import logs, tracing

    logs.configure(config.log_level, config.log_format, *([tracing.log_ids] if config.tracing else []))
    from ecrkeeper_server import app
    from ecrkeeper_server.api.event_loop import new_event_loop
    from ecrkeeper_server.aws_options import aws_options
    from ecrkeeper_server.errors import StatusError
    from ecrkeeper_server.security import open_security
    from ecrkeeper_server.store.file_lock import locked

    options = aws_options(config)
    security = open_security(config)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(config.database_url))
            app.prepare(config)
        except StatusError as error:
            configuration.complain(error.message)
            return 1
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(app.serve(config, security, options))
    return 0
