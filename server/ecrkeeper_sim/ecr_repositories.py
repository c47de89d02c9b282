"""The little of ECR repositories that shows the effect of registry settings."""

from __future__ import annotations

from ecrkeeper_sim.calls import Call, handles, own_registry
from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.paging import ecr_page
from ecrkeeper_sim.partitions import partition_of
from ecrkeeper_sim.state import Json, Registry, World


def new_repository(world: World, registry: Registry, name: str, options: Json) -> Json:
    """Enter a repository in the registry."""
    where = f"{registry.account}.dkr.ecr.{registry.region}.amazonaws.com"
    arn = f"arn:{partition_of(registry.region)}:ecr:{registry.region}:{registry.account}:repository/{name}"
    repository = {
        "repositoryArn": arn,
        "registryId": registry.account,
        "repositoryName": name,
        "repositoryUri": f"{where}/{name}",
        "createdAt": world.clock.now(),
        "imageTagMutability": options.get("imageTagMutability", "MUTABLE"),
        "imageScanningConfiguration": options.get("imageScanningConfiguration", {"scanOnPush": False}),
        "encryptionConfiguration": options.get("encryptionConfiguration", {"encryptionType": "AES256"}),
    }
    registry.repositories[name] = repository
    return repository


@handles("ecr", "CreateRepository")
def create_repository(call: Call, params: Json) -> Json:
    """Create a repository."""
    registry, name = own_registry(call, params), params["repositoryName"]
    if name in registry.repositories:
        raise AwsError(
            "RepositoryAlreadyExistsException",
            f"The repository with name '{name}' already exists in the registry with id '{registry.account}'",
        )
    return {"repository": new_repository(call.world, registry, name, params)}


@handles("ecr", "DescribeRepositories")
def describe_repositories(call: Call, params: Json) -> Json:
    """Return repositories by name, or all of them page by page."""
    registry = own_registry(call, params)
    if "repositoryNames" in params:
        return {"repositories": [_existing(registry, name) for name in params["repositoryNames"]]}
    shown, token = ecr_page(sorted(registry.repositories.items()), params, 100)
    return {"repositories": shown, **({"nextToken": token} if token else {})}


@handles("ecr", "DeleteRepository")
def delete_repository(call: Call, params: Json) -> Json:
    """Delete a repository."""
    registry = own_registry(call, params)
    repository = _existing(registry, params["repositoryName"])
    del registry.repositories[params["repositoryName"]]
    registry.images.pop(params["repositoryName"], None)
    return {"repository": repository}


def _existing(registry: Registry, name: str) -> Json:
    repository = registry.repositories.get(name)
    if repository is None:
        raise AwsError(
            "RepositoryNotFoundException",
            f"The repository with name '{name}' does not exist in the registry with id '{registry.account}'",
        )
    return repository
