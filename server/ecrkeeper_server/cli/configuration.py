"""The configuration of the commands that work on the store themselves."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ecrkeeper_server.config import Config, ConfigError, load


def add(parser: argparse.ArgumentParser) -> None:
    """Add the option for a file."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file")


def read(given: argparse.Namespace) -> Config | None:
    """The configuration of the file and the environment; None if it has faults, which are printed."""
    try:
        return load(given.config, os.environ)
    except ConfigError as error:
        complain(*error.faults)
        return None


def complain(*lines: str) -> None:
    """Say on standard error what is wrong."""
    for line in lines:
        print(f"ecrkeeper-server: {line}", file=sys.stderr)  # noqa: T201


def migrated(config: Config) -> bool:
    """Whether there is a database with the newest schema; says what is missing."""
    from ecrkeeper_server.store import schema

    missing = schema.missing_file(config.database_url)
    if missing is not None:
        complain(f"there is no database at {missing}")
        return False
    pending = schema.pending_migrations(config.database_url)
    if pending:
        complain(f"the database lacks the migrations {', '.join(pending)}; run `ecrkeeper-server migrate` first")
    return not pending
