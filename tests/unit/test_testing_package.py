"""`ecrkeeper_testing` as a public package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ecrkeeper
import pytest
from ecrkeeper_testing import Process, Simulator, postgres, server


def test_postgres_server_is_removed_after_its_block(aws: Simulator) -> None:
    before = list(Process.running)
    with postgres() as cluster:
        with server(aws, cluster.create_database("testing")) as running:
            with ecrkeeper.Client(running.address, insecure=True) as client:
                assert list(client.list_registries("accounts/-")) == []
            assert running in Process.running
        assert cluster.runs
    assert not cluster.runs
    assert Process.running == before


def test_server_stops_if_its_block_fails(aws: Simulator, tmp_path: Path) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), server(aws, folder=tmp_path) as running:
        fail()
    assert running.process.poll() == 0
    assert (tmp_path / "ecrkeeper.db").exists()
    assert (tmp_path / "server.log").exists()


def test_server_accepts_configuration_settings(aws: Simulator, tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match="ECRKEEPER_RESYNC_SECONDS: must be a number"),
        server(aws, folder=tmp_path, resync_seconds="never"),
    ):
        pass


PLUGIN = """
import time
import pytest
import ecrkeeper

pytest_plugins = ["ecrkeeper_testing.plugin"]
RULES = [{"ecrRepositoryPrefix": "cache", "upstreamRegistryUrl": "public.ecr.aws"}]
accounts = set()


@pytest.mark.parametrize("turn", [1, 2])
def test_declaration_is_applied(ecrkeeper_client, ecrkeeper_aws, ecrkeeper_account, turn):
    accounts.add(ecrkeeper_account)
    assert len(accounts) == turn
    name = f"accounts/{ecrkeeper_account}/registries/us-east-1/settings/team-a"
    ecrkeeper_client.apply_registry_settings(name, {"pullThroughCacheRules": RULES})
    ecrkeeper_client.wait_until_synced(name, 30)
    (rule,) = ecrkeeper_aws.registry(account=ecrkeeper_account)["pullThroughCacheRules"]
    assert rule["upstreamRegistryUrl"] == "public.ecr.aws"


@pytest.mark.parametrize("fails", [True, False])
def test_fault_ends_with_its_test(ecrkeeper_client, ecrkeeper_aws, ecrkeeper_account, fails):
    name = f"accounts/{ecrkeeper_account}/registries/us-east-1"
    if fails:
        ecrkeeper_aws.inject({"kind": "throttle", "service": "ecr", "operation": "DescribeRegistry"})
    assert bool(ecrkeeper_aws.control("GET", "faults")["faults"]) is fails


def test_clock_moves(ecrkeeper_aws):
    assert 3500 < ecrkeeper_aws.move_clock(3600) - time.time() < 3700
"""


def test_plugin_gives_users_a_server_and_a_simulated_aws(tmp_path: Path) -> None:
    (tmp_path / "test_users.py").write_text(PLUGIN)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        "--rootdir",
        str(tmp_path),
    ]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False)
    assert "5 passed" in done.stdout, done.stdout + done.stderr
