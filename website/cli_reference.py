"""The reference of the programs, from their own help."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import click
from ecrkeeper_cli.main import cli

_WIDTH = 100


def pages() -> dict[str, str]:
    """Return a page for each program."""
    return {
        "reference/ecrkeeper.md": _client(),
        "reference/ecrkeeper-server.md": _program("ecrkeeper-server"),
        "reference/ecrkeeper-sim.md": _program("ecrkeeper-sim"),
    }


def _client() -> str:
    with click.Context(cli, info_name="ecrkeeper", max_content_width=_WIDTH, terminal_width=_WIDTH) as context:
        parts = [_block("ecrkeeper", cli.get_help(context), 1)]
        for name in cli.list_commands(context):
            command = cli.get_command(context, name)
            if command is None or command.hidden:
                continue
            with click.Context(command, context, name, max_content_width=_WIDTH, terminal_width=_WIDTH) as inner:
                parts.append(_block(f"ecrkeeper {name}", command.get_help(inner), 2))
    return "\n".join(parts)


def _program(name: str) -> str:
    """Return the page of a program that uses argparse, with the help of its commands."""
    top = _help(name)
    listed = next((line for line in top.splitlines() if line.strip().startswith("{")), "")
    commands = [each for each in listed.strip().strip("{} .").rstrip("}").split(",") if each]
    parts = [_block(name, top, 1)]
    parts += [_block(f"{name} {command}", _help(name, command), 2) for command in commands]
    return "\n".join(parts)


def _help(name: str, *arguments: str) -> str:
    script = Path(sysconfig.get_path("scripts")) / name
    environment = {**os.environ, "COLUMNS": str(_WIDTH), "NO_COLOR": "1"}
    command = [sys.executable, str(script), *arguments, "--help"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout


def _block(title: str, text: str, level: int) -> str:
    return f"{'#' * level} {title}\n\n```text\n{text.rstrip()}\n```\n"
