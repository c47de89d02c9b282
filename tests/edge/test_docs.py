"""docs/limits.md matches the configuration."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.config.settings import Config
from ecrkeeper_server.server_options import limits_of

ROOT = Path(__file__).parents[2]
LIMITS = re.compile(
    r"(max_(calls|streams|health|message|request|metadata|connection|stream).*|(rate|burst|elements|burst_elements|cpu)_per_principal)"
)


def test_limits_are_documented_with_defaults() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", (ROOT / "docs/limits.md").read_text(), re.MULTILINE)
    configured = {field.name: str(field.default) for field in fields(Config) if LIMITS.fullmatch(field.name)}
    assert dict(rows) == configured
    assert len(rows) == len(Limits.__struct_fields__)


def test_configuration_has_the_defaults_of_the_api() -> None:
    assert limits_of(Config()) == Limits()
