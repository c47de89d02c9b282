"""The simulator as a process, with the real aws CLI."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def process() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the simulator on a free port; yield the process and its address."""
    command = [sys.executable, "-m", "ecrkeeper_sim", "--port", "0", "--default-account", "999999999999"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        line = running.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:")
        yield running, line.split()[-1]
        running.kill()


def run_aws(url: str, *arguments: str) -> dict[str, object]:
    """Return the output of the aws CLI."""
    command = [str(Path(sysconfig.get_path("scripts")) / "aws"), "--endpoint-url", url, *arguments]
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_DEFAULT_OUTPUT": "json",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_aws_cli_calls_ecr_iam_and_sts(process: tuple[subprocess.Popen[str], str]) -> None:
    _, url = process
    assert run_aws(url, "sts", "get-caller-identity")["Account"] == "999999999999"
    registry = run_aws(url, "ecr", "describe-registry")
    assert registry == {"registryId": "999999999999", "replicationConfiguration": {"rules": []}}
    created = run_aws(url, "iam", "create-service-linked-role", "--aws-service-name", "ecr.amazonaws.com")
    role = created["Role"]
    assert isinstance(role, dict)
    assert role["RoleName"] == "AWSServiceRoleForECRTemplate"


def test_sigterm_stops_the_simulator_quickly(process: tuple[subprocess.Popen[str], str]) -> None:
    running, _ = process
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=2) == 0
