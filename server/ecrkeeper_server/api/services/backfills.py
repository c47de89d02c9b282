"""RegistrySettingsService: the calls on replication backfills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecrkeeper.v1 import registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from google.longrunning import operations_pb2

from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.layers.telemetry import caller_of
from ecrkeeper_server.api.messages import backfill as backfill_message
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.not_found import asking_for
from ecrkeeper_server.api.services.pages import everything, scan
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.declarations.audit_records import record
from ecrkeeper_server.declarations.idempotency import find_response, save_response
from ecrkeeper_server.ecr.apply import AwsWrite, change, complete
from ecrkeeper_server.ecr.backfills import BACKFILL, destination_key, list_backfills
from ecrkeeper_server.ecr.observe import observe
from ecrkeeper_server.errors import FailedPrecondition, NotFound, PreconditionViolation
from ecrkeeper_server.names import BackfillName, RegistryName
from ecrkeeper_server.settings.codec import to_aws
from ecrkeeper_server.settings.elements import Change, ChangeKind
from ecrkeeper_server.settings.replication import destinations
from ecrkeeper_server.store import audit, operations, resources
from ecrkeeper_server.store.backfills import Backfill, BackfillMetadata
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Method, Operation, Resource
from ecrkeeper_server.store.specs import NEW_REGISTRY, Mode

_CODE_CHARACTERS = 1_000


class Backfills:
    """Start, stop, get and list backfills, and list their results."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    async def StartReplicationBackfill(
        self, request: pb.StartReplicationBackfillRequest, context: Context
    ) -> operations_pb2.Operation:
        """Start a backfill."""
        registry = RegistryName.parse(request.parent, "parent")
        caller, destination = caller_of(request), to_aws(request.destination)
        known, row = await self._deps.db.read(lambda tx: (find_response(tx, caller), resources.get(tx, str(registry))))
        # A repetition finds the backfill that the first call started, which is not a conflict.
        if known is None:
            # Before the call to AWS, because PAUSED forbids reads as well.
            _check_mode(registry, row)
            await self._check_destination(registry, destination)
        if request.validate_only:
            operation = operations_pb2.Operation(done=True)
            backfill = registry_pb2.ReplicationBackfill(destination=request.destination)
            operation.metadata.Pack(
                pb.StartReplicationBackfillMetadata(registry=str(registry), replication_backfill=backfill)
            )
            operation.response.Pack(backfill)
            return operation

        def store(tx: Tx) -> Operation | None:
            known = find_response(tx, caller)
            if known is not None:
                return operations.get(tx, known)
            _check_mode(registry, resources.ensure(tx, registry, NEW_REGISTRY))
            for begun in operations.pending(tx, str(registry), Method.START_BACKFILL):
                if BackfillMetadata(begun.metadata).destination == destination:
                    raise _in_progress(registry, destination)
            row = resources.request(tx, str(registry))
            operation = operations.create(
                tx, Method.START_BACKFILL, row, BackfillMetadata.of(destination), caller=caller.principal
            )
            save_response(tx, caller, operation.id)
            changes = [change(BACKFILL, destination_key(destination), None, destination)]
            record(tx, caller, registry, generation=row.generation, changes=changes)
            return operation

        return await self._deps.begin(store)

    async def _check_destination(self, registry: RegistryName, destination: Mapping[str, Any]) -> None:
        """Reject what ECR would reject, before anything is stored."""
        place = destination_key(destination)
        setting = "replication_configuration"
        observed = (await observe(self._deps.aws, registry, [setting]))[setting]
        requested = RegistryName(destination["registryId"], destination["region"])
        if requested not in destinations(observed.elements):
            raise FailedPrecondition(
                f"{place} is not a replication destination of {registry} in AWS; declare it and wait until it is in"
                " sync",
                reason="DESTINATION_NOT_CONFIGURED",
                preconditions=[PreconditionViolation("DESTINATION_NOT_CONFIGURED", place, "not a destination")],
            )
        running = [each for each in await list_backfills(self._deps.aws, registry) if not each.ended]
        if any(each.destination == destination for each in running):
            raise _in_progress(registry, destination)

    async def StopReplicationBackfill(
        self, request: pb.StopReplicationBackfillRequest, context: Context
    ) -> registry_pb2.ReplicationBackfill:
        """Stop a backfill."""
        name = BackfillName.parse(request.name)
        where, caller = name.registry, caller_of(request)
        stops = [Change(BACKFILL, name.backfill, ChangeKind.UPDATE, None, {"status": "STOPPING"})]
        params = {"replicationBackfillId": name.backfill}
        write = AwsWrite(where.account, where.region, "ecr", caller.method, params, stops)
        event = write.event(str(name), principal=caller.principal, call_id=caller.call_id)
        (write.id,) = await self._deps.db.write(lambda tx: audit.record(tx, [event]))
        try:
            with asking_for("ReplicationBackfill", str(name)):
                answer = await write.send(self._deps.aws)
        except AwsError:
            await self._deps.db.write(lambda tx: complete(tx, [write]))
            raise

        def store(tx: Tx) -> None:
            complete(tx, [write])
            record(tx, caller, name, changes=stops)

        await self._deps.db.write(store)
        return backfill_message.backfill(where, Backfill(answer))

    async def GetReplicationBackfill(
        self, request: pb.GetReplicationBackfillRequest, context: Context
    ) -> registry_pb2.ReplicationBackfill:
        """Return one backfill: as ECR has it, or its last known state."""
        name = BackfillName.parse(request.name)
        for each in await self._all(name.registry):
            if each.id.lower() == name.backfill.lower():
                return backfill_message.backfill(name.registry, each)
        raise NotFound("ReplicationBackfill", str(name))

    async def _all(self, registry: RegistryName) -> list[Backfill]:
        known = await list_backfills(self._deps.aws, registry)
        ids = {each.id for each in known}
        existing = await self._deps.db.read(lambda tx: operations.of_target(tx, str(registry), Method.START_BACKFILL))
        remembered = [BackfillMetadata(each.metadata).backfill for each in existing]
        return known + [each for each in remembered if each is not None and each.id not in ids]

    async def ListReplicationBackfills(
        self, request: pb.ListReplicationBackfillsRequest, context: Context
    ) -> pb.ListReplicationBackfillsResponse:
        """List backfills."""
        registry, page = RegistryName.parse(request.parent, "parent"), await self._deps.page(request, 0)
        rows = list(enumerate(await self._all(registry), 1))

        async def fetch(after: int, limit: int) -> list[tuple[int, Backfill]]:
            return rows[after : after + limit]

        async def show(numbered: Sequence[tuple[int, Backfill]]) -> list[registry_pb2.ReplicationBackfill]:
            return [backfill_message.backfill(registry, row) for _, row in numbered]

        shown, token = await scan(fetch, page, everything, lambda row: row[0], everything, show)
        return pb.ListReplicationBackfillsResponse(replication_backfills=shown, next_page_token=token)

    async def ListReplicationBackfillResults(
        self, request: pb.ListReplicationBackfillResultsRequest, context: Context
    ) -> pb.ListReplicationBackfillResultsResponse:
        """List the result of each image."""
        name, page = BackfillName.parse(request.name), await self._deps.page(request, "")
        params: dict[str, Any] = {"replicationBackfillId": name.backfill, "maxResults": page.size}
        if page.after:
            params["nextToken"] = page.after
        if request.status:
            params["resultStatusFilter"] = request.status
        where = name.registry
        with asking_for("ReplicationBackfill", str(name)):
            answer = await self._deps.aws.call(
                where.account, where.region, "ecr", "DescribeReplicationBackfillResults", params
            )
        response = pb.ListReplicationBackfillResultsResponse()
        for row in (answer.get("results") or [])[: page.size]:
            image = row.get("imageId") or {}
            response.results.add(
                repository_name=row.get("repositoryName", ""),
                image_digest=image.get("imageDigest", ""),
                image_tag=image.get("imageTag", ""),
                status=row.get("status", ""),
                failure_code=row.get("failureCode", "")[:_CODE_CHARACTERS],
            )
        if answer.get("nextToken"):
            response.next_page_token = page.token(answer["nextToken"])
        return response


def _check_mode(registry: RegistryName, row: Resource | None) -> None:
    mode = Mode.ENFORCE if row is None else row.mode
    if mode is not Mode.ENFORCE:
        raise FailedPrecondition(
            f"the mode of {registry} is {mode}; set ENFORCE before starting a backfill", reason="NOT_ENFORCED"
        )


def _in_progress(registry: RegistryName, destination: Mapping[str, Any]) -> FailedPrecondition:
    place = destination_key(destination)
    return FailedPrecondition(f"a backfill from {registry} to {place} is running", reason="BACKFILL_IN_PROGRESS")
