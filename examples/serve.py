"""The simulated AWS and the server with the example declared, until Ctrl-C.

`--sim-port`, `--listen` and `--metrics` change the default addresses.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
from pathlib import Path

import ecrkeeper
from apply import apply
from demo import lines_to_try, terminated
from screen import note, say
from stack import Stack, running
from world import World, limit_rights, make_secret, read_declarations, wait_in_sync

_RESYNC_SECONDS = 60.0
_POLL_SECONDS = 1.0


def _declare(stack: Stack) -> str:
    """Declare the example.

    Returns the ARN of the secret that its cache rule logs in with.
    """
    limit_rights(stack)
    with ecrkeeper.Client(stack.target, insecure=True) as client:
        secret = make_secret(stack)
        world = World(stack, client, read_declarations(secret))
        apply(client, world.declarations, reason="the example")
        wait_in_sync(world, world.registries())
    return secret


def _explain(stack: Stack, folder: Path, secret: str) -> None:
    say("\nThe example in examples/two-accounts is declared. Try in another terminal:\n")
    for line in lines_to_try(stack.target):
        say(f"  {line}")
    say("\nThe declarations again, after a change of yours in these files:\n")
    say(f"  DOCKER_HUB_SECRET_ARN={secret} \\")
    say(f"    .venv/bin/python examples/apply.py --insecure --target {stack.target} examples/two-accounts/*.yaml\n")
    say("AWS as account 111111111111, for out-of-band changes:\n")
    say("  AWS_ACCESS_KEY_ID=111111111111 AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1 \\")
    say(f"    .venv/bin/aws --endpoint-url {stack.aws_url} ecr describe-registry\n")
    note(f"state is kept in {folder} until Ctrl-C; the server observes AWS every {_RESYNC_SECONDS:.0f} s")


def _wait(stack: Stack, stopping: threading.Event) -> int:
    while not stopping.wait(_POLL_SECONDS):
        for name, child in stack.children.items():
            if child.poll() is not None:
                say(f"{name} ended with exit status {child.returncode}")
                return 1
    say("stopping")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run a simulated AWS and ecrkeeper with the example declared.")
    parser.add_argument("--sim-port", type=int, default=4566, help="the port of the simulated AWS (%(default)s)")
    parser.add_argument("--listen", default="127.0.0.1:50051", help="the address for gRPC (%(default)s)")
    parser.add_argument("--metrics", default="127.0.0.1:9464", help="the address for probes (%(default)s)")
    return parser.parse_args()


def main() -> int:
    """Serve until SIGINT or SIGTERM; 1 if a process does not start or ends by itself."""
    arguments = _arguments()
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, terminated)
    with tempfile.TemporaryDirectory(prefix="ecrkeeper-serve-") as name:
        folder = Path(name)
        try:
            with running(
                folder,
                sim_port=arguments.sim_port,
                listen=arguments.listen,
                metrics=arguments.metrics,
                resync=_RESYNC_SECONDS,
            ) as stack:
                _explain(stack, folder, _declare(stack))
                for number in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(number, lambda *_: stopping.set())
                return _wait(stack, stopping)
        except KeyboardInterrupt:
            return 130
        except (RuntimeError, ecrkeeper.RegistryError) as error:
            say(f"serve: {error}")
            return 1


if __name__ == "__main__":
    sys.exit(main())
