"""`ecrkeeper-server export`: print all declarations as YAML."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from ecrkeeper_server.cli import arguments, configuration
from ecrkeeper_server.config.settings import Config
from ecrkeeper_server.names import WILDCARD


def add(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    text = "write all declarations as YAML to standard output"
    parser = commands.add_parser("export", help=text, description=text)
    configuration.add(parser)
    parser.add_argument("--account", type=arguments.account, help="12 digits; default: all accounts")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Export; return 2 for an invalid configuration, 1 for an unreadable database."""
    config = configuration.read(options)
    if config is None:
        return 2
    from ecrkeeper_server.errors import StatusError

    if not configuration.migrated(config):
        return 1
    try:
        count = asyncio.run(_export(config, options.account or WILDCARD))
    except StatusError as error:
        configuration.complain(error.message)
        return 1
    print(f"exported {count} documents", file=sys.stderr)  # noqa: T201
    return 0


async def _export(config: Config, account: str) -> int:
    from ecrkeeper_server.backup import stream
    from ecrkeeper_server.backup.export import exported
    from ecrkeeper_server.store import schema

    db = schema.open_database(config.database_url, pool_size=2)
    try:
        writer = stream.Writer(sys.stdout.buffer)
        async for document in exported(db, account):
            writer.write(document.to_json())
        writer.end()
        return writer.count
    finally:
        await db.close()
