"""Running servers for the tests of a module."""

from tests.api.conftest import either, live  # noqa: F401
