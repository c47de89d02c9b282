"""Reading and printing of the configuration, and error output, for all commands."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ecrkeeper_files.plain_text import escaped

from ecrkeeper_server.config.settings import Config, ConfigError, load


def add(parser: argparse.ArgumentParser) -> None:
    """Add the option for a file."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file")


def read(options: argparse.Namespace) -> Config | None:
    """Return the configuration of the file and the environment.

    Print its errors and return None.
    """
    try:
        return load(options.config, os.environ)
    except ConfigError as error:
        complain(*error.errors)
        return None


def complain(*lines: str) -> None:
    """Print errors on standard error, with control characters escaped."""
    for line in lines:
        print(f"ecrkeeper-server: {escaped(line)}", file=sys.stderr)  # noqa: T201


# URL parameters that are useful and hold no secret.
_PLAIN = {"application_name", "connect_timeout", "host", "port", "sslmode", "target_session_attrs"}


def shown(config: Config) -> dict[str, Any]:
    """Return every setting by its name, without passwords and other secrets."""
    values = asdict(config)
    for name, value in values.items():
        if name.endswith("_url"):
            values[name] = _shown_url(value)
    return {**values, "aws_external_id": "…" if config.aws_external_id else ""}


def _shown_url(url: str) -> str:
    """Return a URL without user, password and parameter values except some plain ones."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "…"
    # An unquoted password with `/`, `?` or `#` would count as the part after the host.
    if "@" in url.replace(parts.netloc, "", 1):
        return f"{parts.scheme}://…"
    _, at, host = parts.netloc.rpartition("@")
    pairs = [pair.partition("=") for pair in parts.query.split("&") if pair]
    query = "&".join(f"{name}={value if name in _PLAIN else '…'}" for name, _, value in pairs)
    return f"{parts.scheme}://{'…@' if at else ''}{host}{parts.path}" + (f"?{query}" if query else "") if url else ""


def migrated(config: Config) -> bool:
    """Return whether there is a database with the newest schema.

    Print what is missing.
    """
    from ecrkeeper_server.store import schema

    missing = schema.missing_file(config.database_url)
    if missing is not None:
        complain(f"there is no database at {missing}")
        return False
    lacking = schema.lacks(config.database_url)
    if lacking:
        complain(lacking)
    return not lacking
