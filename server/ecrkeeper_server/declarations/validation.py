"""Linting the settings of a declaration."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.errors import Violation, rejection
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.settings.table import SETTINGS

# Some 4 ms of validate each at the worst.
_FEW_TEMPLATES = 10


def faults(name: SettingsName, settings: Mapping[str, Any], path: str) -> list[Violation]:
    """Every violation of settings that no AWS would take, those of a quota by one owner alone included."""
    return [
        violation
        for setting, shape in settings.items()
        for violation in SETTINGS[setting].validate(shape, name.registry, f"{path}.{setting}")
    ]


def validate(name: SettingsName, settings: Mapping[str, Any], path: str) -> None:
    """Refuse settings that no AWS would take, with every violation at once."""
    violations = faults(name, settings, path)
    if violations:
        raise rejection(violations)


async def validate_apart(name: SettingsName, settings: Mapping[str, Any], path: str) -> None:
    """Lint settings, and let other calls go on meanwhile: a hundred templates may bring megabytes of JSON."""
    if len(settings.get("repository_creation_templates", {}).get("templates", ())) > _FEW_TEMPLATES:
        await asyncio.to_thread(validate, name, settings, path)
    else:
        validate(name, settings, path)
