"""Rollouts to hundreds of registries, with real processes on both databases."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ecrkeeper
import pytest

from tests import harness
from tests.e2e.live import Live
from tests.e2e.test_events import REGION
from tests.fleet.fleets import Fleet

WAIT_SECONDS = 150.0


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> str:
    found = f"sqlite:///{tmp_path / 'ecrkeeper.db'}"
    if kind == "postgres":
        found = request.getfixturevalue("cluster").create_database(f"test_{uuid.uuid4().hex[:12]}")
    harness.migrate(found)
    return found


@pytest.fixture
def fleet(url: str, aws: harness.Simulator, tmp_path: Path) -> Iterator[Fleet]:
    server = harness.Server(tmp_path, url, aws.url)
    with ecrkeeper.Client(server.address, insecure=True, timeout=60) as client:
        yield Fleet(Live(server, aws, client))
    assert server.stop() == 0


def statement(sid: str, account: str = "${account}") -> dict[str, Any]:
    """A statement that lets the registry's own account import images."""
    return {
        "Sid": sid, "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": ["ecr:BatchImportUpstreamImage"],
        "Resource": f"arn:aws:ecr:{'${region}' if account == '${account}' else REGION}:{account}:repository/*",
    }  # fmt: skip


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def sids(text: str) -> set[str]:
    return {each["Sid"] for each in json.loads(text)["Statement"]}


def limited(amount: int) -> dict[str, Any]:
    """The limits of a wave that tolerates so many failures."""
    return {"failureTolerance": {"count": amount}, "maxConcurrent": {"count": 50}, "bake": "1s"}


@pytest.mark.parametrize(("kind", "resumes"), [("sqlite", True), ("postgres", False)])
def test_failures_in_the_second_of_three_waves_halt_300_registries(fleet: Fleet, resumes: bool) -> None:
    accounts = fleet.add(300, enabledRegions=[REGION])
    aws, client = fleet.live.aws, fleet.client
    # Everybody's statements are in one document: some registries have another owner's, some unmanaged ones.
    owned, unmanaged = set(accounts[::7]), set(accounts[::5])
    for account in unmanaged:
        aws.seed({"policyText": policy(statement("Unmanaged", account))}, REGION, account)
    for account in owned:
        name = f"accounts/{account}/registries/{REGION}/settings/other"
        client.apply_registry_settings(name, {"registryPolicy": {"policyText": policy(statement("Other", account))}})
    for account in owned:
        client.wait_until_synced(f"accounts/{account}/registries/{REGION}")
    since, bad = aws.position(), accounts[5:8]
    aws.inject(*({
        "kind": "error", "service": "ecr", "operation": "PutRegistryPolicy", "account": account,
        "code": "InvalidParameterException", "message": "rejected by the test", "status": 400,
    } for account in bad))  # fmt: skip
    fleet.create(
        {"registryPolicy": {"policyText": policy(statement("Fleet"))}},
        strategy={
            "waves": [
                {"count": 2, **limited(1)}, {"percent": 10, **limited(1)}, {"rest": True, **limited(60)}
            ]
        },
    )  # fmt: skip
    halted = fleet.ended("HALTED", seconds=WAIT_SECONDS)
    second = halted.waves[1]
    assert (halted.wave, halted.waves[0].succeeded_count, second.target_count) == (1, 2, 30)
    assert second.failed_count == 2, "tolerance plus one"
    third = set(accounts[32:])
    assert halted.waves[2].pending_count == len(third)
    assert not third & {each["account"] for each in aws.writes(since)}
    aws.clear_faults()
    if resumes:
        client.resume_rollout(halted.name)
        done = fleet.ended(seconds=WAIT_SECONDS)
        assert sum(wave.succeeded_count for wave in done.waves) == 300
    else:
        client.roll_back_rollout(halted.name)
        fleet.ended("ROLLED_BACK", seconds=WAIT_SECONDS)
    others = {
        account: {name for name, of in (("Other", owned), ("Unmanaged", unmanaged)) if account in of}
        for account in accounts
    }
    for account in accounts:
        wanted = others[account] | ({"Fleet"} if resumes else set())
        found = aws.registry(REGION, account)["policyText"]
        assert (sids(found) if found else set()) == wanted, account
    for each in aws.writes(since):
        written = sids(each["params"]["policyText"]) if each["operation"] == "PutRegistryPolicy" else set()
        assert others[each["account"]] <= written, f"{each} lacks elements of others"
