"""Fixtures of pytest: a simulated AWS and a server.

All tests of a session share them.

Name the plugin in your `conftest.py`; it needs the extra `testing`:

    pytest_plugins = ["ecrkeeper_testing.plugin"]

    def test_rule_is_applied(ecrkeeper_client, ecrkeeper_aws, ecrkeeper_account):
        name = f"accounts/{ecrkeeper_account}/registries/us-east-1/settings/team-a"
        ecrkeeper_client.apply_registry_settings(name, {"pullThroughCacheRules": [...]})
        ecrkeeper_client.wait_until_synced(name)
        assert ecrkeeper_aws.registry(account=ecrkeeper_account)["pullThroughCacheRules"]
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import ecrkeeper
import pytest

from ecrkeeper_testing.environment import server, simulated_aws
from ecrkeeper_testing.processes import Server, Simulator

_accounts = itertools.count(300_000_000_000)


@pytest.fixture(scope="session")
def ecrkeeper_simulator() -> Iterator[Simulator]:
    """Yield a simulated AWS with nothing in it.

    Use `ecrkeeper_aws`, which clears its faults.
    """
    with simulated_aws() as running:
        yield running


@pytest.fixture(scope="session")
def ecrkeeper_server(ecrkeeper_simulator: Simulator) -> Iterator[Server]:
    """A server on the simulated AWS; `address` is its target."""
    with server(ecrkeeper_simulator) as running:
        yield running


@pytest.fixture
def ecrkeeper_aws(ecrkeeper_simulator: Simulator) -> Iterator[Simulator]:
    """The simulated AWS; faults that a test injects end with it."""
    yield ecrkeeper_simulator
    ecrkeeper_simulator.clear_faults()


@pytest.fixture
def ecrkeeper_client(ecrkeeper_server: Server) -> Iterator[ecrkeeper.Client]:
    """A client of the server."""
    with ecrkeeper.Client(ecrkeeper_server.address, insecure=True) as client:
        yield client


@pytest.fixture
def ecrkeeper_account() -> str:
    """The id of an account that no other test uses."""
    return str(next(_accounts))
