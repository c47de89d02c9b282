"""A fleet goes out of one store and into another, and stays as it was."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import ecrkeeper

from tests import harness
from tests.e2e.live import Live
from tests.fleet.fleets import Fleet, exclusion


def command(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ECRKEEPER_DATABASE_URL": url}
    return subprocess.run(
        [harness.program("ecrkeeper-server"), *arguments], env=environment, capture_output=True, text=True, timeout=60
    )


def test_fleet_survives_export_and_import(simulated_aws: harness.Simulator, tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path / name}.db" for name in ("one", "two")]
    for url in urls:
        harness.migrate(url)
    server = harness.Server(tmp_path, urls[0], simulated_aws.url)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        fleet = Fleet(Live(server, simulated_aws, client))
        fleet.add(2, displayName="shop")
        fleet.create(
            exclusion("scanner"), overrides=[{"selector": {"regions": ["eu-west-1"]}, "settings": exclusion("eu")}]
        )
        fleet.ended()
        before = client.get_registry_set(fleet.set_name)
        assert fleet.excluded()[fleet.accounts[0], "eu-west-1"] == ["eu"]
    assert server.stop() == 0
    exported = command(urls[0], "export")
    assert exported.returncode == 0, exported.stderr
    file = tmp_path / "fleet.yaml"
    file.write_text(exported.stdout)
    assert f"managedBy: {fleet.set_name}" in exported.stdout
    for expected in ("2 accounts and sets", "documents need no change"):
        imported = command(urls[1], "import", str(file))
        assert imported.returncode == 0, imported.stderr
        assert expected.replace("2", "3") in imported.stdout, imported.stdout
    assert command(urls[1], "export").stdout == exported.stdout
    since = simulated_aws.position()
    server = harness.Server(tmp_path, urls[1], simulated_aws.url)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        fleet.live = Live(server, simulated_aws, client)
        restored = client.get_registry_set(fleet.set_name)
        assert (restored.current_revision, restored.settings) == (before.current_revision, before.settings)
        assert not list(client.list_rollouts(fleet.set_name))
        name = f"accounts/{fleet.accounts[0]}/registries/us-east-1/settings/{fleet.label}"
        assert client.get_registry_settings(name).managed_by == fleet.set_name
        (added,) = fleet.add(1)
        fleet.ended()
        assert {each.registry.split("/")[1] for each in fleet.targets()} == {added}
    assert {call["account"] for call in simulated_aws.writes(since)} <= {added}
    assert server.stop() == 0
    taken = file.read_text().replace(f"    managedBy: {fleet.set_name}\n", "").replace("role/scanner", "role/other")
    file.write_text(taken)
    rejected = command(urls[1], "import", str(file))
    assert rejected.returncode == 1
    assert f"is declared by {fleet.set_name} in the store" in rejected.stderr
