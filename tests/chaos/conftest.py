"""Fixtures of this directory."""

from __future__ import annotations

import pytest


@pytest.fixture
def shared_url(postgres_url: str) -> str:
    """The URL of a database that several processes can share."""
    return postgres_url
