"""A server that is killed at random moments of a rollout.

The end is the same, and no limit is exceeded.
"""

from __future__ import annotations

import os
import random
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import ecrkeeper
import pytest
from ecrkeeper.v1.fleet_pb2 import Rollout, RolloutTarget

from tests import harness
from tests.e2e.live import Live
from tests.fleet.fleets import Fleet, exclusion

KINDS = ("sqlite", "postgres")
# Five runs take turns with the databases; a soak runs each seed on both.
SOAK = [(seed, kind) for seed in range(int(os.environ.get("FLEET_KILLS", "0"))) for kind in KINDS]
RUNS = SOAK or [(seed, KINDS[seed % 2]) for seed in range(5)]
CONCURRENT, TOLERANCE = 4, 5
STRATEGY = {
    "waves": [
        {"count": 2},
        {"percent": 40, "maxConcurrent": {"count": CONCURRENT}, "failureTolerance": {"count": TOLERANCE}},
        {"rest": True, "maxConcurrent": {"count": CONCURRENT}, "failureTolerance": {"count": TOLERANCE}},
    ]
}


def database(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> str:
    if kind == "sqlite":
        return f"sqlite:///{tmp_path / 'ecrkeeper.db'}"
    created: str = request.getfixturevalue("cluster").create_database(f"test_{uuid.uuid4().hex[:12]}")
    return created


@pytest.mark.parametrize(("seed", "kind"), RUNS)
def test_killed_rollout_has_the_same_end(
    seed: int, kind: str, request: pytest.FixtureRequest, simulated_aws: harness.Simulator, tmp_path: Path
) -> None:
    url, chance = database(request, tmp_path, kind), random.Random(seed)
    harness.migrate(url)
    server = harness.Server(tmp_path, url, simulated_aws.url)
    fleet = Fleet(Live(server, simulated_aws, ecrkeeper.Client(server.address, insecure=True)))
    fleet.add(12)
    bad = fleet.accounts[4]
    fault = {
        "kind": "error", "service": "ecr", "operation": "RegisterPullTimeUpdateExclusion", "account": bad,
        "code": "ValidationException", "message": "rejected by the test", "status": 400,
    }  # fmt: skip
    simulated_aws.control("POST", "faults", [fault])
    fleet.create(exclusion("scanner"), strategy=STRATEGY)
    for _ in range(2):
        time.sleep(chance.uniform(0.05, 2.4))
        server.kill()
        server = harness.Server(tmp_path, url, simulated_aws.url)
        fleet.live = Live(server, simulated_aws, ecrkeeper.Client(server.address, insecure=True, timeout=20))
        check_limits(fleet)
    done = fleet.ended()
    states = Counter(RolloutTarget.State.Name(each.state) for each in fleet.targets())
    assert states == {"SUCCEEDED": 22, "FAILED": 2}
    assert [each.target_count for each in done.waves] == [2, 9, 13, 0]
    assert {account for (account, _), roles in fleet.excluded().items() if roles != ["scanner"]} == {bad}
    simulated_aws.control("DELETE", "faults")
    assert server.stop() == 0


def check_limits(fleet: Fleet) -> None:
    found = fleet.rollout()
    for number, wave in enumerate(found.waves):
        assert wave.running_count + wave.baking_count <= CONCURRENT
        assert wave.failed_count <= TOLERANCE + 1
        if number > found.wave and number < 3:
            assert wave.pending_count == wave.target_count


def test_replicas_share_a_rollout(
    request: pytest.FixtureRequest, simulated_aws: harness.Simulator, tmp_path: Path
) -> None:
    url = database(request, tmp_path, "postgres")
    harness.migrate(url)
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    servers = [harness.Server(folder, url, simulated_aws.url) for folder in folders]
    fleet = Fleet(Live(servers[0], simulated_aws, ecrkeeper.Client(servers[0].address, insecure=True)))
    fleet.add(15)
    fleet.create(exclusion("scanner"), strategy=STRATEGY)
    with ecrkeeper.Client(servers[1].address, insecure=True) as other:
        steps: list[Any] = [step.rollout for step in other.watch_rollout(f"{fleet.set_name}/rollouts/1", timeout=90)]
    assert steps[-1].state == Rollout.SUCCEEDED
    for each in steps:
        assert all(wave.running_count + wave.baking_count <= CONCURRENT for wave in each.waves)
    assert fleet.has("scanner"), fleet.excluded()
    reconciled = [(folder / "server.log").read_text().count('"reconciled"') for folder in folders]
    assert all(reconciled), f"each replica reconciles some of the registries: {reconciled}"
    for server in servers:
        assert server.stop() == 0
