"""Documented settings match the configuration and its defaults."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from ecrkeeper_server.config.settings import PREFIX, Config

ROOT = Path(__file__).parents[2]
DEFAULTS = {field.name: field.default for field in fields(Config)}
# Kubernetes would set these for the Service; the documentation explains how to avoid it.
FOREIGN = {"port"}
# The client and the command line read these: docs/cli.md.
FOREIGN |= {"config", "profile", "target", "token_file"}
ROW = re.compile(r"^\| (`ECRKEEPER_[^|]*) \|([^|]*)\|", re.MULTILINE)


def texts() -> Iterator[Path]:
    yield from (ROOT / name for name in ("README.md", "compose.yaml", "Dockerfile"))
    for folder in ("docs", "deploy", "examples"):
        yield from (path for path in (ROOT / folder).rglob("*") if path.suffix in {".md", ".yaml", ".json", ".py"})


def names(text: str) -> list[str]:
    return [name.lower() for name in re.findall(rf"{PREFIX}([A-Z][A-Z_]*[A-Z])\b", text)]


def shown(default: object) -> str:
    return {True: "true", False: "false"}.get(default, f"{default:g}" if isinstance(default, float) else str(default))  # type: ignore[call-overload]


def test_named_settings_exist() -> None:
    unknown = {(path.name, name) for path in texts() for name in names(path.read_text()) if name not in DEFAULTS}
    assert {name for _, name in unknown} <= FOREIGN, unknown


def test_settings_are_documented_once() -> None:
    described = Counter(
        name
        for path in ("README.md", "docs/security.md")
        for row in ROW.finditer((ROOT / path).read_text())
        for name in names(row.group(1))
        # A row of the README that refers to a table elsewhere.
        if "and others" not in row.group(0) and "`ECRKEEPER_MAX_CALLS`" not in row.group(1)
    )
    limits = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/limits.md").read_text(), re.MULTILINE)
    described.update(name for name in limits if name in DEFAULTS)
    stands = re.findall(
        r"^\| `ECRKEEPER_(\w+)` and others \|.*\[docs/\w+\.md\]", (ROOT / "README.md").read_text(), re.M
    )
    assert all(described[name.lower()] == 1 for name in stands), "its table has it"
    assert described == Counter(dict.fromkeys(DEFAULTS, 1))


def test_readme_defaults_match_configuration() -> None:
    rows = [row for row in ROW.finditer((ROOT / "README.md").read_text()) if "and others" not in row.group(1)]
    for row in rows:
        defaults = [text.strip("` ") for text in row.group(2).split(",")]
        assert defaults == [shown(DEFAULTS[name]) for name in names(row.group(1))], row.group(1)
    assert len(rows) > 20
