"""The fixtures of the command line's tests, for hand-overs."""

from __future__ import annotations

from tests.cli.conftest import account, cli, command, live

__all__ = ["account", "cli", "command", "live"]
