"""An in-process server whose store is seeded directly."""

from __future__ import annotations

from tests.edge.conftest import serve

__all__ = ["serve"]
