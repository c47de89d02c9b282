"""Fixtures of this directory."""

from __future__ import annotations

import pytest
from ecrkeeper_server.store import schema


@pytest.fixture
def shared_url(postgres_url: str) -> str:
    """The URL of an empty database that several processes can share."""
    schema.migrate(postgres_url)
    return postgres_url
