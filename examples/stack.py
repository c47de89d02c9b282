"""The simulated AWS and the server as child processes, and clients for the former."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_READY = "listening on "
_QUEUE_ARN = "arn:aws:sqs:us-east-1:999999999999:events"
_QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/999999999999/events"


@dataclass(frozen=True, slots=True)
class Stack:
    """The addresses of the two processes; `children` are the processes by name."""

    aws_url: str
    target: str
    children: Mapping[str, subprocess.Popen[str]]

    def assumed(self, service: str, account: str, region: str, role: str, session: str) -> Any:
        """Return a boto3 client of a role of the account, in a session of that name."""
        arn = f"arn:aws:iam::{account}:role/{role}"
        keys = self.aws("sts", account, region).assume_role(RoleArn=arn, RoleSessionName=session)["Credentials"]
        return boto3.client(
            service,
            endpoint_url=self.aws_url,
            region_name=region,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    def aws(self, service: str, account: str, region: str) -> Any:
        """Return a boto3 client of one account.

        The simulated AWS accepts the 12 digits of an account as its access key.
        """
        return boto3.client(
            service,
            endpoint_url=self.aws_url,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key="simulated",
        )


@contextlib.contextmanager
def running(
    folder: Path, *, sim_port: int = 0, listen: str = "127.0.0.1:0", metrics: str = "127.0.0.1:0", resync: float = 900.0
) -> Iterator[Stack]:
    """Run both processes within the block; their logs are in `folder`."""
    environment = _environment()
    os.environ.update(environment)
    with contextlib.ExitStack() as stack:
        sim, url = _start(stack, "ecrkeeper-sim", ["-m", "ecrkeeper_sim", "--port", str(sim_port)], environment, folder)
        _route_events(url)
        settings = {
            "ECRKEEPER_EVENT_QUEUE_URLS": _QUEUE_URL,
            "ECRKEEPER_EVENT_DEBOUNCE_SECONDS": "0.2",
            "ECRKEEPER_DATABASE_URL": f"sqlite:///{folder / 'ecrkeeper.db'}",
            "ECRKEEPER_LISTEN": listen,
            "ECRKEEPER_METRICS_LISTEN": metrics,
            "ECRKEEPER_AWS_ENDPOINT_URL": url,
            "ECRKEEPER_AWS_ROLE_TEMPLATE": "arn:aws:iam::{account}:role/ecrkeeper",
            "ECRKEEPER_RESYNC_SECONDS": str(resync),
            "AWS_ACCESS_KEY_ID": "999999999999",
            "AWS_SECRET_ACCESS_KEY": "simulated",
        }
        arguments = ["-m", "ecrkeeper_server", "serve"]
        server, target = _start(stack, "ecrkeeper-server", arguments, {**environment, **settings}, folder)
        yield Stack(url, target, {"ecrkeeper-sim": sim, "ecrkeeper-server": server})


def _route_events(aws_url: str) -> None:
    """Send all events to a queue in the server's account.

    The stacks of docs/events.md do the same.
    """
    _, _, _, region, account, name = _QUEUE_ARN.split(":")
    _control(aws_url, "queues", {"account": account, "region": region, "name": name})
    _control(aws_url, "events/routes", {"routes": [{"queue": _QUEUE_ARN}]})


def _control(aws_url: str, path: str, body: Any) -> None:
    request = urllib.request.Request(f"{aws_url}/_sim/{path}", json.dumps(body).encode(), method="PUT")
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


def _environment() -> dict[str, str]:
    """Return this process's environment without settings of the real AWS or a proxy."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ECRKEEPER_"))}
    local = "127.0.0.1,localhost"
    return {
        **inherited,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": local,
        "no_proxy": local,
    }


def _start(
    stack: contextlib.ExitStack, name: str, arguments: list[str], environment: Mapping[str, str], folder: Path
) -> tuple[subprocess.Popen[str], str]:
    log = stack.enter_context((folder / f"{name}.log").open("w+", encoding="utf-8"))
    child = subprocess.Popen(
        [sys.executable, *arguments],
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        # Only the parent gets Ctrl-C, and stops its children in order.
        start_new_session=True,
    )
    stack.callback(_stop, child)
    address = _address(child)
    if address is None:
        log.seek(0)
        lines = [line for line in log.read().splitlines() if line.strip()] or ["it said nothing"]
        raise RuntimeError(f"{name} did not start (exit status {child.poll()}): {lines[-1]}")
    return child, address


def _address(child: subprocess.Popen[str]) -> str | None:
    """Return the address that a child prints when it is ready.

    None if it ends or times out.
    """
    until = time.monotonic() + _START_SECONDS
    out = child.stdout
    while out is not None and (remaining := until - time.monotonic()) > 0:
        if not select.select([out], [], [], remaining)[0]:
            return None
        line = out.readline()
        if not line:
            child.wait(_STOP_SECONDS)
            return None
        if line.startswith(_READY):
            return line.removeprefix(_READY).strip()
    return None


def _stop(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdout is not None:
        child.stdout.close()
