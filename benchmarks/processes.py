"""The processes of a benchmark: the canned AWS, and children that run a baseline."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, TypeVar

from ecrkeeper_testing import Process

from benchmarks.measure import Block, cpu_seconds, cpu_since

P = TypeVar("P", bound=Process)
ROOT = Path(__file__).parents[1]
# No retries of boto3's credential chain and no user configuration in the baselines.
CLEAN = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "PYTHONPATH": str(ROOT)}
# Each start would read and check it.
os.environ.pop("AWS_CA_BUNDLE", None)


class Listening(Process):
    """A module of the benchmarks that serves something."""

    def __init__(self, module: str, folder: Path) -> None:
        super().__init__([sys.executable, "-m", module], CLEAN, folder / f"{module}.log")
        self.pid = self.process.pid


class Responder(Listening):
    """The canned AWS in a process of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__("benchmarks.responder", folder)
        self.url = self.address

    def _get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/-/{path}", timeout=10) as answer:
            answered: dict[str, Any] = json.loads(answer.read())
        return answered

    def forget(self) -> None:
        """Forget all counts, and calls that are not canned."""
        self._get("take")

    def take(self) -> dict[str, Any]:
        """Return the counts since the last call.

        RuntimeError for a call that is not canned.
        """
        counts = self._get("take")
        if counts["unknown"]:
            raise RuntimeError(f"calls that the responder does not know: {sorted(set(counts['unknown']))}")
        return counts

    def events(self, order: str, **members: Any) -> dict[str, Any]:
        """Give an order to `canned_events`."""
        request = urllib.request.Request(f"{self.url}/-/events/{order}", json.dumps(members).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            answered: dict[str, Any] = json.loads(answer.read())
        return answered

    def latency(self, seconds: float) -> None:
        """Delay all further answers."""
        self._get(f"latency/{seconds}")

    def rules(self, account: str, count: int) -> None:
        """Answer for an account with so many scanning rules of 108 bytes."""
        self._get(f"rules/{account}/{count}")


class Child(Process):
    """A Python program that reads orders as JSON lines and answers with measurements."""

    def __init__(self, *arguments: str, folder: Path, tree: Path = ROOT, python: str = sys.executable) -> None:
        log = (folder / "children.log").open("ab")
        self.process = subprocess.Popen(
            [python, *arguments],
            cwd=tree,
            env={**os.environ, **CLEAN, "PYTHONPATH": str(tree), "PYTHONSAFEPATH": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        self._log = log
        self._path = folder / "children.log"
        self.pid = self.process.pid

    def ask(self, **order: Any) -> dict[str, Any]:
        """Send one order and wait for its answer."""
        if self.process.stdin is None:
            raise AssertionError
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self.hear()

    def kill(self) -> None:
        """End the orders, so that the program stops its own processes.

        Send SIGKILL if it goes on.
        """
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(60)
        super().kill()

    def hear(self) -> dict[str, Any]:
        """Wait for one more answer."""
        if self.process.stdout is None:
            raise AssertionError
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args!r} ended: {self._path.read_text()[-1000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def block(self, **order: Any) -> Block:
        """One measured block of work."""
        before = cpu_seconds(self.pid)
        answer = self.ask(**order)
        return Block(answer["units"], answer["seconds"], cpu_since(self.pid, before), {})


def orders() -> Iterator[dict[str, Any]]:
    """The orders on standard input; for the modules that run as a Child."""
    for line in sys.stdin:
        yield json.loads(line)


async def orders_while_running() -> AsyncIterator[dict[str, Any]]:
    """The same for modules whose event loop has to go on between orders."""
    while line := await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
        yield json.loads(line)


def answer(**members: Any) -> None:
    """Answer the present order."""
    print(json.dumps(members), flush=True)


@contextlib.contextmanager
def stopping(process: P) -> Iterator[P]:
    """Kill a process at the end of the block."""
    try:
        yield process
    finally:
        process.kill()
