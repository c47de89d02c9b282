"""Apply declaration files to a running ecrkeeper and wait until AWS matches them.

`ecrkeeper apply` does more; this shows how a program uses the client and the files. `${NAME}` stands for
an environment variable:

    export DOCKER_HUB_SECRET_ARN=arn:aws:secretsmanager:us-east-1:111111111111:secret:ecr-pullthroughcache/docker-hub
    python examples/apply.py --insecure --target 127.0.0.1:50051 examples/two-accounts/*.yaml
    python examples/apply.py --ca ca.crt --token-env TOKEN --target ecrkeeper.internal:443 FILE...
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import ecrkeeper
import grpc
from ecrkeeper_files import documents
from ecrkeeper_files.documents import Declaration
from ecrkeeper_files.sources import Errors, Text


def load(path: Path, variables: Mapping[str, str]) -> list[Declaration]:
    """Return the declarations of one file.

    Errors names everything that is wrong with it.
    """
    return list(documents.read([Text(str(path), path.read_bytes(), variables)]).declarations)


def apply(client: ecrkeeper.Client, declarations: Iterable[Declaration], reason: str = "") -> None:
    """Apply each declaration."""
    for declaration in declarations:
        client.apply_registry_settings(declaration.name, declaration.settings, reason=reason)


def connect(arguments: argparse.Namespace, variables: Mapping[str, str]) -> ecrkeeper.Client:
    """Return a client for the arguments; ValueError for a missing token."""
    if arguments.token_env and not variables.get(arguments.token_env):
        raise ValueError(f"--token-env: the variable {arguments.token_env} is not set")
    token = variables[arguments.token_env] if arguments.token_env else None
    credentials = grpc.ssl_channel_credentials(arguments.ca.read_bytes()) if arguments.ca else None
    return ecrkeeper.Client(arguments.target, insecure=arguments.insecure, credentials=credentials, token=token)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Apply declaration files and wait until AWS matches them.")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--target", default="127.0.0.1:50051")
    parser.add_argument("--insecure", action="store_true", help="plaintext instead of TLS")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="the CA of the server; default: those of the system")
    parser.add_argument("--token-env", default="", metavar="NAME", help="the variable that holds a bearer token")
    parser.add_argument("--reason", default="", help="why, kept with the revision")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds to wait for each registry (%(default)g)")
    return parser.parse_args()


def main() -> int:
    """Apply the files named on the command line."""
    arguments = _arguments()
    try:
        declarations = [each for path in arguments.files for each in load(path, os.environ)]
        with connect(arguments, os.environ) as client:
            apply(client, declarations, arguments.reason)
            for registry in sorted({each.registry for each in declarations}):
                client.wait_until_synced(registry, arguments.timeout)
                print(f"in sync: {registry}")
    except (OSError, ValueError, Errors, ecrkeeper.RegistryError) as error:
        print(f"apply: {error}", file=sys.stderr)
        for violation in getattr(error, "violations", ()):
            print(f"  {violation}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
