"""The little of ECR images that shows how they are replicated."""

from __future__ import annotations

import hashlib

from ecrkeeper_sim.calls import Call, handles, own_registry
from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.paging import ecr_page
from ecrkeeper_sim.partitions import partition_of
from ecrkeeper_sim.policy_documents import allows_principal
from ecrkeeper_sim.state import Json, Registry, World

ACCESS_DENIED = "DESTINATION_REGISTRY_ACCESS_DENIED"


def new_image(registry: Registry, repository: str, tag: str, manifest: str = "") -> Json:
    """Enter an image; it is replicated nowhere."""
    content = manifest or f"{repository}:{tag}"
    digest = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
    image = {"imageDigest": digest, "imageTag": tag, "manifest": content, "replications": {}}
    registry.images.setdefault(repository, {})[digest] = image
    return image


def note_replication(world: World, image: Json, destination: Json, failure: str, seconds: float) -> None:
    """Keep how an image is replicated to a destination, from now on."""
    place = f"{destination['registryId']}/{destination['region']}"
    image["replications"][place] = {"failureCode": failure, "doneAt": world.clock.now() + seconds}


def is_replicated(registry: Registry, destination: Json, name: str) -> bool:
    """Return whether a rule replicates the repository to the destination.

    Of a destination that was removed meanwhile, the images are copied as before.
    """
    rules = [rule for rule in registry.replication_rules if destination in rule["destinations"]]
    filters = [rule.get("repositoryFilters") or [] for rule in rules]
    return not rules or any(not each or any(name.startswith(f["filter"]) for f in each) for each in filters)


def is_rejected(world: World, registry: Registry, destination: Json, name: str) -> bool:
    """Return whether the policy of the destination does not admit an image."""
    account, region = destination["registryId"], destination["region"]
    if account == registry.account:
        return False
    resource = f"arn:{partition_of(region)}:ecr:{region}:{account}:repository/{name}"
    policy = world.registry(account, region).policy
    return not allows_principal(policy, registry.account, "ecr:ReplicateImage", resource)


@handles("ecr", "PutImage")
def put_image(call: Call, params: Json) -> Json:
    """Push an image, and replicate it as the rules say."""
    registry, name = own_registry(call, params), params["repositoryName"]
    _check_repository(registry, name)
    image = new_image(registry, name, params.get("imageTag", ""), params["imageManifest"])
    places = {(d["registryId"], d["region"]): d for rule in registry.replication_rules for d in rule["destinations"]}
    for destination in places.values():
        if is_replicated(registry, destination, name):
            failure = ACCESS_DENIED if is_rejected(call.world, registry, destination, name) else ""
            note_replication(call.world, image, destination, failure, call.settings.replication_seconds)
    shown = {"imageId": _id(image), "imageManifest": image["manifest"]}
    return {"image": {"registryId": registry.account, "repositoryName": name, **shown}}


@handles("ecr", "ListImages")
def list_images(call: Call, params: Json) -> Json:
    """Return the ids of the images of a repository, page by page."""
    registry, name = own_registry(call, params), params["repositoryName"]
    _check_repository(registry, name)
    items = [(digest, _id(image)) for digest, image in sorted(registry.images.get(name, {}).items())]
    shown, token = ecr_page(items, params, 100)
    return {"imageIds": shown, **({"nextToken": token} if token else {})}


@handles("ecr", "DescribeImageReplicationStatus")
def describe_image_replication_status(call: Call, params: Json) -> Json:
    """Return the replication status of an image at each destination."""
    registry, name = own_registry(call, params), params["repositoryName"]
    _check_repository(registry, name)
    wanted = params["imageId"]
    image = next((i for i in registry.images.get(name, {}).values() if wanted.items() <= _id(i).items()), None)
    if image is None:
        raise AwsError(
            "ImageNotFoundException",
            f"The image with imageId {wanted} does not exist within the repository with name '{name}' in the registry "
            f"with id '{registry.account}'",
        )
    statuses = []
    for place, each in sorted(image["replications"].items()):
        account, _, region = place.partition("/")
        status = {"region": region, "registryId": account, "status": "IN_PROGRESS"}
        if call.now() >= each["doneAt"]:
            status["status"] = "FAILED" if each["failureCode"] else "COMPLETE"
            if each["failureCode"]:
                status["failureCode"] = each["failureCode"]
        statuses.append(status)
    return {"repositoryName": name, "imageId": wanted, "replicationStatuses": statuses}


def _id(image: Json) -> Json:
    return {name: image[name] for name in ("imageDigest", "imageTag") if image[name]}


def _check_repository(registry: Registry, name: str) -> None:
    if name not in registry.repositories:
        raise AwsError(
            "RepositoryNotFoundException",
            f"The repository with name '{name}' does not exist in the registry with id '{registry.account}'",
        )
