"""The images of a registry with their replication status, as ECR has them.

ECR reports the status of one image at a time, so a walk is cut into short pages that continue with ECR's own tokens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.names import RegistryName

# The token of a page of repositories, the next repository in it, and the token of a page of its images.
Cursor = list[Any]
FIRST: Cursor = ["", 0, ""]
_REPOSITORIES = 100
_MAX_CONCURRENT = 5
# The maximum number of lists of images for one page: many repositories may be empty.
_MAX_LISTS = 20
_NOT_FOUND = "NOT_FOUND"


class ImageStatus(Struct, frozen=True):
    """The replication of an image to one destination.

    `status` is empty if there is none.
    """

    repository: str
    digest: str
    tag: str
    status: str = ""
    failure_code: str = ""


async def statuses(
    aws: Aws,
    registry: RegistryName,
    destination: Mapping[str, Any],
    prefixes: Sequence[str],
    size: int,
    cursor: Cursor,
) -> tuple[list[ImageStatus], Cursor | None]:
    """Return at most `size` images after a cursor, and the next cursor.

    The next cursor is None at the end.
    """
    token, at, images_token = cursor
    listed: list[tuple[str, dict[str, Any]]] = []
    names, following = await _repositories(aws, registry, token)
    lists = 0
    while len(listed) < size and lists < _MAX_LISTS:
        if at >= len(names):
            if not following:
                return await _described(aws, registry, destination, listed), None
            token, at, images_token = following, 0, ""
            names, following = await _repositories(aws, registry, token)
            lists += 1
        elif prefixes and not names[at].startswith(tuple(prefixes)):
            at += 1
        else:
            ids, images_token = await _images(aws, registry, names[at], size - len(listed), images_token)
            listed += [(names[at], each) for each in ids]
            at += not images_token
            lists += 1
    return await _described(aws, registry, destination, listed), [token, at, images_token]


async def _repositories(aws: Aws, registry: RegistryName, token: str) -> tuple[list[str], str]:
    params = {"maxResults": _REPOSITORIES, **({"nextToken": token} if token else {})}
    answer = await aws.call(registry.account, registry.region, "ecr", "DescribeRepositories", params)
    return [each["repositoryName"] for each in answer.get("repositories") or ()], answer.get("nextToken") or ""


async def _images(
    aws: Aws, registry: RegistryName, repository: str, size: int, token: str
) -> tuple[list[dict[str, Any]], str]:
    params = {"repositoryName": repository, "maxResults": size, **({"nextToken": token} if token else {})}
    try:
        answer = await aws.call(registry.account, registry.region, "ecr", "ListImages", params)
    except AwsError as error:
        if error.grpc_code != _NOT_FOUND:
            raise
        return [], ""  # The repository was deleted meanwhile.
    return answer.get("imageIds") or [], answer.get("nextToken") or ""


async def _described(
    aws: Aws, registry: RegistryName, destination: Mapping[str, Any], listed: Sequence[tuple[str, dict[str, Any]]]
) -> list[ImageStatus]:
    # ListImages names an image once for each of its tags.
    images = {(repository, each["imageDigest"]): each.get("imageTag") or "" for repository, each in listed}
    running = asyncio.Semaphore(_MAX_CONCURRENT)

    async def status(repository: str, digest: str, tag: str) -> ImageStatus | None:
        params = {"repositoryName": repository, "imageId": {"imageDigest": digest}}
        async with running:
            try:
                answer = await aws.call(
                    registry.account, registry.region, "ecr", "DescribeImageReplicationStatus", params
                )
            except AwsError as error:
                if error.grpc_code != _NOT_FOUND:
                    raise
                return None  # The image was deleted meanwhile.
        for each in answer.get("replicationStatuses") or ():
            if (each["registryId"], each["region"]) == (destination["registryId"], destination["region"]):
                return ImageStatus(repository, digest, tag, each["status"], each.get("failureCode") or "")
        return ImageStatus(repository, digest, tag)

    statuses = await asyncio.gather(*(status(*image, tag) for image, tag in images.items()))
    return [each for each in statuses if each is not None]
