"""The Postgres of `ecrkeeper_testing`, by the name that the tests use."""

from ecrkeeper_testing.postgres_server import IN_SYNC, Postgres, program, replicated, running

__all__ = ["IN_SYNC", "Postgres", "program", "replicated", "running"]
