"""A server that is killed at random moments of a rollout.

The end is the same, and no limit is exceeded.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ecrkeeper
import pytest
from ecrkeeper.v1.fleet_pb2 import Rollout, RolloutTarget
from ecrkeeper_server.store import rollout_targets, rollouts, schema
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rollout_rows import RolloutRow, TargetRow
from ecrkeeper_server.turns import finish

from tests import databases, harness
from tests.e2e.live import Live
from tests.fleet.fleets import Fleet, exclusion

KINDS = ("sqlite", "postgres")
# Five runs take turns with the databases; a soak runs each seed on both.
SOAK = [(seed, kind) for seed in range(int(os.environ.get("FLEET_KILLS", "0"))) for kind in KINDS]
RUNS = SOAK or [(seed, KINDS[seed % 2]) for seed in range(5)]
CONCURRENT, TOLERANCE = 4, 5


def strategy(tolerance: int) -> dict[str, Any]:
    limits = {"maxConcurrent": {"count": CONCURRENT}, "failureTolerance": {"count": tolerance}}
    return {"waves": [{"count": 2}, {"percent": 40, **limits}, {"rest": True, **limits}]}


STRATEGY = strategy(TOLERANCE)


def database(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> str:
    return databases.migrated(request, kind, tmp_path)


@dataclass
class Killed:
    """A fleet whose server is killed, and started again on its database."""

    url: str
    aws: harness.Simulator
    folder: Path
    chance: random.Random
    tolerance: int
    fleet: Fleet = field(init=False)

    def __post_init__(self) -> None:
        self.fleet = Fleet(self.start())

    def start(self) -> Live:
        server = harness.Server(self.folder, self.url, self.aws.url)
        return Live(server, self.aws, ecrkeeper.Client(server.address, insecure=True, timeout=20))

    def kill(self, times: int) -> None:
        for _ in range(times):
            time.sleep(self.chance.uniform(0.05, 2.4))
            self.fleet.live.server.kill()
            self.fleet.live.client.close()
            asyncio.run(check_rows(self.url, self.fleet.label, self.tolerance))
            self.fleet.live = self.start()

    def stop(self) -> None:
        self.aws.clear_faults()
        self.fleet.live.client.close()
        assert self.fleet.live.server.stop() == 0


def break_accounts(aws: harness.Simulator, *accounts: str) -> None:
    aws.inject(*({
        "kind": "error", "service": "ecr", "operation": "RegisterPullTimeUpdateExclusion", "account": account,
        "code": "ValidationException", "message": "rejected by the test", "status": 400,
    } for account in accounts))  # fmt: skip


async def check_rows(url: str, set_id: str, tolerance: int) -> None:
    """Check the targets that the killed server has committed, and its counts."""
    db = schema.open_database(url)

    def read(tx: Tx) -> tuple[RolloutRow | None, list[TargetRow]]:
        rollout = rollouts.get(tx, set_id, 1)
        return rollout, [] if rollout is None else finish(rollout_targets.reading_page(tx, rollout, ("", ""), 1000))

    rollout, targets = await db.read(read)
    await db.close()
    if rollout is None or rollout.state == "PLANNING":
        return
    for number in range(3):
        states = Counter(str(each.state) for each in targets if each.wave == number)
        assert states == Counter({state: count for state, count in rollout.counts[number].items() if count})
        assert states["RUNNING"] + states["BAKING"] <= CONCURRENT
        assert states["FAILED"] <= (tolerance if number else 0) + 1
        assert number <= rollout.wave or set(states) <= {"PENDING"}


@pytest.mark.parametrize(("seed", "kind"), RUNS)
def test_killed_rollout_has_the_same_end(
    seed: int, kind: str, request: pytest.FixtureRequest, simulated_aws: harness.Simulator, tmp_path: Path
) -> None:
    url = database(request, tmp_path, kind)
    killed = Killed(url, simulated_aws, tmp_path, random.Random(seed), TOLERANCE)
    fleet = killed.fleet
    fleet.add(12)
    bad = fleet.accounts[4]
    break_accounts(simulated_aws, bad)
    fleet.create(exclusion("scanner"), strategy=STRATEGY)
    killed.kill(2)
    done = fleet.ended()
    states = Counter(RolloutTarget.State.Name(each.state) for each in fleet.targets())
    assert states == {"SUCCEEDED": 22, "FAILED": 2}
    assert [each.target_count for each in done.waves] == [2, 9, 13, 0]
    assert {account for (account, _), roles in fleet.excluded().items() if roles != ["scanner"]} == {bad}
    killed.stop()


@pytest.mark.parametrize(("seed", "kind"), SOAK or [(0, "sqlite"), (1, "postgres")])
def test_killed_rollout_halts_at_its_tolerance(
    seed: int, kind: str, request: pytest.FixtureRequest, simulated_aws: harness.Simulator, tmp_path: Path
) -> None:
    url, tolerance = database(request, tmp_path, kind), 1
    killed = Killed(url, simulated_aws, tmp_path, random.Random(seed), tolerance)
    fleet, since = killed.fleet, simulated_aws.position()
    fleet.add(12, enabledRegions=["us-east-1"])
    second, third = fleet.accounts[2:6], fleet.accounts[6:]
    break_accounts(simulated_aws, *second[1:])
    fleet.create(exclusion("scanner"), strategy=strategy(tolerance))
    killed.kill(2)
    halted = fleet.ended("HALTED")
    assert [each.failed_count for each in halted.waves] == [0, tolerance + 1, 0, 0]
    written = {each["account"] for each in simulated_aws.writes(since)}
    # A wave with a tolerance of 1 has tried no third one of the broken accounts.
    assert len(written & set(second[1:])) == tolerance + 1
    assert not written & set(third)
    simulated_aws.clear_faults()
    fleet.client.resume_rollout(halted.name)
    killed.kill(1)
    done = fleet.ended()
    assert [each.succeeded_count for each in done.waves] == [2, 4, 6, 0]
    assert {
        roles for (_, region), exclusions in fleet.excluded().items() if region == "us-east-1" for roles in exclusions
    } == {"scanner"}
    killed.stop()


def check_pause(fleet: Fleet, other: ecrkeeper.Client) -> None:
    """Check that a pause by one replica stops both of them within a second."""
    slow = {"waves": [{"rest": True, "maxConcurrent": {"count": 1}, "bake": "1s"}]}
    fleet.update({"allow_removals": 30}, settings=exclusion("other"), strategy=slow)
    name = f"{fleet.set_name}/rollouts/2"
    harness.eventually(lambda: fleet.rollout(2).waves and fleet.rollout(2).waves[0].succeeded_count)
    other.pause_rollout(name)
    time.sleep(1)
    pending, since = fleet.rollout(2).waves[0].pending_count, fleet.live.aws.position()
    # Long enough for the next target.
    time.sleep(2)
    assert fleet.rollout(2).waves[0].pending_count == pending > 0
    begun = {each.registry.split("/")[1] for each in fleet.targets(2) if each.state != each.PENDING}
    assert {each["account"] for each in fleet.live.aws.writes(since)} <= begun
    other.cancel_rollout(name)


def test_replicas_share_a_rollout(
    request: pytest.FixtureRequest, simulated_aws: harness.Simulator, tmp_path: Path
) -> None:
    url = database(request, tmp_path, "postgres")
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
        check_pause(fleet, other)
    reconciled = [(folder / "server.log").read_text().count('"reconciled"') for folder in folders]
    assert all(reconciled), f"each replica reconciles some of the registries: {reconciled}"
    for server in servers:
        assert server.stop() == 0
