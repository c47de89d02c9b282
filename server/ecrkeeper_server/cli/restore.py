"""`ecrkeeper-server import`: store declarations from YAML.

The command checks all documents before it writes the first one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

from ecrkeeper_server.cli import configuration
from ecrkeeper_server.cli.file_import import FileImport, absent
from ecrkeeper_server.config.settings import Config
from ecrkeeper_server.errors import StatusError
from ecrkeeper_server.names import SettingsName


def add(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    text = "store the declarations of a YAML file from `export`"
    parser = commands.add_parser("import", help=text, description=text)
    configuration.add(parser)
    parser.add_argument("file", metavar="FILE", help="the file, or - for standard input")
    parser.add_argument(
        "--dry-run", action="store_true", help="run every check and print the changes, without changing anything"
    )
    parser.add_argument("--as-owner", default="", metavar="OWNER", help="declare all settings as this owner instead")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Import; return 2 for an invalid configuration, 1 for an invalid file.

    An invalid file changes nothing. If the store fails during the import, the command returns 1 and
    has written a part of the file; a repetition writes the rest.
    """
    config = configuration.read(options)
    if config is None:
        return 2
    try:
        if options.as_owner:
            _check_owner(options.as_owner)
        with _seekable(options.file) as source, _locked(config, options):
            return asyncio.run(FileImport(config, options, source).run()) if _prepared(config, options) else 1
    except (OSError, StatusError) as error:
        configuration.complain(str(error))
        return 1


def _check_owner(owner: str) -> None:
    SettingsName.parse(f"accounts/{'0' * 12}/registries/us-east-1/settings/{owner}", "--as-owner")


def _locked(config: Config, options: argparse.Namespace) -> contextlib.AbstractContextManager[None]:
    from ecrkeeper_server.store.file_lock import locked

    return contextlib.nullcontext() if options.dry_run else locked(config.database_url)


def _prepared(config: Config, options: argparse.Namespace) -> bool:
    """Create and migrate an SQLite file, as `serve` does, except in a dry run.

    `migrate` does that for Postgres.
    """
    from ecrkeeper_server.store import schema

    if options.dry_run:
        return absent(config) or configuration.migrated(config)
    if schema.is_sqlite(config.database_url):
        schema.migrate(config.database_url)
    return configuration.migrated(config)


def _seekable(name: str) -> IO[bytes]:
    """Return the file.

    Copies standard input to a temporary file, because the command reads it twice.
    """
    if name != "-":
        return Path(name).open("rb")
    spooled = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    shutil.copyfileobj(sys.stdin.buffer, spooled)
    spooled.seek(0)
    return spooled
