"""FleetService: the calls on registry sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ecrkeeper.v1 import common_pb2, fleet_pb2
from ecrkeeper.v1 import fleet_service_pb2 as pb

from ecrkeeper_server.access.policy import Target
from ecrkeeper_server.api.layers.access import CALLER
from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.layers.permissions import set_target
from ecrkeeper_server.api.layers.telemetry import caller_of
from ecrkeeper_server.api.messages import fleet as render
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.pages import everything, scan
from ecrkeeper_server.declarations.idempotency import find_response
from ecrkeeper_server.errors import NotFound
from ecrkeeper_server.fleet import matching
from ecrkeeper_server.fleet.bounds import out_of_bounds
from ecrkeeper_server.fleet.guards import check_removals, max_removals, max_removals_of
from ecrkeeper_server.fleet.matching import Place
from ecrkeeper_server.fleet.messages import SET_PATHS, filling_set, set_spec
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.fleet.planner import Planned, Planner, checking
from ecrkeeper_server.fleet.rollout_commands import active_of, queued_of
from ecrkeeper_server.fleet.selectors import matcher
from ecrkeeper_server.fleet.set_commands import SetWrite, write_set
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.settings.codec import masked_paths
from ecrkeeper_server.settings.elements import cost, cost_of_all
from ecrkeeper_server.store import registry_sets, resources, rollouts
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_rows import Authority, SetRevision, SetRow
from ecrkeeper_server.store.fleet_specs import SetSpec
from ecrkeeper_server.store.rollouts import OpenRollout
from ecrkeeper_server.turns import Steps, work

_Shown = tuple[SetRow, list[OpenRollout]]


class RegistrySets:
    """Create, update, get, list and delete registry sets.

    The service also lists their targets and revisions.
    """

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    async def CreateRegistrySet(self, request: pb.CreateRegistrySetRequest, context: Context) -> fleet_pb2.RegistrySet:
        """Create a set."""
        name = SetName.of(request.registry_set_id, "registry_set_id")
        spec = set_spec(None, request.registry_set, set())
        return await self._write(request, name, spec, None, create=True, update=False)

    async def UpdateRegistrySet(self, request: pb.UpdateRegistrySetRequest, context: Context) -> fleet_pb2.RegistrySet:
        """Change a set."""
        given = request.registry_set
        name = SetName.parse(given.name, "registry_set.name")
        paths = masked_paths(request.update_mask, given, SET_PATHS)
        row = await self._deps.db.read(lambda tx: registry_sets.get(tx, name.id))
        spec = set_spec(None if row is None else row.set_spec, given, paths)
        return await self._write(request, name, spec, row, create=request.allow_missing, update=True, etag=given.etag)

    async def DeleteRegistrySet(self, request: pb.DeleteRegistrySetRequest, context: Context) -> fleet_pb2.RegistrySet:
        """Start the deletion of a set."""
        name = SetName.parse(request.name)
        row = await self._deps.db.read(lambda tx: registry_sets.get(tx, name.id))
        if row is None and request.allow_missing:
            return fleet_pb2.RegistrySet(name=request.name)
        return await self._write(request, name, None, row, create=False, update=True, etag=request.etag)

    async def _write(
        self,
        request: Any,
        name: SetName,
        spec: SetSpec | None,
        seen: SetRow | None,
        *,
        create: bool,
        update: bool,
        etag: str = "",
    ) -> fleet_pb2.RegistrySet:
        who = CALLER.get()
        authority = Authority(who.name, tuple(sorted(who.groups)))
        removals = getattr(request, "allow_removals", 0)
        call = SetWrite(
            name=name,
            caller=caller_of(request),
            authority=authority,
            spec=spec,
            create=create,
            update=update,
            # The plan has to be that of the write: a set that changed meanwhile is planned again.
            etag=etag or ("" if seen is None else seen.etag),
            supersede=getattr(request, "supersede", False),
            removals=removals,
        )
        first = await self._deps.db.read(lambda tx: find_response(tx, call.caller))
        if first is None:
            call.check(seen)
            planned = await self._planned(name, spec, seen, authority)
            if request.validate_only:
                return await work().run(_planned(name, spec, seen, planned))
            check_removals(str(name), planned.plan.removing, _max_removals(spec, seen, planned.present), removals)
        row = await self._deps.db.write(lambda tx: _shown(tx, write_set(tx, call)))
        self._deps.wake_rollouts()
        return await _message(row)

    async def _planned(self, name: SetName, spec: SetSpec | None, seen: SetRow | None, authority: Authority) -> Planned:
        """Plan a write.

        InvalidArgument for an invalid set, PermissionDenied for one that reaches beyond its bounds.
        """
        if spec is not None:
            parts = (spec.settings, *(each.settings for each in spec.overrides))
            await work().charged(checking(spec), cost_of_all(parts))
        reach = self._deps.bounds.reach(authority, name)
        described = spec or (seen.set_spec if seen is not None else None)
        if described is None:
            raise NotFound("RegistrySet", str(name))
        may_read = self._deps.access.readable(_settings_target)
        planner = Planner(name, described, reach, may_read=may_read, releasing=spec is None)
        planned = await planner.run(self._deps.db)
        if planned.denied is not None:
            raise out_of_bounds(authority, name, planned.denied.registry)
        return planned

    async def GetRegistrySet(self, request: pb.GetRegistrySetRequest, context: Context) -> fleet_pb2.RegistrySet:
        """Return one set."""
        name = SetName.parse(request.name)

        def read(tx: Tx) -> _Shown:
            return _shown(tx, _known(tx, name))

        return await _message(await self._deps.db.read(read))

    async def ListRegistrySets(
        self, request: pb.ListRegistrySetsRequest, context: Context
    ) -> pb.ListRegistrySetsResponse:
        """List sets."""
        page = await self._deps.page(request, "")

        async def fetch(after: str, limit: int) -> list[str]:
            return await self._deps.db.read(lambda tx: registry_sets.page(tx, after, limit))

        async def show(ids: Sequence[str]) -> list[fleet_pb2.RegistrySet | None]:
            rows = await self._deps.db.read(lambda tx: _some(tx, ids))
            return [None if (row := rows.get(id)) is None else await _message(row) for id in ids]

        found, token = await scan(fetch, page, everything, str, self._deps.access.readable(set_target), show)
        return pb.ListRegistrySetsResponse(registry_sets=found, next_page_token=token)

    async def ListRegistrySetTargets(
        self, request: pb.ListRegistrySetTargetsRequest, context: Context
    ) -> pb.ListRegistrySetTargetsResponse:
        """List the registries that a set matches or declares for."""
        name = SetName.parse(request.parent, "parent")
        row = await self._deps.db.read(lambda tx: _known(tx, name))
        page, selector = await self._deps.page(request, ["", ""]), matcher(row.set_spec.selector)

        async def fetch(after: list[str], limit: int) -> list[Place]:
            return await self._deps.db.read(lambda tx: _places(tx, name, selector, after, limit))

        async def show(places: Sequence[Place]) -> list[fleet_pb2.RegistrySetTarget]:
            return await self._deps.db.read(lambda tx: [_target_message(tx, name, place) for place in places])

        def place_target(place: Place) -> Target:
            return Target(place.registry.account, place.registry.region, name.id)

        may = self._deps.access.readable(place_target)
        found, token = await scan(
            fetch, page, everything, lambda place: [place.registry.account, place.registry.region], may, show
        )
        return pb.ListRegistrySetTargetsResponse(targets=found, next_page_token=token)

    async def ListRegistrySetRevisions(
        self, request: pb.ListRegistrySetRevisionsRequest, context: Context
    ) -> pb.ListRegistrySetRevisionsResponse:
        """List revisions."""
        name, page = SetName.parse(request.parent, "parent"), await self._deps.page(request, -1)

        async def fetch(after: int, limit: int) -> list[int]:
            below = None if after < 0 else after
            return await self._deps.db.read(lambda tx: registry_sets.revision_page(tx, name.id, below, limit))

        async def show(numbers: Sequence[int]) -> list[fleet_pb2.RegistrySetRevision | None]:
            rows = await self._deps.db.read(lambda tx: registry_sets.some_revisions(tx, name.id, numbers))
            found = {row.revision: row for row in rows}
            return [None if (row := found.get(number)) is None else await _revision(row) for number in numbers]

        found, token = await scan(fetch, page, everything, int, everything, show)
        if not found and not request.page_token:
            raise NotFound("RegistrySet", str(name))
        return pb.ListRegistrySetRevisionsResponse(revisions=found, next_page_token=token)


def _max_removals(spec: SetSpec | None, seen: SetRow | None, present: int) -> int:
    if spec is not None:
        return max_removals_of(spec, present)
    return max_removals(None if seen is None else seen.set_spec.max_removals, present)


def _settings_target(name: SettingsName) -> Target:
    return Target(name.registry.account, name.registry.region, name.owner)


def _known(tx: Tx, name: SetName) -> SetRow:
    row = registry_sets.get(tx, name.id)
    if row is None:
        raise NotFound("RegistrySet", str(name))
    return row


def _shown(tx: Tx, row: SetRow) -> _Shown:
    return row, rollouts.open_states(tx, [row.id]).get(row.id, [])


async def _message(shown: _Shown) -> fleet_pb2.RegistrySet:
    row, opened = shown
    return await work().charged(render.registry_set(row, active_of(opened), queued_of(opened)), cost(row.spec))


async def _revision(row: SetRevision) -> fleet_pb2.RegistrySetRevision:
    return await work().charged(render.revision(row), cost(row.spec))


def _planned(
    name: SetName, spec: SetSpec | None, seen: SetRow | None, planned: Planned
) -> Steps[fleet_pb2.RegistrySet]:
    message = fleet_pb2.RegistrySet(name=str(name))
    if seen is not None:
        message = yield from render.registry_set(seen)
    if spec is not None:
        for path in SET_PATHS:
            message.ClearField(path)
        yield from filling_set(spec, message)
    warnings = []
    if not planned.plan.targets and spec is not None:
        text = "the selector matches no registry; account.enabled_regions may be unknown"
        warnings.append(common_pb2.Warning(reason="NO_TARGETS", subject="registry_set.selector", message=text))
    plan = yield from render.plan(planned.plan, warnings)
    message.plan.CopyFrom(plan)
    return message


def _some(tx: Tx, ids: Sequence[str]) -> dict[str, _Shown]:
    opened = rollouts.open_states(tx, ids)
    return {row.id: (row, opened.get(row.id, [])) for row in registry_sets.existing(tx, ids)}


def _places(tx: Tx, name: SetName, selector: Any, after: list[str], limit: int) -> list[Place]:
    """Return at least so many places behind a registry, if there are as many."""
    found: list[Place] = []
    # The account of the cursor may have more Regions.
    account = f"{int(after[0]) - 1:012}" if after[0].isascii() and after[0].isdigit() and int(after[0]) else ""
    while True:
        places, account = matching.page(tx, selector, name, account)
        found += [place for place in places if [place.registry.account, place.registry.region] > after]
        if not account or len(found) >= limit:
            return found[:limit]


def _target_message(tx: Tx, name: SetName, place: Place) -> fleet_pb2.RegistrySetTarget:
    managed = place.managed_by(name)
    ready = False
    if managed is not None and managed.observed_generation >= managed.generation:
        row = resources.get(tx, str(place.registry))
        own = [] if row is None else row.registry_state.of_owner(name.id).conditions
        ready = any(each.type == "Ready" and each.holds for each in own)
    return fleet_pb2.RegistrySetTarget(
        registry=str(place.registry),
        matched=place.matched,
        revision=0 if managed is None else managed.set_revision or 0,
        ready=ready,
    )
