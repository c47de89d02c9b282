"""RegistrySettingsService: the replication status of images."""

from __future__ import annotations

from ecrkeeper.v1 import registry_settings_service_pb2 as pb

from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.ecr.images import FIRST, statuses
from ecrkeeper_server.errors import FailedPrecondition
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.codec import to_aws
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.specs import Mode

# Each image is a call to AWS, and calls of the engine to the account wait meanwhile.
_MAX_IMAGES = 20
_CODE_CHARACTERS = 1_000


class ImageReplication:
    """List the replication status of images."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    async def ListImageReplicationStatuses(
        self, request: pb.ListImageReplicationStatusesRequest, context: Context
    ) -> pb.ListImageReplicationStatusesResponse:
        """List images with their status at a destination."""
        registry, page = RegistryName.parse(request.parent, "parent"), await self._deps.page(request, FIRST)
        row = await self._deps.db.read(lambda tx: resources.get(tx, str(registry)))
        if row is not None and row.mode is Mode.PAUSED:
            raise FailedPrecondition(f"{registry} is paused, so AWS is not read; resume it first", reason="PAUSED")
        size = min(request.page_size or _MAX_IMAGES, _MAX_IMAGES)
        images, cursor = await statuses(
            self._deps.aws, registry, to_aws(request.destination), request.repository_prefixes, size, page.after
        )
        response = pb.ListImageReplicationStatusesResponse(next_page_token="" if cursor is None else page.token(cursor))
        for each in images:
            response.image_replication_statuses.add(
                repository_name=each.repository,
                image_digest=each.digest,
                image_tag=each.tag,
                status=each.status,
                failure_code=each.failure_code[:_CODE_CHARACTERS],
            )
        return response
