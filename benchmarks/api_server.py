"""The server without its engine, also on SQLite, which the configuration forbids.

Run as `python -m benchmarks.api_server`, with the settings in the environment.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from ecrkeeper_server.cli.main import _run
from ecrkeeper_server.config.settings import load
from ecrkeeper_testing import Server


class ApiServer(Server):
    """That server in its own process."""

    command = (sys.executable, "-m", "benchmarks.api_server")


if __name__ == "__main__":
    sys.exit(_run("serve", replace(load(None, os.environ), role="api")))
