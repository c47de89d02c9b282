"""A server in this process whose store is seeded directly."""

from __future__ import annotations

from tests.edge.conftest import serve

__all__ = ["serve"]
