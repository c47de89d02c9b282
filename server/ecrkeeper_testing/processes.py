"""The simulated AWS and the server as processes, each on its own port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sysconfig
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from ecrkeeper_server.iam_policy.policy import Scope
from ecrkeeper_server.iam_policy.policy import policy as role_policy
from ecrkeeper_server.settings.table import SETTINGS

SCRIPTS = Path(sysconfig.get_path("scripts"))
ACCOUNT, OTHER_ACCOUNT = "111111111111", "222222222222"


def program(name: str) -> str:
    """Return the path of a program in the same environment."""
    return str(SCRIPTS / name)


class Process:
    """A child process that prints `listening on ADDRESS` when it is ready."""

    # The running processes, so that a fixture can kill those that a test leaves running.
    running: ClassVar[list[Process]] = []

    def __init__(self, arguments: list[str], environment: dict[str, str], log: Path) -> None:
        self._log = log.open("ab")
        self.process = subprocess.Popen(
            arguments, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        Process.running.append(self)
        if self.process.stdout is None:
            raise AssertionError
        line = self.process.stdout.readline()
        if not line.startswith(("listening on ", "engine running")):
            self.process.wait(10)
            raise RuntimeError(f"{arguments[0]} did not start: {line!r}\n{log.read_text()[-3000:]}")
        self.address = line.strip().removeprefix("listening on ")

    def kill(self) -> None:
        """Send SIGKILL."""
        self.process.kill()
        self.process.wait(10)
        self._ended()

    def stop(self) -> int:
        """Send SIGTERM, and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        self._ended()
        return status

    def _ended(self) -> None:
        self._log.close()
        if self in Process.running:
            Process.running.remove(self)


def iam_policy(*options: str) -> str:
    """Return the output of `ecrkeeper-server iam-policy`."""
    command = [program("ecrkeeper-server"), "iam-policy", *options]
    return subprocess.run(command, check=True, timeout=60, capture_output=True, text=True).stdout


class Simulator(Process):
    """The simulated AWS; roles in it have only the permissions of `iam-policy`."""

    def __init__(self, folder: Path) -> None:
        policy = folder / "iam-policy.json"
        policy.write_text(json.dumps(role_policy(Scope(settings=tuple(SETTINGS), enforce=True))))
        arguments = [program("ecrkeeper-sim"), "--port", "0", "--iam-policy", str(policy)]
        super().__init__(arguments, {}, folder / "sim.log")
        self.url = self.address

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Make one call of the control plane."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/_sim/{path}", data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def move_clock(self, seconds: float) -> float:
        """Move the clock of the simulated AWS forward.

        Return its time in seconds since 1970.
        """
        return float(self.control("POST", "clock", {"advance": seconds})["now"])

    def inject(self, *faults: Mapping[str, Any]) -> None:
        """Let calls fail as the rules say; docs/simulated-aws.md describes them."""
        self.control("POST", "faults", [dict(fault) for fault in faults])

    def clear_faults(self) -> None:
        """End all faults."""
        self.control("DELETE", "faults")

    def registry(self, region: str = "us-east-1", account: str = ACCOUNT) -> Any:
        """Return the state of one registry."""
        return self.control("GET", f"accounts/{account}/registries/{region}")

    def seed(self, state: dict[str, Any], region: str = "us-east-1", account: str = ACCOUNT) -> None:
        """Change a registry directly."""
        self.control("PUT", f"accounts/{account}/registries/{region}", state)

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """Return all calls since a position of the log."""
        logged: list[dict[str, Any]] = self.control("GET", f"requests?since={since}")["requests"]
        return logged

    def check_requests(self) -> None:
        """Assert that all requests match botocore's models and the IAM policy."""
        requests = self.requests()
        broken = [r for r in requests if r["model_violations"]]
        assert not broken, f"requests that break AWS's own models: {broken[:3]}"
        denied = [r for r in requests if not all(r.get("actions", {}).values())]
        accounts = {r["account"]: self.control("GET", f"accounts/{r['account']}") for r in denied}
        lacking = [r for r in denied if accounts[r["account"]]["iam_policy"] is None]
        assert not lacking, f"rights that the generated policy lacks: {lacking[:3]}"

    def writes(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the write calls to ECR and IAM since a position of the log."""
        requests = self.requests(since)
        reading = ("Get", "List", "Describe", "AssumeRole", "Validate")
        return [r for r in requests if r["service"] in ("ecr", "iam") and not r["operation"].startswith(reading)]

    def position(self) -> int:
        """Return the current position of the log."""
        return int(self.control("GET", "requests?since=999999999")["next"])


class Server(Process):
    """An ecrkeeper server on a simulated AWS.

    `settings` are those of its configuration.
    """

    command: tuple[str, ...] = (program("ecrkeeper-server"), "serve")

    def __init__(
        self,
        folder: Path,
        database_url: str,
        aws_url: str,
        *,
        environment: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> None:
        variables = {
            "AWS_ACCESS_KEY_ID": "999999999999",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "ECRKEEPER_DATABASE_URL": database_url,
            "ECRKEEPER_LISTEN": "127.0.0.1:0",
            "ECRKEEPER_METRICS_LISTEN": "127.0.0.1:0",
            "ECRKEEPER_AWS_ENDPOINT_URL": aws_url,
            "ECRKEEPER_AWS_ROLE_TEMPLATE": "arn:aws:iam::{account}:role/ecrkeeper",
            "ECRKEEPER_LEASE_SECONDS": "2",
            **{f"ECRKEEPER_{name.upper()}": str(value) for name, value in settings.items()},
            **(environment or {}),
        }
        super().__init__(list(self.command), variables, folder / "server.log")


def migrate(database_url: str) -> None:
    """Migrate a database to the newest schema with `ecrkeeper-server migrate`."""
    environment = {**os.environ, "ECRKEEPER_DATABASE_URL": database_url}
    subprocess.run([program("ecrkeeper-server"), "migrate"], env=environment, check=True, timeout=60)


def eventually(check: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Return the first true value of `check`; fail after the timeout in seconds."""
    until = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds} s; last value {value!r}")
        time.sleep(0.05)
