"""Linting declarations without holding up other calls."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.api.declarations import lint
from ecrkeeper_server.names import SettingsName

# Some 4 ms of lint each at the worst.
_FEW_TEMPLATES = 10


async def lint_apart(name: SettingsName, settings: Mapping[str, Any], path: str) -> None:
    """Lint settings, and let other calls go on meanwhile: a hundred templates may bring megabytes of JSON."""
    if len(settings.get("repository_creation_templates", {}).get("templates", ())) > _FEW_TEMPLATES:
        await asyncio.to_thread(lint, name, settings, path)
    else:
        lint(name, settings, path)
