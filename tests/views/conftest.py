"""An in-process server, and a database, whose stores are seeded directly."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from ecrkeeper_server.store import schema
from ecrkeeper_server.store.database import Database

from tests.edge.conftest import serve

__all__ = ["serve"]


@pytest.fixture
async def db(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Database]:
    """A database with what the module's `seed` writes."""
    opened = schema.open_database(database_url)
    await opened.write(request.module.seed)
    yield opened
    await opened.close()
