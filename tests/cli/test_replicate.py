"""`replicate`: both sides in order, and the images that did not arrive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import ecrkeeper
import pytest

from tests import harness
from tests.cli.conftest import Command
from tests.e2e.live import Live, Place, fresh_account


@dataclass(frozen=True, slots=True)
class Sides:
    """The registries of a replication."""

    source: Place
    other_account: Place
    other_region: Place

    @property
    def short(self) -> list[str]:
        """The short names, the source's first."""
        return [f"{each.account}/{each.region}" for each in (self.source, self.other_account, self.other_region)]


@pytest.fixture
def sides(live: Live, account: str) -> Iterator[Sides]:
    registries = Sides(
        live.registry(account), live.registry(fresh_account(), "eu-west-1"), live.registry(account, "us-west-2")
    )
    registries.source.seed(repositories=["prod/api", "prod/web", "test/api"])
    yield registries
    live.aws.control("PUT", "settings", {"backfill_failed_images": 0})


def writes(live: Live, since: int) -> list[tuple[str, str]]:
    return [(call["account"], call["operation"]) for call in live.aws.writes(since)]


def test_both_sides_are_declared_in_order_and_images_arrive(cli: Command, live: Live, sides: Sides) -> None:
    options = ("--prefix", "prod/", "--template")
    since = live.aws.position()
    planned = cli("replicate", *sides.short, *options, "--plan")
    assert planned.status == 2, planned.err
    assert planned.out.count("/settings/replication\n") == 3
    assert "DESTINATION_POLICY_REQUIRED" not in planned.out, "the policy is among the declarations"
    assert writes(live, since) == []
    ended = cli("replicate", *sides.short, *options)
    assert ended.status == 0, ended.err
    for place in sides.short[1:]:
        assert f"{place}: all 3 images arrived" in ended.out
    calls = [call for call in writes(live, since) if "Role" not in call[1]]
    operations = [operation for _, operation in calls]
    assert operations.index("PutRegistryPolicy") < operations.index("PutReplicationConfiguration")
    assert operations[-2:] == ["StartReplicationBackfill"] * 2
    assert f"{sides.source.account}:root" in sides.other_account.aws()["policyText"]
    assert sides.other_region.aws()["policyText"] is None, "one account needs no permission"
    since = live.aws.position()
    repeated = cli("replicate", *sides.short, *options)
    assert repeated.status == 0, repeated.err
    assert writes(live, since) == []
    assert cli("replicate", *sides.short, *options, "--plan").status == 0


def test_delete_undoes_both_sides(cli: Command, sides: Sides) -> None:
    assert cli("replicate", *sides.short, "--no-backfill").status == 0
    deleted = cli("replicate", *sides.short, "--delete")
    assert deleted.out == f"{sides.short[0]}/replication is deleted\n{sides.short[1]}/replication is deleted\n"
    harness.eventually(lambda: sides.source.aws()["replicationConfiguration"]["rules"] == [])
    harness.eventually(lambda: sides.other_account.aws()["policyText"] is None)
    repeated = cli("replicate", *sides.short, "--delete")
    assert (repeated.status, repeated.out) == (0, "replication declares nothing in these registries\n")


def test_second_owner_replicates_to_the_same_registry(cli: Command, sides: Sides) -> None:
    first, second = (
        cli("replicate", *sides.short[:2], "--prefix", f"{prefix}/", "--owner", owner, "--no-backfill")
        for prefix, owner in (("prod", "replication"), ("base", "team-b"))
    )
    assert (first.status, second.status) == (0, 0), (first, second)
    statements = json.loads(sides.other_account.aws()["policyText"])["Statement"]
    place = f"{sides.source.account}{sides.source.region.replace('-', '')}"
    assert [each["Sid"] for each in statements] == [f"Replication{place}", f"TeamB{place}"]


def test_images_that_do_not_arrive_are_named(cli: Command, live: Live, sides: Sides) -> None:
    live.aws.control("PUT", "settings", {"backfill_failed_images": 2})
    ended = cli("replicate", sides.short[0], sides.short[2])
    assert ended.status == 1
    assert f"error: {sides.short[2]}: 2 of 3 images did not arrive\n  prod/api sha256:" in ended.err
    assert ended.err.count("INTERNAL_ERROR") == 2
    live.aws.control("PUT", "settings", {"backfill_failed_images": 0})
    assert cli("replicate", sides.short[0], sides.short[2]).status == 0, "a failed backfill is repeated"


