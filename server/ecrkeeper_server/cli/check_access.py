"""`ecrkeeper-server check-access`: what a policy says to one question, and why."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ecrkeeper_server.access.policy import Principal, Target, Verb, decide

_TEXT = (
    "Say whether a policy allows something, by which rule, or why no rule does. The exit status is 0 if it is allowed, "
    "1 if it is denied, 2 if the policy has faults."
)


def add(commands: Any) -> None:
    """Add the command to the command line."""
    command: argparse.ArgumentParser = commands.add_parser(
        "check-access", help="explain what a policy file allows", description=_TEXT
    )
    command.add_argument("--policy", type=Path, required=True, metavar="FILE", help="the policy file")
    command.add_argument(
        "--principal", required=True, metavar="NAME", help="the name that a token or certificate proves"
    )
    command.add_argument(
        "--group", action="append", default=[], metavar="NAME", help="a group of the token; repeatable"
    )
    command.add_argument("--verb", required=True, choices=[verb.value for verb in Verb])
    command.add_argument("--account", default="", help="12 digits; left out: the installation as a whole")
    command.add_argument("--region", default="", help="left out: what belongs to the account, such as a role")
    command.add_argument("--owner", default="", help="left out: the registry as a whole, of all owners")
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Answer; the exit status says it too."""
    from ecrkeeper_server.access.policy_file import MAX_BYTES, PolicyError, parse

    try:
        with given.policy.open("rb") as file:
            policy = parse(file.read(MAX_BYTES + 1))
    except OSError as error:
        return _faults(given.policy, [error.strerror or str(error)])
    except PolicyError as error:
        return _faults(given.policy, error.faults)
    target = Target(given.account, given.region, given.owner)
    decision = decide(policy, Principal(given.principal, frozenset(given.group)), Verb(given.verb), target)
    print("allowed" if decision.allowed else f"denied: {given.principal!r} may not {given.verb} {target}")  # noqa: T201
    for reason in decision.reasons:
        print(f"  {reason}")  # noqa: T201
    return 0 if decision.allowed else 1


def _faults(path: Path, faults: list[str]) -> int:
    for fault in faults:
        print(f"ecrkeeper-server: {path}: {fault}", file=sys.stderr)  # noqa: T201
    return 2
