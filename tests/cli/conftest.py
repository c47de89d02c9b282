"""The fake server of the client's tests."""

from tests.client.conftest import server

__all__ = ["server"]
