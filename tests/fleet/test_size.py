"""Rollouts to hundreds of registries, with real processes on both databases."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ecrkeeper
import pytest

from tests import databases, harness
from tests.e2e.live import Live
from tests.e2e.test_events import QUEUE_ACCOUNT, QUEUE_ARN, QUEUE_URL, REGION
from tests.fleet.fleets import Fleet, exclusion
from tests.fleet.test_organization import MANAGEMENT, ORGANIZATION_POLICY

WAIT_SECONDS = 150.0


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> str:
    return databases.migrated(request, kind, tmp_path)


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
        expected = others[account] | ({"Fleet"} if resumes else set())
        observed = aws.registry(REGION, account)["policyText"]
        assert (sids(observed) if observed else set()) == expected, account
    for each in aws.writes(since):
        written = sids(each["params"]["policyText"]) if each["operation"] == "PutRegistryPolicy" else set()
        assert others[each["account"]] <= written, f"{each} lacks elements of others"


REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-2")


@pytest.fixture
def organized(url: str, aws: harness.Simulator, tmp_path: Path) -> Iterator[Fleet]:
    """A server with an organization and a queue of events, which polls seldom."""
    aws.control("PUT", "queues", {"account": QUEUE_ACCOUNT, "region": REGION, "name": "events"})
    aws.control("PUT", "events/routes", {"routes": [{"queue": QUEUE_ARN}]})
    aws.control("PUT", f"accounts/{MANAGEMENT}", {"iam_policy": ORGANIZATION_POLICY})
    role = f"arn:aws:iam::{MANAGEMENT}:role/organization/ecrkeeper"
    server = harness.Server(
        tmp_path, url, aws.url, event_queue_urls=QUEUE_URL, organization_role_arn=role, organization_seconds=900
    )
    with ecrkeeper.Client(server.address, insecure=True, timeout=60) as client:
        yield Fleet(Live(server, aws, client))
    assert server.stop() == 0


def replicated() -> dict[str, Any]:
    """A replication within the account, for which ECR needs its role."""
    return {
        "replicationConfiguration": {
            "rules": [{"destinations": [{"region": "sa-east-1", "registryId": "${account}"}]}],
        },
        **exclusion("scanner"),
    }


class Organization:
    """Accounts in units, as AWS Organizations has them."""

    def __init__(self, aws: harness.Simulator, count: int) -> None:
        self.aws = aws
        self.accounts = {f"{number:012}": {"unit": "/workloads/prod"} for number in range(100_001, 100_001 + count)}

    def enable(self, account: str, *regions: str) -> None:
        self.aws.control("PUT", f"accounts/{account}", {"enabled_regions": [*regions, "sa-east-1"]})

    def put(self, **changes: dict[str, Any]) -> None:
        self.accounts.update(changes)
        self.aws.control("PUT", "organization", {"management": MANAGEMENT, "accounts": self.accounts})


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_set_over_200_accounts_of_5_regions_follows_its_organization(organized: Fleet) -> None:
    aws, client = organized.live.aws, organized.client
    # AWS Organizations allows few calls a second, so most accounts are declared.
    organization = Organization(aws, 5)
    declared = organized.add(195, organizationalUnit="/workloads/prod", enabledRegions=[*REGIONS])
    for account in (*organization.accounts, *declared):
        organization.enable(account, *REGIONS)
    held, moving, *_ = organization.accounts
    organization.put(**{held: {"unit": "/workloads/prod", "state": "SUSPENDED"}})
    harness.eventually(lambda: sum(bool(each.enabled_regions) for each in client.list_accounts()) == 199, 90)
    since = aws.position()
    for name, unit in (("prod", "/workloads/prod"), ("moved", "/workloads/moved")):
        selector = {"accounts": f'organizational_unit = "{unit}"', "regions": list(REGIONS)}
        waves = {"waves": [{"rest": True, **limited(300), "maxConcurrent": {"count": 300}}]}
        client.create_registry_set(name, {"selector": selector, "settings": replicated(), "strategy": waves})
    prod, moved = (Fleet(organized.live, name) for name in ("prod", "moved"))
    done = prod.ended(number=1, seconds=WAIT_SECONDS)
    moved.ended(number=1)
    assert (done.waves[0].succeeded_count, done.waves[0].held_count) == (199 * 5, 5)
    creations = Counter(each["account"] for each in aws.writes(since) if each["operation"] == "CreateServiceLinkedRole")
    assert set(creations.values()) <= {1}, "roles are made once for each account"
    roles = {
        account: aws.control("GET", f"accounts/{account}")["roles"]
        for account in [*organization.accounts, *declared[:15]]
    }
    assert [len(registries) for registries in roles.values()] == [0] + [1] * 19
    assert held not in {each["account"] for each in aws.writes(since)}

    since, added = aws.position(), "000000200001"
    organization.enable(added, "us-east-1")
    organization.put(**{added: {"unit": "/workloads/prod"}})
    harness.eventually(lambda: aws.registry("us-east-1", added)["exclusions"], 60)
    organization.enable(added, "us-east-1", "eu-west-1")
    harness.eventually(lambda: aws.registry("eu-west-1", added)["exclusions"], 60)
    organization.put(**{moving: {"unit": "/workloads/moved"}})
    owners = f"accounts/{moving}/registries/{REGION}/settings"
    harness.eventually(
        lambda: (
            [each.name for each in client.list_registry_settings(f"accounts/{moving}/registries/-")]
            == [f"accounts/{moving}/registries/{region}/settings/moved" for region in sorted(REGIONS)]
        ),
        60,
    )
    written = [each for each in aws.writes(since) if each["account"] != added]
    assert written == [], "nothing is removed, so nothing is made again"
    assert client.get_registry_settings(f"{owners}/moved").managed_by == "registrySets/moved"
    organization.put(**{held: {"unit": "/workloads/prod", "state": "ACTIVE"}})
    harness.eventually(lambda: all(aws.registry(region, held)["exclusions"] for region in REGIONS), 60)
    succeeded = prod.rollout().SUCCEEDED
    harness.eventually(lambda: all(each.state == succeeded for each in client.list_rollouts("registrySets/prod")))
