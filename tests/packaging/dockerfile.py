"""Parse a Dockerfile, and run its build stage outside of a container.

The tests have no container runtime. The build context is what .dockerignore
leaves of the checkout, and paths of the image are paths below a folder.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Stage:
    """One stage: its instructions in order."""

    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def values(self, word: str) -> list[str]:
        """Return the arguments of all instructions of one kind."""
        return [argument for instruction, argument in self.instructions if instruction == word]

    def value(self, word: str) -> str:
        """Return the arguments of the only instruction of one kind."""
        (argument,) = self.values(word)
        return argument

    def command(self, word: str) -> list[str]:
        """Return a command in its exec form."""
        arguments: list[str] = json.loads(self.value(word))
        return arguments

    def environment(self) -> dict[str, str]:
        """Return the variables that ENV sets."""
        pairs = re.findall(r"(\w+)=(\S+)", " ".join(self.values("ENV")))
        return dict(pairs)


def stages(path: Path = ROOT / "Dockerfile") -> list[Stage]:
    """Return the stages of a Dockerfile."""
    text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE)
    parsed: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        word, _, argument = line.strip().partition(" ")
        if word == "FROM":
            parsed.append(Stage(argument))
        elif parsed and word:
            parsed[-1].instructions.append((word, argument.strip()))
    return parsed


def _ignored(path: str) -> bool:
    ignored = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.lstrip("!")
        parts = [path, *(str(parent) for parent in Path(path).parents)]
        if pattern.startswith("**/"):
            hit = any(fnmatch.fnmatch(part, pattern[3:]) for part in Path(path).parts)
        else:
            hit = any(fnmatch.fnmatch(part, pattern) for part in parts if part != ".")
        if hit:
            ignored = not line.startswith("!")
    return ignored


def context() -> list[str]:
    """Return the files of the build context, as git lists them."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [path for path in listed.stdout.splitlines() if (ROOT / path).is_file() and not _ignored(path)]


def build(stage: Stage, root: Path, tools: Mapping[str, Path]) -> None:
    """Run COPY, ENV, WORKDIR and RUN below `root`, with programs of the base image."""
    bin_folder = root / "tools"
    bin_folder.mkdir(parents=True)
    for name, target in tools.items():
        (bin_folder / name).write_text(f'#!/bin/sh\nexec "{target}" "$@"\n')
        (bin_folder / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{bin_folder}:/usr/bin:/bin"}
    folder = root
    for word, argument in stage.instructions:
        if word == "WORKDIR":
            folder = root / argument.lstrip("/")
            folder.mkdir(parents=True)
        elif word == "ENV":
            environment |= {name: below(value, root) for name, value in re.findall(r"(\w+)=(\S+)", argument)}
            # Downloading everything again would test the index, not the image.
            environment.pop("PIP_NO_CACHE_DIR", None)
        elif word == "COPY":
            *sources, target = argument.split()
            for path in context():
                for source in sources:
                    if path == source or path.startswith(f"{source}/"):
                        kept = Path(target) / (Path(path).relative_to(source) if path != source else Path(path).name)
                        (folder / kept).parent.mkdir(parents=True, exist_ok=True)
                        shutil.copyfile(ROOT / path, folder / kept)
        elif word == "RUN":
            done = subprocess.run(
                ["sh", "-ec", below(argument, root).replace("--no-cache-dir", "")],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, f"{argument}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def below(text: str, root: Path) -> str:
    """Return the text with the image's own folders below `root`."""
    return re.sub(r"(?<![\w.])/(src|wheels|opt|var/lib)(?=[/\s\"]|$)", lambda m: f"{root}/{m[1]}", text)
