"""A demonstration against a simulated AWS.

Exits with 0 only if every outcome is right.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ecrkeeper
import role_steps
import settings_steps
from screen import checked, note, say, step
from stack import running
from world import CENTRAL, HOME, World, limit_rights, make_secret, read_declarations

_RESYNC_SECONDS = 4.0
_STEPS: list[tuple[str, Callable[[World], None]]] = [
    ("Two teams declare their settings on shared registries", settings_steps.declare),
    ("One AWS document holds what both teams declared", settings_steps.share),
    ("A team cannot take over what another team declares", settings_steps.clash),
    ("ECR made the replication role by itself", role_steps.auto_created),
    ("Somebody changes a rule directly in AWS", settings_steps.drift),
    ("The replication role cannot be deleted while Regions use it", role_steps.refused),
    ("Both teams end their replication", role_steps.empty_replication),
    ("Now the role is deleted for real", role_steps.deleted),
]


def lines_to_try(target: str) -> list[str]:
    """Return commands and calls to try by hand."""
    command, begin = f".venv/bin/ecrkeeper --plaintext --target {target}", ".venv/bin/grpcurl -plaintext"
    registry = f'{{"name": "accounts/{CENTRAL}/registries/{HOME}", "refresh": true}}'
    role = f'{{"name": "accounts/{CENTRAL}/serviceLinkedRoles/replication"}}'
    return [
        f"{command} status",
        f"{command} describe {CENTRAL}/{HOME}",
        f"{begin} {target} describe ecrkeeper.v1.RegistrySettingsService",
        f"{begin} -d '{registry}' {target} ecrkeeper.v1.RegistrySettingsService/GetRegistry",
        f"{begin} -d '{role}' {target} ecrkeeper.v1.RoleService/CheckServiceLinkedRoleUsage",
    ]


def _run(folder: Path) -> None:
    begun = time.monotonic()
    with contextlib.ExitStack() as opened:
        with step(1, "Start a simulated AWS and the server"):
            stack = opened.enter_context(running(folder, resync=_RESYNC_SECONDS))
            client = opened.enter_context(ecrkeeper.Client(stack.target, insecure=True))
            limit_rights(stack)
            secret = make_secret(stack)
            note(f"simulated AWS at {stack.aws_url}, ecrkeeper at {stack.target}")
            note("in both accounts the server has only the permissions that ecrkeeper-server iam-policy prints")
            checked(f"the login for Docker Hub is the secret {secret.rpartition(':')[2]}")
        world = World(stack, client, read_declarations(secret))
        for number, (title, act) in enumerate(_STEPS, start=2):
            with step(number, title):
                act(world)
    say(f"\nAll {len(_STEPS) + 1} steps had the outcome they must have, in {time.monotonic() - begun:.0f} s.")
    say("Both processes are stopped. `make serve` leaves a server with the same example running; try there:\n")
    for line in lines_to_try("127.0.0.1:50051"):
        say(f"  {line}")


def _logs(folder: Path) -> None:
    for path in sorted(folder.glob("*.log")):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
        say(f"\n--- the end of {path.name} ---")
        say("\n".join(line[:500] for line in lines))


def terminated(*_: Any) -> None:
    """End the program in order, as a handler of SIGTERM."""
    raise SystemExit(143)


def main() -> int:
    """Run all steps; return 1 for a wrong outcome."""
    signal.signal(signal.SIGTERM, terminated)
    with tempfile.TemporaryDirectory(prefix="ecrkeeper-demo-") as folder:
        try:
            _run(Path(folder))
        except KeyboardInterrupt:
            say("\nstopped")
            return 130
        except Exception as error:
            _logs(Path(folder))
            say(f"\nThe demo failed: {type(error).__name__}: {error}")
            for violation in getattr(error, "violations", ()):
                say(f"  {violation}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
