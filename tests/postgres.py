"""The Postgres of `ecrkeeper_testing`, by the name that the tests use, and databases in it."""

from __future__ import annotations

import uuid

import pytest
from ecrkeeper_testing.postgres_server import IN_SYNC, Postgres, program, replicated, running

__all__ = ["IN_SYNC", "Postgres", "new_database", "program", "replicated", "running"]


def new_database(request: pytest.FixtureRequest, template: str = "template1") -> str:
    """Return the URL of an empty database, dropped with the fixture or test that requests it."""
    cluster: Postgres = request.getfixturevalue("cluster")
    name = f"test_{uuid.uuid4().hex[:12]}"
    request.addfinalizer(lambda: cluster.drop_database(name))
    return cluster.create_database(name, template)
