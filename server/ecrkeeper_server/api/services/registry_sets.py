"""FleetService: the calls on one registry set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecrkeeper.v1 import common_pb2, fleet_pb2
from ecrkeeper.v1 import fleet_service_pb2 as pb

from ecrkeeper_server.access.policy import Target
from ecrkeeper_server.api.layers.access import CALLER
from ecrkeeper_server.api.layers.errors import LARGE_BYTES
from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.layers.telemetry import caller_of
from ecrkeeper_server.api.messages import fleet as render
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.declarations.idempotency import find_response
from ecrkeeper_server.errors import NotFound
from ecrkeeper_server.fleet.bounds import out_of_bounds
from ecrkeeper_server.fleet.guards import check_removals, max_removals, max_removals_of
from ecrkeeper_server.fleet.messages import SET_PATHS, filling_set, reading_set, set_spec
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.fleet.planner import Planned, Planner, checking
from ecrkeeper_server.fleet.rollout_commands import active_of, queued_of
from ecrkeeper_server.fleet.set_commands import SetWrite, write_set
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.settings.codec import masked_paths
from ecrkeeper_server.settings.elements import cost, cost_of_all
from ecrkeeper_server.store import registry_sets, rollouts
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.fleet_rows import Authority, SetRow
from ecrkeeper_server.store.fleet_specs import SetSpec
from ecrkeeper_server.store.rollouts import OpenRollout
from ecrkeeper_server.turns import Steps, work

SetWithRollouts = tuple[SetRow, list[OpenRollout]]
"""A set, and its rollouts that have not ended."""


class RegistrySets:
    """Create, update, get and delete registry sets."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    async def CreateRegistrySet(self, request: pb.CreateRegistrySetRequest, context: Context) -> fleet_pb2.RegistrySet:
        """Create a set."""
        name = SetName.of(request.registry_set_id, "registry_set_id")
        spec = await _spec_of(None, request.registry_set, set())
        return await self._write(request, name, spec, None, create=True, update=False)

    async def UpdateRegistrySet(self, request: pb.UpdateRegistrySetRequest, context: Context) -> fleet_pb2.RegistrySet:
        """Change a set."""
        requested = request.registry_set
        name = SetName.parse(requested.name, "registry_set.name")
        paths = masked_paths(request.update_mask, requested, SET_PATHS)
        row = await stored_set(self._deps.db, name)
        spec = await _spec_of(None if row is None else row.set_spec, requested, paths)
        return await self._write(
            request, name, spec, row, create=request.allow_missing, update=True, etag=requested.etag
        )

    async def DeleteRegistrySet(self, request: pb.DeleteRegistrySetRequest, context: Context) -> fleet_pb2.RegistrySet:
        """Start the deletion of a set."""
        name = SetName.parse(request.name)
        row = await stored_set(self._deps.db, name)
        if row is None and request.allow_missing:
            return fleet_pb2.RegistrySet(name=request.name)
        return await self._write(request, name, None, row, create=False, update=True, etag=request.etag)

    async def _write(
        self,
        request: Any,
        name: SetName,
        spec: SetSpec | None,
        stored: SetRow | None,
        *,
        create: bool,
        update: bool,
        etag: str = "",
    ) -> fleet_pb2.RegistrySet:
        principal = CALLER.get()
        authority = Authority(principal.name, tuple(sorted(principal.groups)))
        removals = getattr(request, "allow_removals", 0)
        call = SetWrite(
            name=name,
            caller=caller_of(request),
            authority=authority,
            spec=spec,
            create=create,
            update=update,
            # The plan has to be that of the write: a set that changed meanwhile is planned again.
            etag=etag or ("" if stored is None else stored.etag),
            supersede=getattr(request, "supersede", False),
            removals=removals,
        )
        first = await self._deps.db.read(lambda tx: find_response(tx, call.caller))
        if first is None:
            call.check(stored)
            planned = await self._planned(name, spec, stored, authority)
            if request.validate_only:
                return await work().run(_planned(name, spec, stored, planned))
            check_removals(str(name), planned.plan.removing, _max_removals(spec, stored, planned.present), removals)
        row = await self._deps.db.write(lambda tx: with_rollouts(tx, write_set(tx, call)))
        self._deps.wake_rollouts()
        # Without a charge, which may reject the call: the change is stored.
        return await work().run(set_steps(row), set_cost(row))

    async def _planned(
        self, name: SetName, spec: SetSpec | None, stored: SetRow | None, authority: Authority
    ) -> Planned:
        """Plan a write.

        InvalidArgument for an invalid set, PermissionDenied for one that reaches beyond its bounds.
        """
        if spec is not None:
            parts = (spec.settings, *(each.settings for each in spec.overrides))
            await work().charged(checking(spec), cost_of_all(parts))
        reach = self._deps.bounds.reach(authority, name)
        described = spec or (stored.set_spec if stored is not None else None)
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
        sets = await self._deps.db.read_then_parse(lambda tx: reading_sets(tx, [name.id]))
        if name.id not in sets:
            raise NotFound("RegistrySet", str(name))
        return await set_message(sets[name.id])


async def _spec_of(present: SetSpec | None, message: fleet_pb2.RegistrySet, paths: set[str]) -> SetSpec:
    """Return the set in a message; read a long one in turns."""
    if message.ByteSize() < LARGE_BYTES:
        return set_spec(present, message, paths)
    return await work().run(reading_set(present, message, paths))


def _max_removals(spec: SetSpec | None, stored: SetRow | None, present: int) -> int:
    if spec is not None:
        return max_removals_of(spec, present)
    return max_removals(None if stored is None else stored.set_spec.max_removals, present)


def _settings_target(name: SettingsName) -> Target:
    return Target(name.registry.account, name.registry.region, name.owner)


async def stored_set(db: Database, name: SetName) -> SetRow | None:
    """Return a stored set."""
    rows = await db.read_then_parse(lambda tx: registry_sets.reading(tx, [name.id]))
    return next(iter(rows), None)


def reading_sets(tx: Tx, ids: Sequence[str]) -> Steps[Steps[dict[str, SetWithRollouts]]]:
    """Read sets and their open rollouts, and return the steps that parse them."""
    opened = rollouts.open_states(tx, ids)
    parsing = yield from registry_sets.reading(tx, ids)
    return _with_rollouts(parsing, opened)


def _with_rollouts(
    parsing: Steps[list[SetRow]], opened: Mapping[str, list[OpenRollout]]
) -> Steps[dict[str, SetWithRollouts]]:
    return {row.id: (row, opened.get(row.id, [])) for row in (yield from parsing)}


def with_rollouts(tx: Tx, row: SetRow) -> SetWithRollouts:
    """Return a set and its open rollouts."""
    return row, rollouts.open_states(tx, [row.id]).get(row.id, [])


async def set_message(stored: SetWithRollouts) -> fleet_pb2.RegistrySet:
    """Return the message of a set."""
    return await work().charged(set_steps(stored), set_cost(stored))


def set_steps(stored: SetWithRollouts) -> Steps[fleet_pb2.RegistrySet]:
    """Return the message of a set in steps."""
    row, opened = stored
    return render.registry_set(row, active_of(opened), queued_of(opened))


def set_cost(stored: SetWithRollouts) -> int:
    """Return the cost of a set's message in elements."""
    return cost(stored[0].spec)


def _planned(
    name: SetName, spec: SetSpec | None, stored: SetRow | None, planned: Planned
) -> Steps[fleet_pb2.RegistrySet]:
    message = fleet_pb2.RegistrySet(name=str(name))
    if stored is not None:
        message = yield from render.registry_set(stored)
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
