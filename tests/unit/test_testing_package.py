"""`ecrkeeper_testing` as a public package."""

from __future__ import annotations

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
