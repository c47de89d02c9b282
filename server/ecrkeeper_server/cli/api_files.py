"""The command that prints the descriptions of the API, for tools that call it."""

from __future__ import annotations

import argparse
import sys
from importlib.resources import files
from typing import Any

_FILES = {"descriptors": "descriptors.binpb", "openapi": "openapi.json"}


def add(commands: Any) -> None:
    """Add the command."""
    text = "print the description of the API: protobuf descriptors, or an OpenAPI document of the HTTP port"
    command = commands.add_parser("api", help=text, description=text)
    command.add_argument("format", choices=tuple(_FILES), help="binary protobuf descriptors, or OpenAPI in JSON")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the file that the package has."""
    content = files("ecrkeeper_server.api").joinpath(_FILES[options.format]).read_bytes()
    sys.stdout.buffer.write(content)
    return 0
