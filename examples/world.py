"""The example: two accounts, three Regions, two owners."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ecrkeeper
from apply import load
from ecrkeeper.v1.common_pb2 import Condition
from ecrkeeper.v1.registry_pb2 import Registry
from ecrkeeper_files.documents import Declaration
from google.protobuf.descriptor import EnumDescriptor
from screen import Progress, checked
from stack import Stack

CENTRAL, PARTNER = "111111111111", "222222222222"
HOME = "us-east-1"
SOURCE = f"accounts/{CENTRAL}/registries/{HOME}"
REPLICATION_ROLE = f"accounts/{CENTRAL}/serviceLinkedRoles/replication"
FILES = sorted((Path(__file__).parent / "two-accounts").glob("*.yaml"))
WAIT_SECONDS = 60.0


class DemoError(Exception):
    """A step did not have the expected outcome."""


@dataclass(frozen=True, slots=True)
class World:
    """The running processes, a client, and the declarations."""

    stack: Stack
    client: ecrkeeper.Client
    declarations: list[Declaration]

    def ecr(self, account: str, region: str) -> Any:
        """Return a boto3 client for ECR in the simulated AWS."""
        return self.stack.aws("ecr", account, region)

    def registries(self) -> list[str]:
        """Return the names of the registries that are declared."""
        return sorted({each.registry for each in self.declarations})


def limit_rights(stack: Stack) -> None:
    """Allow the server only the permissions of `iam-policy` in both accounts."""
    command = [sys.executable, "-m", "ecrkeeper_server", "iam-policy", "--account"]
    for account in (CENTRAL, PARTNER):
        printed = subprocess.run([*command, account], check=True, capture_output=True, timeout=60).stdout
        body = json.dumps({"iam_policy": json.loads(printed)}).encode()
        url = f"{stack.aws_url}/_sim/accounts/{account}"
        with urllib.request.urlopen(urllib.request.Request(url, body, method="PUT")) as answer:
            answer.read()


def make_secret(stack: Stack) -> str:
    """Store the login for Docker Hub in the simulated Secrets Manager; return its ARN."""
    secrets = stack.aws("secretsmanager", CENTRAL, HOME)
    secret = secrets.create_secret(
        Name="ecr-pullthroughcache/docker-hub", SecretString='{"username": "example", "accessToken": "example"}'
    )
    return str(secret["ARN"])


def read_declarations(secret: str) -> list[Declaration]:
    """Return all declarations of the example."""
    return [each for path in FILES for each in load(path, {"DOCKER_HUB_SECRET_ARN": secret})]


def check(holds: object, text: str) -> None:
    """Print an outcome that holds; DemoError for one that does not."""
    if not holds:
        raise DemoError(f"this does not hold: {text}")
    checked(text)


def in_sync(registry: Registry) -> bool:
    """Return whether AWS matches the newest generation of a registry."""
    synced = any(c.type == "Synced" and c.status == Condition.TRUE for c in registry.conditions)
    return synced and not registry.reconciling and registry.observed_generation >= registry.generation


def wait_in_sync(world: World, names: list[str]) -> None:
    """Watch registries until all are in sync, and show progress.

    DemoError has the errors.
    """
    observed: dict[str, Registry] = {}
    waiting, progress = names, Progress()
    try:
        with world.client.watch_registries(timeout=WAIT_SECONDS) as steps:
            for step in steps:
                observed[step.registry.name] = step.registry
                waiting = [name for name in names if name not in observed or not in_sync(observed[name])]
                suffix = f"; waiting for {', '.join(map(short, waiting))}" if waiting else ""
                progress.show(f"{len(names) - len(waiting)} of {len(names)} registries in sync{suffix}")
                if not waiting:
                    break
    except ecrkeeper.DeadlineExceeded as error:
        errors = "; ".join(
            f"{short(name)}: {observed[name].last_error.message if name in observed else 'never observed'}"
            for name in waiting
        )
        raise DemoError(f"not in sync after {WAIT_SECONDS:.0f} s: {errors}") from error
    finally:
        progress.end()


def short(name: str) -> str:
    """Return `account/region` of a registry's name."""
    return name.removeprefix("accounts/").replace("/registries", "")


def enum(kind: EnumDescriptor, number: int) -> str:
    """Return an enum value without its prefix."""
    prefix = kind.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return kind.values_by_number[number].name.removeprefix(prefix)
