"""The Postgres of `ecrkeeper_testing`, and databases in it."""

from __future__ import annotations

import uuid

import pytest
from ecrkeeper_testing.postgres_server import IN_SYNC, Postgres, program, replicated, running

__all__ = ["IN_SYNC", "Postgres", "new_database", "program", "replicated", "running"]


def new_database(request: pytest.FixtureRequest, template: str = "template1") -> str:
    """Create a database, empty by default, for the requesting fixture or test.

    It is dropped with it. Return the URL.
    """
    cluster: Postgres = request.getfixturevalue("cluster")
    name = f"test_{uuid.uuid4().hex[:12]}"
    request.addfinalizer(lambda: cluster.drop_database(name))
    return cluster.create_database(name, template)
