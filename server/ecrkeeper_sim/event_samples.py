"""Events that no API call to the simulator causes.

They are replication, pull-through cache, the opt-in status of Regions, and changes of the organization.
"""

from __future__ import annotations

from collections.abc import Collection

from ecrkeeper_sim.clock import iso8601
from ecrkeeper_sim.organization import Organization
from ecrkeeper_sim.partitions import partition_of
from ecrkeeper_sim.state import Json, World

_DIGEST = "sha256:" + "7f5b2640fe6fb4f46592dfd3410c4a79dac4f89e4782432e0378abcd" + "12345678"


def service_event(world: World, body: Json) -> Json:
    """Return the event that the body describes.

    Raises ValueError or KeyError for an unknown one.
    """
    detail_type = body["detail_type"]
    build = _BUILDERS.get(detail_type)
    if build is None:
        raise ValueError(f"detail_type must be one of {', '.join(_BUILDERS)}")
    return build(world, body["account"], body["region"], body.get("detail", {}))


def _event(
    world: World, source: str, detail_type: str, place: tuple[str, str], resources: list[str], detail: Json
) -> Json:
    return {
        "version": "0",
        "id": world.uuid(),
        "detail-type": detail_type,
        "source": source,
        "account": place[0],
        "time": iso8601(world.clock.now()),
        "region": place[1],
        "resources": resources,
        "detail": detail,
    }


def _repository(account: str, region: str, name: str) -> str:
    return f"arn:{partition_of(region)}:ecr:{region}:{account}:repository/{name}"


def _replication(world: World, account: str, region: str, members: Json) -> Json:
    detail = {
        "result": "SUCCESS",
        "repository-name": "app",
        "image-digest": _DIGEST,
        "source-account": account,
        "action-type": "REPLICATE",
        "source-region": region,
        "image-tag": "latest",
        **members,
    }
    resources = [_repository(account, region, detail["repository-name"])]
    return _event(world, "aws.ecr", "ECR Replication Action", (account, region), resources, detail)


def _cache(world: World, account: str, region: str, members: Json) -> Json:
    detail = {
        "rule-version": "1",
        "sync-status": "SUCCESS",
        "ecr-repository-prefix": "quay",
        "repository-name": "quay/app",
        "upstream-registry-url": "quay.io",
        "image-tag": "latest",
        "image-digest": _DIGEST,
        **members,
    }
    resources = [_repository(account, region, detail["repository-name"])]
    return _event(world, "aws.ecr", "ECR Pull Through Cache Action", (account, region), resources, detail)


def _opt_in(world: World, account: str, region: str, members: Json) -> Json:
    detail = {"accountId": account, "regionName": region, "status": "ENABLED", **members}
    partition = partition_of(region)
    place = (account, {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}.get(partition, "us-east-1"))
    resources = [f"arn:{partition}:account::{account}:account"]
    return _event(world, "aws.account", "Region Opt-In Status Change", place, resources, detail)


def opt_in_events(
    world: World, account: str, before: Collection[str] | None, after: Collection[str] | None
) -> list[Json]:
    """Return the events of the Regions that an account enables and disables.

    There are none if its Regions are the usual ones.
    """
    if before is None or after is None:
        return []
    statuses = {region: "ENABLED" if region in after else "DISABLED" for region in sorted({*before} ^ {*after})}
    return [_opt_in(world, account, region, {"status": status}) for region, status in statuses.items()]


def organization_events(world: World, before: Organization, after: Organization) -> list[Json]:
    """Return the events of new accounts, and one of all other changes."""
    if not after.management or before == after:
        return []
    created = [
        _of_organization(world, after.management, "CreateAccountResult", {"accountId": account})
        for account in sorted(after.members.keys() - before.members.keys())
    ]
    same = {account: after.members[account] for account in before.members if account in after.members}
    return (
        created if same == before.members else [*created, _of_organization(world, after.management, "MoveAccount", {})]
    )


def _of_organization(world: World, management: str, name: str, status: Json) -> Json:
    is_call = not status
    detail = {
        "eventVersion": "1.08",
        "userIdentity": {"accountId": management} if is_call else {"invokedBy": "AWS Internal"},
        "eventTime": iso8601(world.clock.now()),
        "eventSource": "organizations.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "eventID": world.uuid(),
        "readOnly": False,
        "eventType": "AwsApiCall" if is_call else "AwsServiceEvent",
        "recipientAccountId": management,
        **({"requestID": world.uuid()} if is_call else {"serviceEventDetails": {"createAccountStatus": status}}),
    }
    kind = "AWS API Call via CloudTrail" if is_call else "AWS Service Event via CloudTrail"
    return _event(world, "aws.organizations", kind, (management, "us-east-1"), [], detail)


_BUILDERS = {
    "ECR Replication Action": _replication,
    "ECR Pull Through Cache Action": _cache,
    "Region Opt-In Status Change": _opt_in,
}