def test_destination_that_denies_has_the_cause(cli: Command, sides: Sides) -> None:
    deny = {"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "ecr:ReplicateImage", "Resource": "*"}
    sides.other_account.seed(policyText={"Version": "2012-10-17", "Statement": [deny]})
    ended = cli("replicate", *sides.short[:2])
    assert ended.status == 1
    assert f"error: {sides.short[1]}: " in ended.err
    assert "Deny" in ended.err or "denies" in ended.err


def rejecting(live: Live, sides: Sides, operation: str, code: str) -> None:
    """Let ECR reject an operation of the source; `clear_faults` ends it."""
    live.aws.inject({"kind": "error", "service": "ecr", "operation": operation, "code": code, "status": 400, "account": sides.source.account})  # fmt: skip


def test_rejected_backfill_names_the_images_that_ecr_has_not_replicated(cli: Command, live: Live, sides: Sides) -> None:
    sides.source.seed(images={"prod/api": ["v1", "v2"], "test/api": ["v1"]})
    rejecting(live, sides, "StartReplicationBackfill", "AccessDeniedException")
    try:
        ended = cli("replicate", sides.short[0], sides.short[2], "--prefix", "prod/")
    finally:
        live.aws.clear_faults()
    assert ended.status == 1
    lead, *images = ended.err.splitlines()
    assert lead.startswith(f"error: {sides.short[2]}: ECR rejects the backfill: "), ended.err
    assert "AccessDenied" in lead
    assert lead.endswith("2 of 2 images did not arrive")
    assert [image.rpartition(": ")[2] for image in images] == ["NOT_REPLICATED"] * 2
    assert all(image.startswith("  prod/api sha256:") for image in images)
    assert cli("replicate", sides.short[0], sides.short[2], "--prefix", "prod/").status == 0, "a backfill copies them"


@pytest.mark.parametrize("operation", ["StartReplicationBackfill", "ListReplicationBackfills"])
def test_without_a_backfill_the_status_of_each_image_decides(
    cli: Command, live: Live, sides: Sides, operation: str
) -> None:
    assert cli("replicate", sides.short[0], sides.short[2], "--no-backfill").status == 0
    ecr = client_of(live, sides.source)
    ecr.put_image(repositoryName="prod/api", imageTag="v1", imageManifest="{}")
    rejecting(live, sides, operation, "UnknownOperationException")
    try:
        ended = cli("replicate", sides.short[0], sides.short[2])
        assert (ended.status, ended.out.splitlines()[-1]) == (0, f"{sides.short[2]}: the only image arrived"), ended
        sides.source.seed(images={"prod/api": ["v2"]})
        missing = cli("replicate", sides.short[0], sides.short[2])
    finally:
        live.aws.clear_faults()
    assert missing.status == 1
    assert f"error: {sides.short[2]}: ECR has no backfill of it: " in missing.err
    assert "1 of 1 images did not arrive" in missing.err


def test_failed_images_have_the_code_of_ecr(live: Live, sides: Sides) -> None:
    rules = {"rules": [{"destinations": [{"region": "eu-west-1", "registryId": sides.other_account.account}]}]}
    sides.source.seed(replicationConfiguration=rules)
    client_of(live, sides.source).put_image(repositoryName="prod/api", imageTag="v1", imageManifest="{}")
    live.aws.control("POST", "clock", {"advance": 1})
    destination = {"region": "eu-west-1", "registryId": sides.other_account.account}
    (image,) = live.client.list_image_replication_statuses(sides.source.name, destination, timeout=30)
    assert (image.repository_name, image.image_tag, image.status) == ("prod/api", "v1", "FAILED")
    assert image.failure_code == "DESTINATION_REGISTRY_ACCESS_DENIED"


def test_statuses_of_images_are_paged_over_repositories(live: Live, sides: Sides) -> None:
    repositories = [f"app/{at:03}" for at in range(130)]
    images = {repositories[0]: [f"v{at}" for at in range(45)], repositories[110]: ["v1"], repositories[129]: ["v1"]}
    sides.source.seed(repositories=[*repositories, "other"], images={**images, "other": ["v1"]})
    destination = {"region": "us-west-2", "registryId": sides.source.account}
    listed = list(
        live.client.list_image_replication_statuses(
            sides.source.name, destination, repository_prefixes=["app/"], page_size=20, timeout=30
        )
    )
    assert len({each.image_digest for each in listed}) == len(listed) == 47
    assert {each.repository_name for each in listed} == set(images)
    assert {each.status for each in listed} == {""}


def test_paused_registry_lists_no_images(live: Live, sides: Sides) -> None:
    sides.source.keep(mode="PAUSED")
    since = live.aws.position()
    with pytest.raises(ecrkeeper.FailedPrecondition) as caught:
        list(live.client.list_image_replication_statuses(sides.source.name, {"region": "us-west-2", "registryId": sides.source.account}))  # fmt: skip
    assert caught.value.reason == "PAUSED"
    assert [call for call in live.aws.requests(since) if call["account"] == sides.source.account] == []


def client_of(live: Live, place: Place) -> Any:
    return boto3.client(
        "ecr", endpoint_url=live.aws.url, region_name=place.region, aws_access_key_id=place.account,
        aws_secret_access_key="any",
    )  # fmt: skip


def test_other_replication_of_the_owner_is_not_removed_in_silence(cli: Command, sides: Sides) -> None:
    assert cli("replicate", sides.short[0], sides.short[2], "--no-backfill").status == 0
    ended = cli("replicate", *sides.short[:2], "--no-backfill")
    assert ended.status == 1
    assert "1 element would be removed from AWS, and 0 may be; nothing was written" in ended.err
    assert cli("replicate", *sides.short[:2], "--no-backfill", "--owner", "second").status == 0


def test_registry_is_needed(cli: Command, live: Live) -> None:
    assert "must be a name of the kind Registry" in cli("replicate", "111111111111", "111111111111/us-west-2").err
    with pytest.raises(ValueError, match="destination: must be a registry such as"):
        live.client.replicate("111111111111/us-east-1", ["111111111111/us-west-2/team"], owner="x")


async def test_asynchronous_client_replicates_as_well(live: Live, sides: Sides) -> None:
    async with ecrkeeper.AsyncClient(live.server.address, insecure=True) as client:
        declared = await client.replicate(sides.short[0], sides.short[1:], owner="replication")
        assert [(bool(each), each.arrived) for each in declared.results] == [(True, 3), (True, 3)]
        repeated = await client.replicate(sides.short[0], sides.short[1:], owner="replication", validate_only=True)
        assert not any(repeated.plans)
        assert len(await client.stop_replicating(sides.short[0], sides.short[1:], owner="replication")) == 2
