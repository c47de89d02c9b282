"""Fixtures: running servers and open databases."""

from __future__ import annotations

from tests.api.conftest import either, live
from tests.store.conftest import clock, db

__all__ = ["clock", "db", "either", "live"]
