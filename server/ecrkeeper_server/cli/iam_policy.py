"""`ecrkeeper-server iam-policy`: print the permissions that the server needs."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from typing import Any

from ecrkeeper_server.cli import arguments, configuration
from ecrkeeper_server.iam_policy import events_stack, stackset
from ecrkeeper_server.iam_policy.policy import Scope, policy
from ecrkeeper_server.names import PARTITIONS
from ecrkeeper_server.settings.table import SETTINGS

_EPILOG = """
policy     permissions of the assumed role
trust      trust policy of that role (needs --principal)
caller     permissions of the server's own principal: to assume that role
stackset   a CloudFormation template of the role, for all accounts at once
events-stackset   a template of the rules that send events to the central bus, for each account and Region
events-central    a template of the central bus, its queue and the queue's key
"""


def add(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    text = "print the IAM policy that the server needs in each account"
    parser = commands.add_parser(
        "iam-policy", help=text, description=text, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(run=run)
    parser.add_argument("--mode", choices=("enforce", "observe"), default="enforce", help="default: %(default)s")
    parser.add_argument("--settings", type=_settings, default=tuple(SETTINGS), metavar="NAME,…", help=_settings_help())
    parser.add_argument("--account", type=arguments.account, help="12 digits; default: any account")
    parser.add_argument("--partition", choices=PARTITIONS, default="aws", help="default: %(default)s")
    parser.add_argument("--principal", type=_principal, help="ARN of the principal that the server runs as")
    parser.add_argument("--external-id", default="", help="as in ECRKEEPER_AWS_EXTERNAL_ID")
    parser.add_argument("--role-name", type=_role_name, default="ecrkeeper", help="default: %(default)s")
    parser.add_argument(
        "--custom-roles",
        type=_custom_roles,
        default="*",
        metavar="PATH",
        help="roles that cache rules and templates may name, such as ecr-custom/*; default: any, passed to ECR only",
    )
    parser.add_argument(
        "--basic-scanning-only",
        action="store_true",
        help="omit the permissions of Amazon Inspector that ENHANCED scanning needs",
    )
    parser.add_argument(
        "--event-queue", action="append", default=[], type=_arn, metavar="ARN", help="a queue of --format caller"
    )
    parser.add_argument(
        "--event-key", action="append", default=[], type=_arn, metavar="ARN", help="the key of such a queue"
    )
    parser.add_argument("--format", choices=tuple(_FORMATS), default="policy", help="default: %(default)s")


def run(options: argparse.Namespace) -> int:
    """Print the document; return 2 for invalid arguments."""
    if options.format == "trust" and not options.principal:
        configuration.complain("--format trust needs --principal")
        return 2
    if options.principal and not options.principal.startswith(f"arn:{options.partition}:"):
        configuration.complain(f"--principal: must be of the partition {options.partition}")
        return 2
    scope = Scope(
        settings=options.settings,
        enforce=options.mode == "enforce",
        partition=options.partition,
        account=options.account or "*",
        custom_roles=options.custom_roles,
        enhanced_scanning=not options.basic_scanning_only,
    )
    print(_FORMATS[options.format](scope, options))  # noqa: T201
    return 0


def _json(document: Any) -> str:
    return json.dumps(document, indent=2)


def _stackset(scope: Scope, options: argparse.Namespace) -> str:
    template = stackset.template(
        scope, role_name=options.role_name, principal=options.principal or "", external_id=options.external_id
    )
    return _yaml(template)


def _yaml(document: Any) -> str:
    import yaml

    # A copy by way of JSON shares nothing, so there are no aliases, which CloudFormation does not read.
    text: str = yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=False, width=120)
    return text.rstrip()


_FORMATS: dict[str, Callable[[Scope, argparse.Namespace], str]] = {
    "policy": lambda scope, _: _json(policy(scope)),
    "trust": lambda _, options: _json(stackset.trust(options.principal, options.external_id)),
    "caller": lambda scope, options: _json(
        stackset.caller(scope.partition, options.role_name, options.event_queue, options.event_key)
    ),
    "stackset": _stackset,
    "events-stackset": lambda scope, _: _yaml(events_stack.sources(scope)),
    "events-central": lambda scope, _: _yaml(events_stack.central()),
}


def _settings_help() -> str:
    return f"only these settings; all are {', '.join(SETTINGS)}"


def _settings(text: str) -> tuple[str, ...]:
    names = text.split(",")
    unknown = [name for name in names if name not in SETTINGS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"unknown setting {', '.join(map(repr, unknown))}; known settings are {', '.join(SETTINGS)}"
        )
    return tuple(name for name in SETTINGS if name in names)


def _principal(text: str) -> str:
    if not re.fullmatch(
        r"arn:aws[a-z-]*:(?:iam|sts)::[0-9]{12}:(?:root|(?:role|user|assumed-role)/[\w+=,.@/-]+)", text, re.ASCII
    ):
        raise argparse.ArgumentTypeError(f"must be the ARN of a role, a user or an account's root, got {text!r}")
    return text


def _arn(text: str) -> str:
    if not re.fullmatch(r"arn:aws[a-z-]*:(?:sqs|kms):[a-z0-9-]+:[0-9]{12}:[\w/-]+", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"must be the ARN of a queue or a key, got {text!r}")
    return text


def _role_name(text: str) -> str:
    if not re.fullmatch(r"[\w+=,.@-]{1,64}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"must be 1 to 64 of letters, digits and +=,.@-_, got {text!r}")
    return text


def _custom_roles(text: str) -> str:
    if not re.fullmatch(r"[\w+=,.@/*?-]{1,512}", text, re.ASCII) or text.startswith("/"):
        raise argparse.ArgumentTypeError(f"must be a role's path and name, such as ecr-custom/*, got {text!r}")
    return text
