"""Fixtures of all tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests import databases, harness, postgres

_LOCAL = "127.0.0.1,localhost,::1"


def pytest_configure() -> None:
    """Hide the developer's own settings of ecrkeeper and AWS from all tests.

    A proxy stays, because tests install packages, but no local server is behind it.
    """
    for name in [name for name in os.environ if name.startswith(("AWS_", "ECRKEEPER_"))]:
        del os.environ[name]
    os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    if any(name.lower() in ("http_proxy", "https_proxy") for name in os.environ):
        for name in ("no_proxy", "NO_PROXY"):
            os.environ[name] = ",".join(filter(None, (os.environ.get(name), _LOCAL)))
    # Other load on the machine must not fail a property.
    settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _log_to_the_test() -> None:
    """Write log lines to the stderr of the current test."""
    structlog.reset_defaults()
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Postgres]:
    """A running Postgres."""
    with postgres.running() as running:
        yield running


@pytest.fixture(scope="session")
def postgres_template(cluster: postgres.Postgres) -> str:
    """The name of a migrated database that has no connections."""
    return databases.make_postgres_template(cluster)


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated Postgres database without rows."""
    return databases.new_postgres(request)


@pytest.fixture
def empty_postgres_url(request: pytest.FixtureRequest) -> str:
    """The URL of a Postgres database without a schema."""
    return postgres.new_database(request)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a migrated database without rows, of each kind."""
    return databases.migrated(request, request.param, tmp_path)


@pytest.fixture(autouse=True)
def _no_process_outlives_its_test() -> Iterator[None]:
    """Kill servers that a test left running, except those of wider fixtures."""
    before = list(harness.Process.running)
    yield
    for process in [p for p in harness.Process.running if p not in before]:
        process.kill()


@pytest.fixture(scope="session")
def simulated_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Simulator]:
    """A simulated AWS per process that checks requests against botocore's models."""
    simulator = harness.Simulator(tmp_path_factory.mktemp("sim"))
    simulator.control("PUT", "settings", {"max_log": 200_000})
    yield simulator
    simulator.check_requests()
    simulator.stop()


@pytest.fixture
def aws(simulated_aws: harness.Simulator) -> Iterator[harness.Simulator]:
    """The empty simulated AWS; requests must satisfy botocore's models."""
    simulated_aws.control("POST", "reset")
    yield simulated_aws
    simulated_aws.check_requests()
    # Later tests use it unchanged, so no lag or fault may stay.
    simulated_aws.control("POST", "reset")
