"""Events that no API call causes.

They are replication, pull-through cache, and the opt-in status of Regions.
"""

from __future__ import annotations

from ecrkeeper_sim.clock import iso8601
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


def _replication(world: World, account: str, region: str, given: Json) -> Json:
    detail = {
        "result": "SUCCESS",
        "repository-name": "app",
        "image-digest": _DIGEST,
        "source-account": account,
        "action-type": "REPLICATE",
        "source-region": region,
        "image-tag": "latest",
        **given,
    }
    resources = [_repository(account, region, detail["repository-name"])]
    return _event(world, "aws.ecr", "ECR Replication Action", (account, region), resources, detail)


def _cache(world: World, account: str, region: str, given: Json) -> Json:
    detail = {
        "rule-version": "1",
        "sync-status": "SUCCESS",
        "ecr-repository-prefix": "quay",
        "repository-name": "quay/app",
        "upstream-registry-url": "quay.io",
        "image-tag": "latest",
        "image-digest": _DIGEST,
        **given,
    }
    resources = [_repository(account, region, detail["repository-name"])]
    return _event(world, "aws.ecr", "ECR Pull Through Cache Action", (account, region), resources, detail)


def _opt_in(world: World, account: str, region: str, given: Json) -> Json:
    detail = {"accountId": account, "regionName": region, "status": "ENABLED", **given}
    partition = partition_of(region)
    place = (account, {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}.get(partition, "us-east-1"))
    resources = [f"arn:{partition}:account::{account}:account"]
    return _event(world, "aws.account", "Region Opt-In Status Change", place, resources, detail)


_BUILDERS = {
    "ECR Replication Action": _replication,
    "ECR Pull Through Cache Action": _cache,
    "Region Opt-In Status Change": _opt_in,
}
