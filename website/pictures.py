"""Make the pictures of the README: `python -m website.pictures [--console URL]`.

The topology and the terminal are those of a real `ecrkeeper dev`, which the script starts and ends.
A console is photographed only if its URL is given, with the Chromium that CHROMIUM names.
"""

from __future__ import annotations

import argparse
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from website.pages import ROOT

FOLDER = ROOT / "docs" / "pictures"
_COLUMNS, _LINES = 118, 40
_READY = "ready; "
# A third account that replication reaches, and whose policy does not permit it.
_BASE = """\
apiVersion: ecrkeeper/v1
kind: RegistrySettings
name: accounts/111111111111/registries/us-west-2/settings/team-base
settings:
  replicationConfiguration:
    rules:
    - destinations: [{region: eu-central-1, registryId: "333333333333"}]
      repositoryFilters: [{filter: base/, filterType: PREFIX_MATCH}]
"""
_WEB = """\
apiVersion: ecrkeeper/v1
kind: RegistrySettings
name: accounts/111111111111/registries/us-east-1/settings/team-web
settings:
  pullThroughCacheRules:
  - ecrRepositoryPrefix: quay
    upstreamRegistryUrl: quay.io
"""
_SESSION = (
    "ecrkeeper status",
    "ecrkeeper apply -f team-web.yaml --reason 'cache quay.io'",
    "ecrkeeper explain payments/api 111111111111/us-east-1",
    "ecrkeeper topology",
)
# Fonts of the reader: the picture asks no other site for anything.
_TERMINAL = """\
<svg xmlns="http://www.w3.org/2000/svg" class="rich-terminal" viewBox="0 0 {width} {height}" role="img" \
aria-label="A session of the command line">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; \
font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-family: ui-sans-serif, system-ui, "DejaVu Sans", sans-serif; font-size: 18px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">\
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs commands of the project in a folder, as a terminal would."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables of commands: a terminal with colours, and profiles in the folder."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ECRKEEPER_"))}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        size = {"COLUMNS": str(_COLUMNS), "LINES": str(_LINES), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        return {**inherited, **size, "PATH": path, "XDG_CONFIG_HOME": str(self.folder / "config")}

    def run(self, command: str) -> bytes:
        """Return the output of a command; CalledProcessError if it fails."""
        completed = subprocess.run(
            ["/bin/bash", "-c", command], cwd=self.folder, env=self.environment, check=True, capture_output=True
        )
        return completed.stdout

    def recorded(self, command: str) -> str:
        """Return what a command writes to a terminal; CalledProcessError if it fails."""
        controller, terminal = pty.openpty()
        with subprocess.Popen(
            ["/bin/bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdout=terminal,
            stderr=terminal,
            stdin=terminal,
        ) as running:
            os.close(terminal)
            output = b"".join(_chunks(controller))
        os.close(controller)
        if running.returncode:
            raise subprocess.CalledProcessError(running.returncode, command, output)
        return output.decode().replace("\r\n", "\n")


def _chunks(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:  # Linux ends a terminal whose program has ended with EIO.
            return
        if not chunk:
            return
        yield chunk


@contextmanager
def developing(shell: Shell) -> Iterator[None]:
    """Run `ecrkeeper dev` with its example on free ports; RuntimeError if it does not start."""
    command = ["ecrkeeper", "dev", "--port", "0", "--aws-port", "0"]
    with subprocess.Popen(
        command, cwd=shell.folder, env=shell.environment, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            if not any(line.startswith(_READY) for line in running.stdout or ()):
                raise RuntimeError("ecrkeeper dev did not start")
            yield
        finally:
            running.send_signal(signal.SIGINT)
            running.communicate()


def terminal(shell: Shell, commands: tuple[str, ...]) -> str:
    """Return the picture of a session with these commands."""
    console = Console(record=True, width=_COLUMNS, file=StringIO(), force_terminal=True)
    for command in commands:
        console.print(Text.assemble(("$ ", "green"), (command, "bold")))
        console.print(Text.from_ansi(shell.recorded(command).rstrip("\n")))
        console.print()
    return console.export_svg(title="ecrkeeper", code_format=_TERMINAL, unique_id="terminal")


def _photographed(url: str, path: Path) -> None:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        raise FileNotFoundError("no Chromium: install it, or set CHROMIUM to its path")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1280,900"]
    subprocess.run([chromium, *options, f"--screenshot={path}", url], check=True, capture_output=True, timeout=60)


def make(folder: Path) -> None:
    """Write the topology and the terminal to a folder."""
    with tempfile.TemporaryDirectory(prefix="ecrkeeper-pictures-") as name:
        shell = Shell(Path(name))
        (shell.folder / "team-base.yaml").write_text(_BASE)
        (shell.folder / "team-web.yaml").write_text(_WEB)
        with developing(shell):
            shell.run("ecrkeeper apply -f team-base.yaml")
            shell.run("for name in $(ecrkeeper list registries -o name); do ecrkeeper wait $name; done")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "terminal.svg").write_text(terminal(shell, _SESSION), encoding="utf-8")
            (folder / "topology.svg").write_bytes(shell.run("ecrkeeper topology -o svg"))


def main() -> None:
    """Make the pictures in docs/pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--console", metavar="URL", help="a page of a running console; it becomes console.png")
    arguments = parser.parse_args()
    make(FOLDER)
    if arguments.console:
        _photographed(arguments.console, FOLDER / "console.png")


if __name__ == "__main__":
    main()
