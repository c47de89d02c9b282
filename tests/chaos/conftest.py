"""Fixtures of this directory."""

from __future__ import annotations

import uuid

import pytest
from ecrkeeper_server.store import schema

from tests.postgres import Postgres


@pytest.fixture
def shared_url(cluster: Postgres) -> str:
    """The URL of an empty database that several processes can share."""
    url = cluster.create_database(f"test_{uuid.uuid4().hex[:12]}")
    schema.migrate(url)
    return url
