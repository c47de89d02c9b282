"""Command line of the simulated AWS: `ecrkeeper-sim --host 127.0.0.1 --port 4566`."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

from ecrkeeper_sim.server import serve


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="ecrkeeper-sim", description="A simulated AWS for Amazon ECR settings.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=4566, help="port; 0 picks a free one (default: %(default)s)")
    parser.add_argument(
        "--default-account",
        default="000000000000",
        help="account of access keys that name none (default: %(default)s)",
    )
    parser.add_argument(
        "--iam-policy", type=Path, metavar="FILE", help="a policy that is enforced for assumed roles in all accounts"
    )
    options = parser.parse_args(arguments)
    try:
        policy = json.loads(options.iam_policy.read_text()) if options.iam_policy else None
    except (OSError, ValueError) as error:
        parser.error(f"--iam-policy: {error}")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        uvloop.run(_serve(options.host, options.port, options.default_account, policy))
    except OSError as error:
        parser.exit(1, f"{parser.prog}: cannot listen on {options.host}:{options.port}: {error.strerror}\n")


async def _serve(host: str, port: int, default_account: str, iam_policy: Any) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with serve(port, host=host, default_account=default_account, iam_policy=iam_policy) as simulator:
        print(f"listening on {simulator.url}", flush=True)
        await stop.wait()
