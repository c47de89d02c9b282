"""A stage for the blocks of a page: folder, programs and addresses."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests import harness
from tests.docs.blocks import ROOT, Block

# Commands that run until they are stopped, and their output when they are ready.
FOREGROUND = {
    r"ecrkeeper-server serve\b": "listening on ",
    r"ecrkeeper-sim\b": "listening on ",
    r"ecrkeeper dev\b": "ready; ",
    r"grpcurl .*/Watch": '"awsRequestId',
}
_SECONDS = 60.0


class Stage:
    """Runs blocks; `addresses` maps addresses in pages to those of this run."""

    def __init__(self, folder: Path, addresses: Mapping[str, str], **environment: str) -> None:
        self.folder = folder
        self.addresses = dict(addresses)
        self.names: dict[str, Any] = {"__name__": "__main__"}
        for name in ("examples", "Makefile", ".venv"):
            (folder / name).symlink_to(ROOT / name)
        # Programs that a page expects and that this environment lacks.
        self.programs = folder / "bin"
        self.programs.mkdir()
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ECRKEEPER_"))}
        self.environment = {
            **inherited,
            "PATH": f"{self.programs}:{harness.SCRIPTS}:{os.environ['PATH']}",
            "AWS_EC2_METADATA_DISABLED": "true",
            "ECRKEEPER_LISTEN": "127.0.0.1:0",
            "ECRKEEPER_METRICS_LISTEN": "127.0.0.1:0",
            "ECRKEEPER_HOME_REGION": "us-east-1",
            **environment,
        }

    def with_addresses(self, text: str) -> str:
        """Return a text with the addresses of this run."""
        for documented, actual in self.addresses.items():
            text = text.replace(documented, actual)
        return text

    def shell(self, block: Block) -> str:
        """Run a block of commands and return its output; AssertionError if one fails."""
        output = ""
        script: list[str] = []
        for command in [*re.sub(r"\\\n\s*", "", self.with_addresses(block.text)).splitlines(), ""]:
            ready = next((text for shape, text in FOREGROUND.items() if re.match(shape, command)), None)
            if ready is None and command:
                script.append(command)
                continue
            if script:
                output += self._run("\n".join(script), str(block))
                script.clear()
            if ready is not None:
                output += self._until_ready(command, ready, str(block))
        return output

    def console(self, block: Block) -> None:
        """Run the commands of a session; AssertionError if the output differs."""
        for part in re.split(r"^\$ ", self.with_addresses(block.text), flags=re.MULTILINE)[1:]:
            command, _, shown = re.sub(r"\\\n\s*", "", part).partition("\n")
            done = self._started(command)
            printed, complaint = done.communicate(timeout=_SECONDS)
            assert printed.rstrip() == shown.rstrip(), f"{block}: {command}\n{complaint}"

    def python(self, block: Block) -> None:
        """Run a block of Python; names persist. AssertionError names the failing line."""
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile("\n" * block.line + self.with_addresses(block.text), str(block.page), "exec", flags=flags)
        result = eval(code, self.names)
        if inspect.iscoroutine(result):
            asyncio.run(result)

    def stand_in(self, name: str, program: str) -> None:
        """Add a program of this environment to the path if the machine lacks it."""
        if shutil.which(name) is None:
            path = self.programs / name
            path.write_text(f"#!{sys.executable}\n{program}")
            path.chmod(0o755)

    def _started(self, script: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _run(self, script: str, block: str) -> str:
        running = self._started(script)
        output, complaint = running.communicate(timeout=_SECONDS)
        assert running.returncode == 0, f"{block}: status {running.returncode} of\n{script}\n{complaint}"
        return output

    def _until_ready(self, command: str, ready: str, block: str) -> str:
        running = self._started(f"exec {command}")
        output = ""
        try:
            assert running.stdout is not None
            for line in running.stdout:
                output += line
                if ready in line:
                    break
            assert ready in output, f"{block}: {command} ended\n{output}\n{running.stderr and running.stderr.read()}"
        finally:
            os.killpg(running.pid, signal.SIGTERM)
            running.communicate(timeout=_SECONDS)
        return output


# Makes the stage of a test: addresses, and variables of the environment.
Made = Callable[..., Stage]
