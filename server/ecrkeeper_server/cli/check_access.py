"""`ecrkeeper-server check-access`: explain a decision of the policy file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ecrkeeper_files.plain_text import is_plain_name

from ecrkeeper_server.access.policy import Principal, Target, Verb, decide
from ecrkeeper_server.cli import configuration
from ecrkeeper_server.errors import InvalidArgument
from ecrkeeper_server.names import RegistryName, SettingsName, is_account, partition_of, shown

# No token and no certificate has a longer name.
_MAX = 512
_TEXT = (
    "Print whether a policy allows an action, and the rule that allows it or why no rule does. "
    "The exit status is 0 if it is allowed, 1 if it is denied, 2 if the policy or the arguments have errors."
)


def add(commands: Any) -> None:
    """Add the command to the command line."""
    command: argparse.ArgumentParser = commands.add_parser(
        "check-access", help="explain what a policy file allows", description=_TEXT
    )
    command.add_argument("--policy", type=Path, required=True, metavar="FILE", help="the policy file")
    command.add_argument("--principal", required=True, metavar="NAME", help="the name in a token or certificate")
    command.add_argument(
        "--group", action="append", default=[], metavar="NAME", help="a group of the token; repeatable"
    )
    command.add_argument("--verb", required=True, choices=[verb.value for verb in Verb])
    command.add_argument("--account", default="", help="12 digits; omit for the whole installation")
    command.add_argument("--region", default="", help="omit for the resources of the account, such as a role")
    command.add_argument("--owner", default="", help="omit for the registry as a whole, of all owners")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the decision, and return it as the exit status."""
    errors = _questionable(options)
    if errors:
        configuration.complain(*errors)
        return 2
    from ecrkeeper_server.access.policy_file import MAX_BYTES, PolicyError, parse

    try:
        with options.policy.open("rb") as file:
            policy = parse(file.read(MAX_BYTES + 1))
    except OSError as error:
        return _errors(options.policy, [error.strerror or str(error)])
    except PolicyError as error:
        return _errors(options.policy, error.errors)
    target = Target(options.account, options.region, options.owner)
    decision = decide(policy, Principal(options.principal, frozenset(options.group)), Verb(options.verb), target)
    print("allowed" if decision.allowed else f"denied: {options.principal!r} may not {options.verb} {target}")  # noqa: T201
    for reason in decision.reasons:
        print(f"  {reason}")  # noqa: T201
    return 0 if decision.allowed else 1


def _questionable(options: argparse.Namespace) -> list[str]:
    """Return the errors of the target: an answer for an invalid target would mislead."""
    errors = [
        f"{option}: must be 1 to {_MAX} visible characters without blanks around them, got {shown(name)}"
        for option, name in (("--principal", options.principal), *(("--group", group) for group in options.group))
        if not is_plain_name(name, _MAX)
    ]
    if options.account and not is_account(options.account):
        errors.append(f"--account: must be 12 digits, got {shown(options.account)}")
    if options.region and partition_of(options.region) is None:
        errors.append(f"--region: must be an AWS Region such as us-east-1, got {shown(options.region)}")
    if options.owner:
        try:
            SettingsName.of(RegistryName(options.account, options.region), options.owner, "--owner")
        except InvalidArgument as error:
            errors += [f"{violation.field}: {violation.description}" for violation in error.violations]
    if options.region and not options.account:
        errors.append("--region: needs --account")
    if options.owner and not (options.account and options.region):
        errors.append("--owner: needs --account and --region")
    return errors


def _errors(path: Path, errors: list[str]) -> int:
    configuration.complain(*(f"{path}: {error}" for error in errors))
    return 2
