"""The engine on the simulated AWS with replaced responses."""

from __future__ import annotations

from tests.engine.conftest import world

__all__ = ["world"]
